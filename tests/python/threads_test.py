# SPDX-License-Identifier: MIT
"""Threads: several machines side by side, one machine from several threads, and an interpreter that is free meanwhile."""

import sys
import threading
import time

import pytest

import holdover


class Thread(threading.Thread):
    """Gives its result, or what it raised, to join()."""

    def __init__(self, work):
        super().__init__()
        self.work, self.result, self.raised = work, None, None
        self.start()

    def run(self):
        try:
            self.result = self.work()
        except BaseException as raised:
            self.raised = raised

    def finish(self):
        self.join()
        if self.raised:
            raise self.raised
        return self.result


def trace_of(path, seed):
    with holdover.Machine(seed=seed, trace=path) as machine, machine.open() as device, device.driver() as driver:
        driver.start_heartbeat()
        for _ in range(20):
            assert driver.copy_to_card(driver.buffer(4096)) == holdover.DmaStatus.OK
            machine.wait("3us")
    return path.read_bytes()


def test_machines_in_two_threads_do_not_disturb_each_other(tmp_path):
    alone = [trace_of(tmp_path / f"alone{seed}", seed) for seed in (1, 2)]
    threads = [Thread(lambda seed=seed: trace_of(tmp_path / f"beside{seed}", seed)) for seed in (1, 2)]
    assert [thread.finish() for thread in threads] == alone


def test_runs_in_two_threads_do_not_disturb_each_other():
    options = dict(before="20us", after="20us", blackout="100us")
    threads = [Thread(lambda how=how: holdover.run(isolation=how, seed=3, **options)) for how in ("process", "in-process")]
    records = [dict(thread.finish().record) for thread in threads]
    assert [record["outcome"] for record in records] == ["PASS", "PASS"]
    assert records[0]["checks"] == records[1]["checks"] and records[0]["simulated"] == records[1]["simulated"]


def test_threads_take_turns_on_one_machine(machine, driver):
    buffers = [driver.buffer(4096) for _ in range(4)]

    def work(index):
        for round in range(25):
            buffers[index].array[:] = index * 50 + round
            assert driver.copy_to_card(buffers[index], 4096 * index, channel=index) == holdover.DmaStatus.OK
            assert machine.alarms == []
        return driver.channel_statistics(index).bytes

    threads = [Thread(lambda index=index: work(index)) for index in range(4)]
    assert [thread.finish() for thread in threads] == [25 * 4096] * 4


def test_one_thread_may_close_what_another_uses():
    machine = holdover.Machine()
    started = threading.Event()

    def work():
        with pytest.raises(holdover.Closed):
            while True:
                machine.wait("20us")
                started.set()

    thread = Thread(work)
    started.wait()
    machine.close()
    thread.finish()


@pytest.mark.parametrize("work", ["wait", "run", "measure", "boot"])
def test_other_threads_run_meanwhile(machine, work):
    calls = {"wait": lambda: machine.wait("5ms"),
             "run": lambda: holdover.run(before="20us", after="20us", blackout="100us", isolation="in-process"),
             "measure": lambda: holdover.measure(sizes=[4096]), "boot": lambda: holdover.Machine(topology="wide").close()}
    began, ended = threading.Event(), threading.Event()

    def call():
        began.set()
        calls[work]()
        ended.set()

    # The interpreter takes no thread's turn away by itself: the loop below runs only where the call gave it away.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        thread = Thread(call)
        began.wait()
        rounds = 0
        while not ended.is_set():
            rounds += 1
            time.sleep(0)
        thread.finish()
    finally:
        sys.setswitchinterval(interval)
    assert rounds > 0
