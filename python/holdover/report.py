# SPDX-License-Identifier: MIT
"""What a run says: its verdict with nine checks, and the figures behind them. A view of the record that
`holdover run --json` writes; times end in _ps and are simulated, in picoseconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

Row = TypeVar("Row")

__all__ = ["Check", "Finding", "Hazard", "Invariant", "PhaseRow", "Report", "Verdict"]


@dataclass(frozen=True)
class Finding:
    """One thing that went against a check.

    cause: the event that explains it, who, where and when; None where nothing that was seen explains it.
    """

    time_ps: int
    phase: str
    sentence: str
    cause: str | None


@dataclass(frozen=True)
class Check:
    """One of the nine (docs/verdict.md).

    status: 'pass', 'fail', 'not observable', 'not judged' or 'not applicable'. figure: one line for people. numbers: the
    same for programs. findings: how many there are; first: the first of them.
    """

    name: str
    status: str
    figure: str
    numbers: Mapping[str, int]
    findings: int
    first: Finding | None

    @property
    def passed(self) -> bool:
        return self.status == "pass"


@dataclass(frozen=True)
class Invariant:
    """One invariant of live update; status: 'held', 'broken' or 'not judged'."""

    number: int
    sentence: str
    status: str
    broken_by: Finding | None


@dataclass(frozen=True)
class Verdict:
    """PASS, FAIL with its causes, or INCONCLUSIVE with its reason. True where it is PASS."""

    outcome: str
    headline: str
    reason: str | None
    first: Finding | None
    checks: Mapping[str, Check]
    invariants: tuple[Invariant, ...]

    def __bool__(self) -> bool:
        return self.outcome == "PASS"

    def __str__(self) -> str:
        return self.headline

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(name for name, check in self.checks.items() if check.status == "fail")

    @property
    def causes(self) -> tuple[str, ...]:
        """What explains the failed checks, each cause once, in the order of the checks."""
        found = (check.first.cause for check in self.checks.values() if check.status == "fail" and check.first)
        return tuple(dict.fromkeys(cause for cause in found if cause))


@dataclass(frozen=True)
class PhaseRow:
    """One line of the table: a phase, under which host, and what came by. longest_silence_ps: None where fewer than one
    gap between heartbeat records ended in it."""

    phase: str
    host: str
    begin_ps: int
    end_ps: int
    clocks: int
    records: int
    longest_silence_ps: int | None
    config_writes: int


@dataclass(frozen=True)
class Hazard:
    """What is known to happen to devices on the way, as far as it did (docs/hazards.md)."""

    hazard: str
    first_ps: int
    where: str | None
    host: str
    phase: str
    count: int


@dataclass(frozen=True)
class Report:
    """What run() returns.

    table: what `holdover run` prints. record: all of it, as bench/report.schema.json describes it. replay: the command
    that repeats a FAIL with a waveform around the first finding. wall_ns: the only figure that is no simulated time.
    """

    verdict: Verdict
    phases: tuple[PhaseRow, ...]
    hazards: tuple[Hazard, ...]
    notes: tuple[str, ...]
    console: tuple[str, ...]
    replay: str | None
    silence_limit_ps: int
    window_ps: tuple[int, int]
    simulated_ps: int
    clocks: int
    tlps: int
    wall_ns: int
    table: str = field(repr=False)
    record: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return self.table

    @classmethod
    def from_record(cls, text: str, table: str = "") -> Report:
        """The view of a record, also of one that `holdover run --json` wrote."""
        record = json.loads(text)
        verdict = Verdict(
            outcome=record["outcome"], headline=record["headline"], reason=record["reason"],
            first=_finding(record["first_finding"]),
            checks={each["check"]: _check(each) for each in record["checks"]},
            invariants=tuple(Invariant(each["number"], each["sentence"], each["status"], _finding(each["broken_by"]))
                             for each in record["invariants"]))
        return cls(
            verdict=verdict,
            phases=tuple(known(PhaseRow, each) for each in record["phases"]),
            hazards=tuple(known(Hazard, each) for each in record["hazards"]),
            notes=tuple(record["notes"]), console=tuple(record["console"]), replay=record["replay"],
            silence_limit_ps=record["silence"]["limit_ps"],
            window_ps=(record["window"]["begin_ps"], record["window"]["end_ps"]),
            simulated_ps=record["simulated"]["time_ps"], clocks=record["simulated"]["clocks"],
            tlps=record["simulated"]["tlps"], wall_ns=record["wall"]["time_ns"], table=table, record=record)


def known(kind: type[Row], record: Mapping[str, Any]) -> Row:
    """An object of a dataclass from a record that may say more."""
    return kind(**{each.name: record[each.name] for each in fields(kind)})


def _finding(record: Mapping[str, Any] | None) -> Finding | None:
    if record is None:
        return None
    return Finding(record["time_ps"], record["phase"], record["sentence"], record["cause"])


def _check(record: Mapping[str, Any]) -> Check:
    return Check(record["check"], record["status"], record["figure"], record["numbers"], record["findings"],
                 _finding(record["first_finding"]))
