# SPDX-License-Identifier: MIT
"""The pytest plugin: found by its entry point, a machine per test, and what a failure says."""

import pytest


def run(pytester, text, *arguments):
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_each_test_has_a_machine_of_its_own(pytester):
    run(pytester, """
        machines = []
        def test_one(machine): machines.append(machine); machine.wait("1us")
        def test_other(machine):
            assert machine is not machines[0]
            assert machines[0].closed and not machine.closed
        def test_fixtures_belong_together(machine, device, driver):
            assert device.bdf in machine.devices
            assert driver.copy_to_card(driver.buffer(4096)) == 0
        def test_without_a_machine(): pass
    """).assert_outcomes(passed=4)


def test_a_plugin_that_is_named_although_it_is_found_is_loaded_once(pytester):
    run(pytester, "def test_one(machine): pass", "-p", "holdover.pytest_plugin").assert_outcomes(passed=1)


def test_markers_and_parameters_choose_the_machine(pytester):
    run(pytester, """
        import pytest
        pytestmark = pytest.mark.holdover(topology="wide", disturb="none")
        def test_module(machine): assert machine.options["topology"] == ["wide"]
        @pytest.mark.holdover(topology="switch", seed=3, fault=["lost-write"])
        def test_nearer_goes_before_farther(machine):
            assert machine.options == {"topology": ["switch"], "disturb": ["none"], "seed": ["3"], "fault": ["lost-write"]}
        @pytest.mark.parametrize("machine", [dict(topology=name) for name in ("direct", "switch")], indirect=True)
        def test_parameter(machine, request):
            assert machine.options["topology"] == [request.node.callspec.params["machine"]["topology"]]
        class TestClass:
            @pytest.fixture
            def holdover_options(self, holdover_options): return {**holdover_options, "topology": "direct"}
            def test_override(self, machine): assert machine.options["topology"] == ["direct"]
        def test_seed(holdover_seed, machine): assert machine.options["seed"] == [str(holdover_seed)]
    """, "--strict-markers").assert_outcomes(passed=6)


def test_options_reach_every_machine_that_does_not_say_otherwise(pytester):
    run(pytester, """
        import pytest
        def test_plain(machine): assert machine.options == {"link": ["gen1x1"], "max-payload": ["128"], "seed": ["77"]}
        @pytest.mark.holdover(link="gen2x2", seed=5)
        def test_marked(machine): assert machine.options["link"] == ["gen2x2"] and machine.options["seed"] == ["5"]
    """, "--holdover-seed=77", "--holdover-option=link=gen1x1", "--holdover-option", "max-payload=128").assert_outcomes(passed=2)


def test_a_failure_says_the_seed_and_how_to_repeat_it(pytester):
    result = run(pytester, """
        import pytest
        @pytest.mark.parametrize("size", [8])
        def test_fails(driver, size): assert driver.channels == 99
        def test_passes(machine): pass
    """, "--holdover-seed=41", "--holdover-option=disturb=none")
    result.assert_outcomes(passed=1, failed=1)
    again = "again: pytest '*.py::test_fails[[]8]' --holdover-seed=41 --holdover-option=disturb=none"
    result.stdout.fnmatch_lines(["*- holdover -*", "seed 41; " + again, "<Machine disturb=none, seed=41>", "simulated * ps, * clocks"])
    assert result.stdout.str().count("seed 41;") == 1


def test_a_random_seed_is_said_and_repeats_the_machine(pytester):
    text = """
        def test_fails(driver, machine):
            driver.start_heartbeat()
            machine.wait("20us")
            assert False, [int(each) for each in driver.heartbeat_records()["time"][:3]]
    """
    first = run(pytester, text, "--holdover-seed=random").stdout.str()
    seed = first.split("--holdover-seed=")[1].split()[0]
    again = run(pytester, text, f"--holdover-seed={seed}").stdout.str()
    line = next(line for line in first.splitlines() if line.startswith("E ") and "AssertionError" in line)
    assert line in again


def test_what_goes_wrong_on_the_machine_fails_the_test(pytester):
    result = run(pytester, """
        import pytest
        def provoke(machine, driver):
            driver.configure(0, "to-card"); driver.start(0); driver.submit(0, 1 << 40, 0, 64); machine.wait("50us")
        def test_unnoticed(machine, driver): provoke(machine, driver)
        @pytest.mark.holdover(allow_alarms=True)
        def test_allowed(machine, driver):
            provoke(machine, driver)
            assert machine.alarms
    """)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*the machine was not in order*", "*the IOMMU refused a read*"])


def test_every_machine_writes_its_trace(pytester):
    result = run(pytester, """
        import pytest
        def test_one(machine): pass
        class TestGroup:
            @pytest.mark.parametrize("what", ["a/b"])
            def test_two(self, device, what): assert device.read(0, 0)
        def test_none(): pass
    """, "--holdover-trace=traces", "--holdover-wave=waves")
    result.assert_outcomes(passed=3)
    names = sorted(each.name for each in (pytester.path / "traces").iterdir())
    assert len(names) == 2 and names[0].endswith("TestGroup-test_two-a-b.tlp") and names[1].endswith("test_one.tlp")
    assert len(list((pytester.path / "waves").glob("*.fst"))) == 2


@pytest.mark.parametrize("arguments, words", [(["--holdover-seed=soon"], "soon"), (["--holdover-option=disturb"], "disturb")])
def test_options_that_are_none_are_refused(pytester, arguments, words):
    result = run(pytester, "def test_it(machine): pass", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words}*is not possible*"])


def test_a_machine_that_cannot_be_is_an_error_of_that_test(pytester):
    result = run(pytester, """
        import pytest
        @pytest.mark.holdover(topology="star")
        def test_star(machine): pass
        @pytest.mark.holdover(colour="red")
        def test_colour(machine): pass
        @pytest.mark.holdover("switch")
        def test_by_place(machine): pass
        def test_fine(machine): pass
    """)
    result.assert_outcomes(passed=1, errors=3)
    result.stdout.fnmatch_lines(["*star*direct*"])


def test_the_plugin_explains_itself(pytester):
    result = pytester.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(["machines of Holdover:", "*--holdover-seed=N*"])
    pytester.runpytest_subprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.holdover(*"])
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["*machine -- *pytest_plugin.py*", "*A holdover.Machine of this test's own*"])
