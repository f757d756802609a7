# SPDX-License-Identifier: MIT
"""Holdover: a hardware-in-the-loop bench for PCIe endpoints in RTL.

    import holdover

    with holdover.Machine() as machine, machine.open() as device, device.driver() as driver:
        buffer = driver.buffer(4096)
        buffer.array[:] = 0x5A
        assert driver.copy_to_card(buffer) == holdover.DmaStatus.OK

    report = holdover.run(fault="H014")
    print(report.verdict)

Times are simulated: a text ('250us'), or picoseconds (3 * holdover.us). Every exception is a holdover.Error.
"""

from holdover._holdover import (
    AddressSpace,
    Alarm,
    ChannelStatistics,
    Completion,
    Device,
    Driver,
    HeartbeatReaderStatistics,
    HeartbeatRecord,
    HeartbeatStatistics,
    Memory,
    Tlp,
    Trace,
    VectorStatistics,
    __commit__,
    __version__,
)
from holdover.errors import (
    Closed,
    Corrupt,
    Error,
    Interrupted,
    InvalidArgument,
    NotFound,
    PeerDied,
    Refused,
    Unavailable,
)
from holdover.fault_plan import FaultPlan
from holdover.machine import DmaStatus, Function, Machine
from holdover.measurement import Bandwidth, Latency, Measurement, measure
from holdover.names import (
    Policy,
    disturbances,
    endpoints,
    faults,
    measure_tests,
    policies,
    profiles,
    scenarios,
    topologies,
)
from holdover.report import Check, Finding, Hazard, Invariant, PhaseRow, Report, Verdict
from holdover.scenario import run, validate
from holdover.trace import CompletionStatus, Record, TlpKind

ps = 1
ns = 1000 * ps
us = 1000 * ns
ms = 1000 * us

__all__ = [
    "AddressSpace", "Alarm", "Bandwidth", "ChannelStatistics", "Check", "Closed", "Completion", "CompletionStatus",
    "Corrupt", "Device", "DmaStatus", "Driver", "Error", "FaultPlan", "Finding", "Function", "Hazard",
    "HeartbeatReaderStatistics", "HeartbeatRecord", "HeartbeatStatistics", "Interrupted", "Invariant",
    "InvalidArgument", "Latency", "Machine", "Measurement", "Memory", "NotFound", "PeerDied", "PhaseRow", "Policy",
    "Record", "Refused", "Report", "Tlp", "TlpKind", "Trace", "Unavailable", "VectorStatistics", "Verdict",
    "__commit__", "__version__", "disturbances", "endpoints", "faults", "measure", "measure_tests", "ms", "ns",
    "policies", "profiles", "ps", "run", "scenarios", "topologies", "us", "validate",
]
