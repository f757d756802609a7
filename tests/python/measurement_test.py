# SPDX-License-Identifier: MIT
"""Measurements in Python: the figures of the command line."""

import json
import subprocess

import pytest

import holdover


def test_the_figures_are_those_of_the_command_line(program, tmp_path):
    path = tmp_path / "measure.json"
    subprocess.run([program, "measure", "--sizes", "64,4096", "--duration", "50us", "--samples", "5", "--json", path],
                   check=True, stdout=subprocess.DEVNULL)
    theirs = json.loads(path.read_text())
    points = []
    ours = holdover.measure(sizes=[64, 4096], duration="50us", samples=5, progress=points.append)
    assert [each.measured_gbps for each in ours.bandwidth] == [each["measured_gbps"] for each in theirs["bandwidth"]]
    assert [each.median_ns for each in ours.latency] == [each["median_ns"] for each in theirs["latency"]]
    assert ours.alarms == () and "BW_WR 64" in points
    assert all(0 < each.measured_gbps <= each.bound_gbps for each in ours.bandwidth)
    assert "LAT_MMIO_RD" in str(ours)


@pytest.mark.parametrize("options, words", [(dict(tests="SPEED"), "SPEED"), (dict(depth=0), "depth"), (dict(sizes=[0]), "size"),
                                            (dict(duration="1s"), "duration"), (dict(topology="star"), "star")])
def test_what_is_not_possible_is_refused(options, words):
    with pytest.raises(holdover.InvalidArgument, match=words):
        holdover.measure(**options)


def test_what_progress_raises_ends_it():
    def fail(point):
        raise KeyError(point)

    with pytest.raises(KeyError, match="BW_WR"):
        holdover.measure(progress=fail)


def test_tests_have_names():
    assert set(holdover.measure_tests()) == {"BW_WR", "BW_RD", "LAT_MMIO_RD"}
