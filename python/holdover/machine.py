# SPDX-License-Identifier: MIT
"""A machine to work on: endpoints in RTL below a kernel that booted and stays."""

from __future__ import annotations

import enum
from typing import NamedTuple

from holdover import _holdover
from holdover._options import Names, Path, SimulatedTime, settings

__all__ = ["DmaStatus", "Function", "Machine"]


class DmaStatus(enum.IntEnum):
    """How a descriptor ended."""

    OK = 0
    UNSUPPORTED_REQUEST = 1
    COMPLETER_ABORT = 2
    POISONED = 3
    TIMEOUT = 4
    RESET = 5
    BAD_DESCRIPTOR = 6


class Function(NamedTuple):
    """A function of the machine: its name, what it is, and the bus, device and function that reach it by now."""

    name: str
    kind: str
    bdf: str


class Machine(_holdover.Machine):
    """A machine with Verilated endpoints, and a kernel that booted on it and stays. Use it with `with`, or call close().

    All of it is synchronous: simulated time passes inside calls, and nowhere else. One machine is used by one thread at a
    time, others wait for their turn; several machines run side by side in several threads.
    """

    def __init__(
        self,
        *,
        topology: str | None = None,
        link: str | None = None,
        endpoint: str | None = None,
        aspm: str | None = None,
        profile: str | None = None,
        policy: Names | None = None,
        fault: Names | None = None,
        width: int | None = None,
        channels: int | None = None,
        max_payload: int | None = None,
        disturb: Names | None = None,
        read_latency_min: SimulatedTime | None = None,
        read_latency_max: SimulatedTime | None = None,
        write_latency_max: SimulatedTime | None = None,
        completion_timeout: SimulatedTime | None = None,
        seed: int | None = None,
        trace: Path | None = None,
        trace_detail: str | None = None,
        dram: Path | None = None,
        wave: Path | None = None,
        wave_from: SimulatedTime | None = None,
        wave_to: SimulatedTime | None = None,
    ) -> None:
        """Boots it, with the options of `holdover run` that say what a machine and its kernel are.

        Files (trace, dram, wave) are there after close(). Raises InvalidArgument, Unavailable where a file cannot be
        written or the kernel panics.
        """
        options: dict[str, object] = {
            "topology": topology, "link": link, "endpoint": endpoint, "aspm": aspm, "profile": profile,
            "policy": policy, "fault": fault, "width": width, "channels": channels, "max_payload": max_payload,
            "disturb": disturb, "read_latency_min": read_latency_min, "read_latency_max": read_latency_max,
            "write_latency_max": write_latency_max, "completion_timeout": completion_timeout, "seed": seed,
            "trace": trace, "trace_detail": trace_detail, "dram": dram, "wave": wave, "wave_from": wave_from,
            "wave_to": wave_to}
        chosen = settings(options)
        super().__init__(chosen)
        self._chosen = chosen

    @property
    def options(self) -> dict[str, list[str]]:
        """What the machine was made with, where that is not the default: names as on the command line."""
        result: dict[str, list[str]] = {}
        for name, text in self._chosen:
            result.setdefault(name, []).append(text)
        return result

    @property
    def functions(self) -> list[Function]:
        """Every function of the machine, bridges too."""
        return [Function(*each) for each in super().functions]

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={text}" for name, text in self._chosen)
        return f"<Machine{' ' if options else ''}{options}{', closed' if self.closed else ''}>"
