# SPDX-License-Identifier: MIT
"""What an FPGA team runs every night: pytest card_regression.py [--holdover-seed=random] [--holdover-trace=DIR]

Each test has a machine of its own, and fails as well where a protocol rule was broken on it.
"""

import numpy as np
import pytest

import holdover
from holdover import DmaStatus


@pytest.mark.parametrize("length", [1, 63, 64, 65, 4095, 4096, 4097, 65536])
@pytest.mark.holdover(disturb="all")
def test_a_transfer_of_any_length_arrives(driver: holdover.Driver, holdover_seed: int, length: int) -> None:
    source, back = driver.buffer(65536), driver.buffer(65536)
    source.array[:] = np.random.default_rng(holdover_seed).integers(0, 256, 65536, dtype=np.uint8)
    assert driver.copy_to_card(source, length=length) == DmaStatus.OK
    assert driver.copy_to_host(back, length=length) == DmaStatus.OK
    assert np.array_equal(source.array[:length], back.array[:length])
    assert not back.array[length:].any()


@pytest.mark.parametrize("machine", [dict(topology=name) for name in holdover.topologies()], indirect=True,
                         ids=list(holdover.topologies()))
def test_the_heartbeat_misses_nothing(machine: holdover.Machine, driver: holdover.Driver) -> None:
    driver.enable_interrupts(1)
    driver.start_heartbeat("2us", vector=0)
    machine.wait("100us")
    driver.stop_heartbeat()
    statistics = driver.heartbeat_statistics()
    assert statistics.missed == 0 and statistics.sequence >= 45
    assert driver.take_interrupts(0) > 0


def test_an_flr_stops_the_engine_and_leaves_the_function_usable(
    machine: holdover.Machine, device: holdover.Device, driver: holdover.Driver
) -> None:
    driver.start_heartbeat()
    machine.wait("20us")
    device.reset()
    assert not driver.heartbeat_statistics().running


@pytest.mark.parametrize("fault", ["H014", "lost-write"])
def test_the_bench_finds_a_fault(fault: str, holdover_seed: int) -> None:
    report = holdover.run(fault=fault, seed=holdover_seed, blackout="100us", before="50us", after="50us")
    assert report.verdict.outcome == "FAIL", report
    assert report.verdict.first is not None


def test_an_update_passes(holdover_seed: int) -> None:
    report = holdover.run(seed=holdover_seed, blackout="100us", before="50us", after="50us")
    assert report.verdict, report
