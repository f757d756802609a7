# SPDX-License-Identifier: MIT
"""One scenario: a machine, a kernel that is replaced by another, and a verdict."""

from __future__ import annotations

from collections.abc import Callable

from holdover import _holdover
from holdover._options import Names, Path, SimulatedTime, settings
from holdover.report import Report

__all__ = ["Progress", "run", "validate"]

# Phase, simulated time in picoseconds, clocks of the endpoints.
Progress = Callable[[str, int, int], object]


def run(
    *,
    scenario: str | None = None,
    profile: str | None = None,
    from_: str | None = None,
    to: str | None = None,
    chain: Names | None = None,
    finish: str | None = None,
    policy: Names | None = None,
    topology: str | None = None,
    link: str | None = None,
    endpoint: str | None = None,
    aspm: str | None = None,
    fault: Names | None = None,
    width: int | None = None,
    channels: int | None = None,
    max_payload: int | None = None,
    bulk: Names | None = None,
    transfer: int | None = None,
    heartbeat: SimulatedTime | None = None,
    completion_timeout: SimulatedTime | None = None,
    disturb: Names | None = None,
    read_latency_min: SimulatedTime | None = None,
    read_latency_max: SimulatedTime | None = None,
    write_latency_max: SimulatedTime | None = None,
    seed: int | None = None,
    isolation: str | None = None,
    interrupts_at_freeze: str | None = None,
    jump: str | None = None,
    blackout: SimulatedTime | None = None,
    before: SimulatedTime | None = None,
    after: SimulatedTime | None = None,
    json: Path | None = None,
    junit: Path | None = None,
    trace: Path | None = None,
    trace_detail: str | None = None,
    dram: Path | None = None,
    wave: Path | None = None,
    wave_from: SimulatedTime | None = None,
    wave_to: SimulatedTime | None = None,
    kernel_image: Path | None = None,
    next_image: Path | None = None,
    config: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Runs a scenario and judges it: `holdover run` with the same options, which have the same defaults.

    A time is a text ('250us') or a whole number of picoseconds. `fault` and `policy` take one or several. `progress` is
    called a few times per simulated 100 us; what it raises ends the run, as Ctrl-C does.

    Raises InvalidArgument for what is not possible, Unavailable for files that cannot be written; a FAIL is no error:
    it is in the report. Other threads go on meanwhile.

    """
    options = {name: value for name, value in locals().items() if name != "progress"}
    record, table = _holdover.run(settings(options), progress)
    return Report.from_record(record, table)


def validate(**options: object) -> None:
    """Raises what run() would raise for these options before anything starts."""
    _holdover.validate(settings(options))


def _describe(options: list[tuple[str, str, str, bool]]) -> str:
    return "\n".join(f"    {name.replace('-', '_')}: {sentence}." for name, _, sentence, _ in options)


run.__doc__ = (run.__doc__ or "").rstrip() + "\n\n" + _describe(_holdover.run_options()) + "\n"
