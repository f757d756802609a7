# SPDX-License-Identifier: MIT
"""Scenarios, verdicts and fault plans in Python: the same as on the command line."""

import inspect
import json
import subprocess

import pytest

import holdover
from holdover import _holdover

SHORT = dict(before="20us", after="20us", blackout="100us")
CHECKS = {"continuity", "memory", "configuration", "bdf", "iommu", "interrupts", "reset_and_link", "protocol", "handover"}


def test_an_update_that_goes_well_passes_nine_checks():
    report = holdover.run(**SHORT)
    assert report.verdict and report.verdict.outcome == "PASS" and report.verdict.failed == ()
    assert set(report.verdict.checks) == CHECKS
    assert all(check.passed for check in report.verdict.checks.values())
    assert report.replay is None and report.simulated_ps > 0 and report.tlps > 0
    assert [row.phase for row in report.phases][:2] == ["boot", "setup"]
    assert "PASS" in str(report.verdict) and "kernel A" in str(report)


def test_a_fault_is_found_with_its_cause_and_the_way_to_repeat_it():
    report = holdover.run(fault=holdover.FaultPlan("H014"), isolation="in-process", **SHORT)
    verdict = report.verdict
    assert not verdict and "continuity" in verdict.failed
    assert "bus master enable cleared" in verdict.causes[0]
    assert verdict.first.time_ps > 0 and verdict.first.phase == "shutdown"
    assert verdict.checks["continuity"].numbers["absent"] > 0
    assert any(hazard.hazard == "H014" for hazard in report.hazards)
    assert "--fault H014" in report.replay
    assert any(invariant.status == "broken" and invariant.broken_by for invariant in verdict.invariants)


def test_chains_profiles_and_policies_are_chosen():
    report = holdover.run(chain=["continuous", "pci-v9", "continuous"], isolation="in-process", **SHORT)
    assert report.record["options"]["kernels"] == ["continuous", "pci-v9", "continuous"]
    report = holdover.run(from_="continuous", to="pci-v6", policy=["delays=scaled"], isolation="in-process", **SHORT)
    assert report.record["options"]["kernels"][1].startswith("pci-v6")
    assert holdover.run(jump="none", **SHORT).verdict.checks["handover"].status == "not applicable"


def test_the_record_is_the_one_of_the_command_line(program, tmp_path):
    path = tmp_path / "run.json"
    subprocess.run([program, "run", "--before", "20us", "--after", "20us", "--blackout", "100us", "--fault", "H014", "--seed",
                    "7", "--json", path], check=False, stdout=subprocess.DEVNULL)
    theirs = json.loads(path.read_text())
    ours = dict(holdover.run(fault="H014", seed=7, **SHORT).record)
    for record in (theirs, ours):
        del record["wall"], record["program"], record["options"]["command"], record["replay"]
    assert ours == theirs
    view = holdover.Report.from_record(path.read_text())
    assert view.verdict.outcome == "FAIL" and view.verdict.failed


def test_every_option_of_the_command_line_is_one_of_run():
    ours = set(inspect.signature(holdover.run).parameters) - {"progress", "config"}
    theirs = {name.replace("-", "_") for name, _, _, _ in _holdover.run_options()}
    assert {name.rstrip("_") for name in ours} == theirs
    assert all(f"{name}: " in holdover.run.__doc__ for name in theirs)


def test_options_of_a_machine_are_options_of_run():
    ours = set(inspect.signature(holdover.Machine.__init__).parameters) - {"self"}
    assert ours <= set(inspect.signature(holdover.run).parameters)


def test_times_are_texts_or_picoseconds():
    options = dict(before=20 * holdover.us, after="20us", blackout=100_000_000, isolation="in-process")
    assert holdover.run(**options).record["options"]["blackout_ps"] == 100_000_000


def test_a_configuration_file_is_read(tmp_path):
    (tmp_path / "bench.toml").write_text('blackout = "100us"\nbefore = "20us"\nafter = "20us"\nseed = 9\n')
    assert holdover.run(config=tmp_path / "bench.toml").record["options"]["seed"] == 9


@pytest.mark.parametrize("options, words", [
    (dict(scenario="xyz"), "continuity"), (dict(topology="star"), "direct"), (dict(fault=["H014", "H999"]), "H999"),
    (dict(blackout="long"), "blackout"), (dict(seed=-1), "seed"), (dict(seed=object()), "seed"),
    (dict(json="/nowhere/at/all.json"), "/nowhere"), (dict(isolation="none"), "isolation"),
    (dict(wave_from="1us"), "wave"), (dict(kernel_image="/nowhere"), "kernel")])
def test_what_is_not_possible_is_refused_before_anything_starts(options, words):
    with pytest.raises(holdover.Error, match=words):
        holdover.run(**options)


def test_validate_says_the_same_without_a_run():
    holdover.validate(seed=3)
    with pytest.raises(holdover.InvalidArgument, match="star"):
        holdover.validate(topology="star")
    with pytest.raises(holdover.InvalidArgument, match="sead"):
        holdover.validate(sead=3)


def test_an_unknown_option_is_an_error_of_python():
    with pytest.raises(TypeError, match="sead"):
        holdover.run(sead=3)


def test_fault_plans_are_checked_when_they_are_made():
    plan = holdover.FaultPlan("H014") + holdover.FaultPlan("lost-write")
    assert list(plan) == ["H014", "lost-write"] and len(plan) == 2 and plan[1] == "lost-write"
    assert plan == holdover.FaultPlan("H014", "lost-write") and "lost-write: " in str(plan)
    with pytest.raises(holdover.InvalidArgument, match="H014"):
        holdover.FaultPlan("gremlins")


def test_names_are_those_of_the_command_line(program):
    for what in ("scenarios", "profiles", "policies", "topologies", "endpoints", "disturbances", "faults"):
        listed = subprocess.run([program, "list", what], capture_output=True, text=True, check=True).stdout
        names = getattr(holdover, what)()
        assert names
        assert [line.split()[0] for line in listed.splitlines()[1:] if line[2] != " "] == list(names)
    assert "scaled" in holdover.policies()["delays"].values


def test_progress_is_told_and_what_it_raises_ends_the_run():
    phases = []
    holdover.run(progress=lambda phase, time, clocks: phases.append((time, phase)), **SHORT)
    assert phases == sorted(phases, key=lambda each: each[0]) and {"boot", "after"} <= {phase for _, phase in phases}

    def fail(phase, time, clocks):
        raise KeyError("enough")

    for isolation in ("process", "in-process"):
        with pytest.raises(KeyError, match="enough"):
            holdover.run(progress=fail, isolation=isolation)
