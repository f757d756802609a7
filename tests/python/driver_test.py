# SPDX-License-Identifier: MIT
"""The endpoint's driver in Python."""

import numpy as np
import pytest

import holdover
from holdover import DmaStatus


@pytest.mark.parametrize("length, offset, card", [(1, 0, 0), (4096, 0, 0), (1000, 3, 5), (16384, 0, 4096)])
def test_what_goes_to_the_card_comes_back(driver, length, offset, card):
    source, back = driver.buffer(32768), driver.buffer(32768)
    source.array[:] = np.random.default_rng(1).integers(0, 256, 32768, dtype=np.uint8)
    assert driver.copy_to_card(source, card, length=length, offset=offset) is DmaStatus.OK
    assert driver.copy_to_host(back, card, length=length, offset=offset) is DmaStatus.OK
    assert (back.array[offset : offset + length] == source.array[offset : offset + length]).all()
    assert back.array[:offset].sum() == 0 and back.array[offset + length :].sum() == 0


def test_each_channel_copies(driver):
    buffer = driver.buffer(4096)
    for channel in range(driver.channels):
        assert driver.copy_to_card(buffer, channel=channel) == DmaStatus.OK
    assert driver.channel_statistics(driver.channels - 1).bytes == 4096


@pytest.mark.holdover(allow_alarms=True)
def test_a_copy_that_fails_is_a_value_and_the_channel_goes_on(machine, device, driver):
    buffer = driver.buffer(4096)
    device.set_bus_master(False)
    with pytest.raises(holdover.Unavailable, match="bus master"):
        driver.copy_to_card(buffer)
    device.set_bus_master(True)
    assert driver.copy_to_card(buffer) == DmaStatus.OK


def test_descriptors_are_submitted_and_their_completions_taken(machine, driver):
    buffer = driver.buffer(65536)
    driver.configure(1, "to-host", entries=8, vector=3)
    driver.enable_interrupts(4)
    driver.start(1)
    sent = 0
    while driver.submit(1, buffer.iova + 4096 * sent, 0, 4096, cookie=100 + sent):
        sent += 1
    assert sent == 8
    machine.wait("100us")
    records = [driver.poll(1) for _ in range(8)]
    assert [record.cookie for record in records] == list(range(100, 108))
    assert all(record.status == DmaStatus.OK and record.length == 4096 for record in records)
    assert driver.poll(1) is None
    assert driver.take_interrupts(3) > 0
    statistics = driver.vector_statistics(3)
    assert statistics.events == 8 and statistics.events == statistics.messages + statistics.coalesced
    driver.stop(1)


def test_the_generator_writes_its_pattern_for_ever(machine, driver):
    buffer = driver.buffer(8192)
    driver.configure(0, "to-host", entries=2, cyclic=True, pattern=True, seed=9)
    for slot in range(2):
        driver.put(0, slot, buffer.iova + 4096 * slot, 4096 * slot, 4096)
    driver.start(0)
    machine.wait("20us")
    assert driver.channel_statistics(0).completed > 4
    assert len(np.unique(buffer.array)) > 100
    driver.stop_all()
    assert driver.channel_statistics(0).idle


def test_the_heartbeat_ring_is_seen_as_it_is_written(machine, driver):
    ring_before = None
    driver.start_heartbeat("2us", entries=16, vector=1)
    driver.enable_interrupts(2)
    ring = driver.heartbeat_records()
    ring_before = ring["sequence"].copy()
    machine.wait("200us")
    assert ring["sequence"].max() > ring_before.max() + 16
    newest = int(ring["sequence"].max())
    record = driver.heartbeat(newest)
    assert record.sequence == newest and record.check == (record.sequence ^ record.time) ^ (2**64 - 1)
    assert driver.heartbeat(0) is None
    assert driver.take_interrupts(1) > 0
    driver.stop_heartbeat()
    stopped = driver.heartbeat_statistics()
    assert not stopped.running and stopped.missed == 0


