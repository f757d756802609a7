# SPDX-License-Identifier: MIT
"""A machine in Python: what it offers, who owns what, and what closing means."""

import gc
import itertools

import numpy as np
import pytest

import holdover

CLOSED = "is closed"


def test_a_machine_boots_and_names_its_functions():
    with holdover.Machine(topology="switch") as machine:
        assert machine.devices == ["0000:03:00.0", "0000:04:00.0"]
        names = [function.name for function in machine.functions]
        assert "root port 0" in names and "endpoint 1" in names
        assert machine.now_ps > 0


def test_configuration_space_is_the_endpoints_own(machine, device):
    assert device.config_read(0) == 0x0D171172
    assert device.config_read(2, 2) == 0x0D17
    assert machine.config_space("endpoint 0")[:4] == bytes.fromhex("7211170d")
    assert machine.config_read(device.bdf, 0) == 0x0D171172


def test_a_write_to_configuration_space_reaches_the_function(machine, device):
    device.config_write(0x3C, 0x5A, 1)
    assert device.config_read(0x3C, 1) == 0x5A
    machine.config_write(device.bdf, 0x3C, 0xA5, 1)
    assert machine.config_space("endpoint 0")[0x3C] == 0xA5


def test_bars_are_loaded_and_written(device):
    assert device.bar_size(0) == 65536
    assert device.bar_size(1) == 0
    assert device.read(0, 0) == 0x484F4C44
    device.write(2, 16, 0xDEADBEEF)
    assert device.load(2, 16, 2) == 0xBEEF
    assert device.load(2, 16, 8) & 0xFFFFFFFF == 0xDEADBEEF


@pytest.mark.parametrize("access", [
    lambda device: device.config_read(4096), lambda device: device.config_read(1, 4),
    lambda device: device.config_read(0, 3), lambda device: device.load(0, 65536), lambda device: device.load(5, 0),
    lambda device: device.load(0, 0, 16), lambda device: device.write(0, 2, 0), lambda device: device.write(7, 0, 0)])
def test_an_access_that_is_none_is_refused_with_a_sentence(device, access):
    with pytest.raises(holdover.InvalidArgument, match="0000:01:00.0"):
        access(device)


def test_bus_mastering_can_be_switched(device):
    device.set_bus_master(True)
    assert device.config_read(4, 2) & 4
    device.set_bus_master(False)
    assert not device.config_read(4, 2) & 4


def test_a_reset_clears_what_it_must(device):
    device.config_write(0x3C, 0x5A, 1)
    device.reset()
    assert device.read(0, 0) == 0x484F4C44


def test_memory_is_an_array_without_a_copy(machine):
    memory = machine.memory(8192)
    first, second = memory.array, memory.array
    assert np.shares_memory(first, second) and first.shape == (8192,) and first.dtype == np.uint8
    first[17] = 200
    assert second[17] == 200
    assert memory.iova is None and memory.size == 8192


def test_an_address_space_maps_memory_once(machine, device):
    memory = machine.memory(8192)
    with machine.address_space() as space:
        iova = space.map(memory)
        with pytest.raises(holdover.Refused) as refused:
            space.map(memory, iova=iova)
        assert refused.value.errno == 17  # EEXIST
        space.unmap(iova, 8192)
        assert space.map(memory, iova=iova, size=4096) == iova
        device.attach(space)


@pytest.mark.parametrize("arguments", [dict(iova=1), dict(size=100), dict(offset=4096 * 3), dict(offset=1),
                                       dict(iova=1 << 63), dict(size=1 << 62)])
def test_a_mapping_that_is_none_is_refused(machine, arguments):
    memory = machine.memory(8192)
    with machine.address_space() as space, pytest.raises(holdover.InvalidArgument):
        space.map(memory, **arguments)


def test_parts_of_two_machines_do_not_mix(machine, device):
    with holdover.Machine() as other:
        with pytest.raises(holdover.InvalidArgument, match="another machine"):
            machine.address_space().map(other.memory(4096))
        with pytest.raises(holdover.InvalidArgument, match="another machine"):
            device.attach(other.address_space())


def test_a_device_is_open_once_until_it_is_closed(machine):
    device = machine.open()
    with pytest.raises(holdover.Refused) as refused:
        machine.open()
    assert refused.value.errno == 16  # EBUSY
    device.close()
    device.close()
    machine.open().close()


def test_a_forgotten_device_is_closed(machine):
    machine.open()
    gc.collect()
    machine.open()


def uses():
    with holdover.Machine() as machine:
        device = machine.open()
        driver = device.driver()
        buffer, memory, space = driver.buffer(4096), machine.memory(4096), machine.address_space()
    return {
        "now": lambda: machine.now_ps, "wait": lambda: machine.wait("1us"), "devices": lambda: machine.devices,
        "open": lambda: machine.open(), "enter": lambda: machine.__enter__(), "alarms": lambda: machine.alarms,
        "dump": lambda: machine.dump(), "config_space": lambda: machine.config_space("endpoint 0"),
        "config_write": lambda: machine.config_write("0000:01:00.0", 4, 0), "memory": lambda: machine.memory(4096),
        "read": lambda: device.read(0, 0), "reset": lambda: device.reset(), "driver": lambda: device.driver(),
        "copy": lambda: driver.copy_to_card(buffer), "buffer": lambda: driver.buffer(4096),
        "ring": lambda: driver.heartbeat_records(), "array": lambda: memory.array, "size": lambda: buffer.size,
        "map": lambda: space.map(memory), "unmap": lambda: space.unmap(4096, 4096)}


def test_after_close_every_use_is_an_error_with_a_sentence():
    for name, use in uses().items():
        with pytest.raises(holdover.Closed, match=CLOSED):
            use()
            pytest.fail(f"{name} was possible")


