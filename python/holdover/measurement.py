# SPDX-License-Identifier: MIT
"""Throughput and latency beside their theory (docs/measurement.md says what each figure means)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from holdover import _holdover
from holdover._options import Names, SimulatedTime, settings
from holdover.report import known

__all__ = ["Bandwidth", "Latency", "Measurement", "measure"]


@dataclass(frozen=True)
class Bandwidth:
    """Gb/s of data at one size of transfer.

    measured: what moved between two completion records. theory: of the link alone. theory_with_rings: with descriptors and
    records as well. bound: what headers alone leave.
    """

    test: str
    size: int
    transfers: int
    duration_ns: int
    measured_gbps: float
    theory_gbps: float
    theory_with_rings_gbps: float
    ratio: float
    bound_gbps: float


@dataclass(frozen=True)
class Latency:
    """Nanoseconds of one kind of access; wire: what request and answer take on the links alone."""

    test: str
    size: int
    samples: int
    min_ns: float
    median_ns: float
    mean_ns: float
    p95_ns: float
    p99_ns: float
    max_ns: float
    wire_ns: float


@dataclass(frozen=True)
class Measurement:
    """What measure() returns. alarms: why the figures cannot be trusted; empty: they can."""

    bandwidth: tuple[Bandwidth, ...]
    latency: tuple[Latency, ...]
    alarms: tuple[str, ...]
    simulated_ps: int
    table: str = field(repr=False)
    record: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return self.table


def measure(
    *,
    tests: Names = ("BW_WR", "BW_RD", "LAT_MMIO_RD"),
    sizes: Iterable[int] = (64, 128, 256, 512, 1024, 2048, 4096, 16384, 65536),
    depth: int = 64,
    duration: SimulatedTime = "200us",
    samples: int = 1000,
    topology: str | None = None,
    link: str | None = None,
    profile: str | None = None,
    width: int | None = None,
    channels: int | None = None,
    max_payload: int | None = 256,
    disturb: Names | None = "none",
    read_latency_min: SimulatedTime | None = "600ns",
    read_latency_max: SimulatedTime | None = "600ns",
    write_latency_max: SimulatedTime | None = None,
    completion_timeout: SimulatedTime | None = None,
    seed: int | None = None,
    progress: Callable[[str], object] | None = None,
) -> Measurement:
    """Measures an endpoint on a kind machine with one latency, unless asked otherwise: `holdover measure`.

    tests: holdover.measure_tests(). sizes: bytes of a transfer. depth: descriptors in the ring. duration: of each
    bandwidth, simulated. samples: register reads of each size. The rest is as run() has it. `progress` is called before
    each point with its name.

    Raises InvalidArgument, and Unavailable where the endpoint does not move data.
    """
    options: dict[str, object] = {
        "topology": topology, "link": link, "profile": profile, "width": width, "channels": channels,
        "max_payload": max_payload, "disturb": disturb, "read_latency_min": read_latency_min,
        "read_latency_max": read_latency_max, "write_latency_max": write_latency_max,
        "completion_timeout": completion_timeout, "seed": seed}
    names = [tests] if isinstance(tests, str) else list(tests)
    text, table = _holdover.measure(settings(options), names, list(sizes), depth, duration, samples, progress)
    record = json.loads(text)
    return Measurement(
        bandwidth=tuple(known(Bandwidth, each) for each in record["bandwidth"]),
        latency=tuple(known(Latency, each) for each in record["latency"]),
        alarms=tuple(record["alarms"]), simulated_ps=record["simulated_ps"], table=table, record=record)