def test_the_heartbeat_reader_checks_what_it_reads(machine, driver):
    driver.start_heartbeat_reader("4us", seed=3)
    machine.wait("100us")
    statistics = driver.heartbeat_reader_statistics()
    assert statistics.running and statistics.count > 10 and statistics.mismatches == statistics.failed == 0
    driver.stop_heartbeat_reader()


@pytest.mark.parametrize("call", [
    lambda driver, buffer: driver.copy_to_card(buffer, length=0),
    lambda driver, buffer: driver.copy_to_card(buffer, length=5000),
    lambda driver, buffer: driver.copy_to_card(buffer, offset=1 << 60),
    lambda driver, buffer: driver.copy_to_card(buffer, channel=4),
    lambda driver, buffer: driver.configure(0, "sideways"),
    lambda driver, buffer: driver.configure(0, "to-card", entries=0),
    lambda driver, buffer: driver.configure(0, "to-card", entries=100000),
    lambda driver, buffer: driver.configure(0, "to-card", vector=32),
    lambda driver, buffer: driver.configure(0, "to-card", moderation=0),
    lambda driver, buffer: driver.configure(9, "to-card"),
    lambda driver, buffer: driver.start(0), lambda driver, buffer: driver.stop(0),
    lambda driver, buffer: driver.poll(0), lambda driver, buffer: driver.submit(0, 0, 0, 1),
    lambda driver, buffer: driver.put(0, 0, 0, 0, 1), lambda driver, buffer: driver.channel_statistics(77),
    lambda driver, buffer: driver.heartbeat(0), lambda driver, buffer: driver.heartbeat_records(),
    lambda driver, buffer: driver.start_heartbeat("1ns"), lambda driver, buffer: driver.start_heartbeat("2s"),
    lambda driver, buffer: driver.start_heartbeat(entries=0), lambda driver, buffer: driver.start_heartbeat(vector=99),
    lambda driver, buffer: driver.start_heartbeat(interrupt_every=0),
    lambda driver, buffer: driver.start_heartbeat_reader(entries=5000),
    lambda driver, buffer: driver.enable_interrupts(33), lambda driver, buffer: driver.vector_statistics(32),
    lambda driver, buffer: driver.buffer(0), lambda driver, buffer: driver.buffer(5)])
def test_what_the_driver_cannot_do_is_refused(driver, call):
    buffer = driver.buffer(4096)
    with pytest.raises(holdover.InvalidArgument):
        call(driver, buffer)
    assert driver.copy_to_card(buffer) == DmaStatus.OK


def test_a_slot_is_filled_while_the_ring_stands_still(driver):
    driver.configure(0, "to-host", entries=4, cyclic=True, pattern=True)
    with pytest.raises(holdover.InvalidArgument, match="slot 4"):
        driver.put(0, 4, 0, 0, 1)
    buffer = driver.buffer(4096)
    for slot in range(4):
        driver.put(0, slot, buffer.iova, 0, 64)
    driver.start(0)
    with pytest.raises(holdover.InvalidArgument, match="stop"):
        driver.put(0, 0, 0, 0, 1)
    with pytest.raises(holdover.InvalidArgument, match="stop"):
        driver.copy_to_card(buffer)
    driver.stop(0)


def test_memory_that_is_no_buffer_of_the_driver_is_refused(machine, driver):
    with pytest.raises(holdover.InvalidArgument, match="buffer"):
        driver.copy_to_card(machine.memory(4096))


def test_a_device_has_one_driver_at_a_time(device):
    driver = device.driver()
    with pytest.raises(holdover.InvalidArgument, match="has a driver"):
        device.driver()
    driver.close()
    device.driver().close()


@pytest.mark.holdover(topology="switch")
def test_two_endpoints_have_a_driver_each(machine):
    with machine.open(machine.devices[0]) as one, machine.open(machine.devices[1]) as other:
        with one.driver() as first, other.driver() as second:
            assert first.copy_to_card(first.buffer(4096)) == second.copy_to_card(second.buffer(4096)) == DmaStatus.OK