def test_what_closes_takes_what_leans_on_it(machine):
    device = machine.open()
    driver = device.driver()
    buffer = driver.buffer(4096)
    device.close()
    for use in (lambda: driver.copy_to_card(buffer), lambda: driver.channels, lambda: device.read(0, 0)):
        with pytest.raises(holdover.Closed, match=CLOSED):
            use()
    assert buffer.array.sum() == 0
    with machine.open() as again, again.driver() as driver:
        assert driver.copy_to_card(driver.buffer(4096)) == holdover.DmaStatus.OK


def test_an_array_outlives_everything_it_came_from():
    machine = holdover.Machine()
    with machine.open() as device, device.driver() as driver:
        buffer = driver.buffer(1 << 20)
        array = buffer.array
        array[:] = np.arange(1 << 20) % 251
        driver.start_heartbeat()
        machine.wait("20us")
        records = driver.heartbeat_records()
        buffer.close()
    machine.close()
    del machine, device, driver, buffer
    gc.collect()
    assert (array == np.arange(1 << 20) % 251).all()
    array[:] = 7
    assert records["sequence"][3] == 3
    with pytest.raises(ValueError):
        records["sequence"][0] = 1


def test_memory_is_not_given_to_others_while_an_array_looks_at_it(machine):
    array = machine.memory(4096).array
    gc.collect()
    others = [machine.memory(4096) for _ in range(50)]
    array[:] = 0xEE
    assert all(other.array.sum() == 0 for other in others)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_objects_can_be_forgotten_in_any_order(order):
    machine = holdover.Machine(disturb="none")
    device = machine.open()
    driver = device.driver()
    array = driver.buffer(4096).array
    driver.start_heartbeat()
    objects = [machine, device, driver, array]
    del machine, device, driver, array
    for index in order:
        objects[index] = None
        gc.collect()


def test_files_are_there_after_close_and_only_then(tmp_path):
    for closed in (True, False):
        trace, dram = tmp_path / f"{closed}.tlp", tmp_path / f"{closed}.dram"
        machine = holdover.Machine(trace=trace, dram=dram)
        assert not trace.exists()
        if closed:
            machine.close()
        del machine
        gc.collect()
        assert trace.exists() == closed and dram.exists() == closed
        assert not list(tmp_path.glob("*.partial"))


def test_the_same_seed_is_the_same_machine(tmp_path):
    def trace(name, seed):
        path = tmp_path / name
        with holdover.Machine(seed=seed, trace=path) as machine, machine.open() as device, device.driver() as driver:
            driver.start_heartbeat()
            driver.copy_to_card(driver.buffer(4096))
            machine.wait("10us")
        return path.read_bytes()

    assert trace("1", 5) == trace("2", 5) != trace("3", 6)


@pytest.mark.holdover(allow_alarms=True)
def test_alarms_say_what_went_wrong(machine, driver):
    assert machine.alarms == []
    driver.configure(0, "to-card")
    driver.start(0)
    driver.submit(0, 0x7FFF_0000_0000, 0, 64)
    machine.wait("50us")
    assert "IOMMU" in machine.alarms[0].sentence
    assert driver.poll(0).status != holdover.DmaStatus.OK


@pytest.mark.holdover(fault="lost-completion", allow_alarms=True, disturb="none")
def test_a_fault_of_the_machine_strikes_in_its_phase(machine, driver):
    buffer = driver.buffer(16384)
    driver.configure(0, "to-card", entries=4, cyclic=True)
    for slot in range(4):
        driver.put(0, slot, buffer.iova + 4096 * slot, 4096 * slot, 4096)
    driver.start(0)
    machine.wait("50us")
    assert driver.channel_statistics(0).error == holdover.DmaStatus.OK
    machine.enter_phase("blackout")
    machine.wait("400us")
    assert driver.channel_statistics(0).error == holdover.DmaStatus.TIMEOUT


@pytest.mark.parametrize("options, words", [
    (dict(topology="star"), "star"), (dict(profile="linux"), "linux"), (dict(disturb="rain"), "rain"),
    (dict(fault="H999"), "H999"), (dict(width=100), "100"), (dict(seed=1.5), "seed"), (dict(seed=True), "seed"),
    (dict(completion_timeout="soon"), "completion-timeout"), (dict(trace="/nowhere/at/all.tlp"), "/nowhere")])
def test_what_is_not_possible_is_refused_before_anything_starts(options, words):
    with pytest.raises(holdover.Error, match=words):
        holdover.Machine(**options)


@pytest.mark.parametrize("duration", [-1, 1 << 64, 1.5, True, None, "soon", "-1us", ""])
def test_a_time_that_is_none_is_refused(machine, duration):
    with pytest.raises(holdover.InvalidArgument, match="duration: .* picoseconds"):
        machine.wait(duration)


def test_what_is_refused_leaves_the_machine_usable(machine):
    with pytest.raises(holdover.InvalidArgument):
        machine.enter_phase("siesta")
    with pytest.raises(holdover.NotFound, match="endpoint 0"):
        machine.config_space("endpoint 7")
    with pytest.raises(holdover.Refused):
        machine.memory(1 << 40)
    assert machine.devices


def test_names_of_errors():
    for each in (holdover.Closed, holdover.Corrupt, holdover.InvalidArgument, holdover.NotFound, holdover.Refused,
                 holdover.Unavailable, holdover.PeerDied, holdover.Interrupted):
        assert issubclass(each, holdover.Error) and issubclass(each, RuntimeError) and each.code != holdover.Error.code
    assert issubclass(holdover.InvalidArgument, ValueError) and issubclass(holdover.NotFound, LookupError)
