# SPDX-License-Identifier: MIT
"""Ctrl-C: whatever takes long ends with KeyboardInterrupt, and leaves nothing behind."""

import signal
import subprocess
import sys

import pytest

# Each says that it works, works for far longer than anybody waits, and says how it ended.
PRELUDE = """
import os, signal, sys, threading, holdover
def ready(*_):
    global told
    if not globals().get("told"): print("ready", flush=True)
    told = True
"""
# A machine on which nothing moves passes a second at once.
BUSY = """
def busy(**options):
    machine = holdover.Machine(**options)
    driver = machine.open().driver()
    driver.start_heartbeat()
    return machine, driver
"""
LONG = "before='1s', after='1s', blackout='1s'"
WORK = {
    "run in this process": f"holdover.run(isolation='in-process', {LONG}, progress=ready)",
    "run in processes": f"holdover.run(isolation='process', {LONG}, progress=ready)",
    "measure": "holdover.measure(tests='BW_WR', sizes=[1], duration='100ms', progress=ready)",
    "wait": "machine, driver = busy(); ready(); machine.wait('1s')",
    "open with a reset of 100 ms": "machine = holdover.Machine(policy='delays=real'); ready(); machine.open()",
    "wait for another thread's turn": "machine, driver = busy()\n"
    "    thread = threading.Thread(target=machine.wait, args=('1s',), daemon=True)\n"
    "    thread.start(); ready(); machine.wait('1s')",
}
ENDING = """
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
print("went on", flush=True)
"""


@pytest.mark.parametrize("work", WORK)
def test_ctrl_c_ends_it(work, tmp_path):
    script = PRELUDE + BUSY + "try:\n    " + WORK[work] + ENDING
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == "interrupted\n"
    assert process.wait() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_machine_goes_on_after_an_interrupted_wait():
    script = "import holdover" + BUSY + """
import signal
class Bell(Exception): pass
def ring(*_): raise Bell
signal.signal(signal.SIGALRM, ring)
machine, driver = busy()
with machine:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        machine.wait("1s")
    except Bell:
        before = machine.now_ps
        assert driver.copy_to_card(driver.buffer(4096)) == holdover.DmaStatus.OK
        assert machine.now_ps > before
        print("goes on")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "goes on\n", done.stderr


def test_a_signal_handler_cannot_use_the_machine_in_the_middle_of_its_call():
    script = "import holdover" + BUSY + """
import signal
machine, driver = busy()
def ring(*_): machine.wait("1us")
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
try:
    machine.wait("1s")
except holdover.Unavailable as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "in the middle of a call" in done.stdout, done.stderr


def test_an_interrupted_run_leaves_no_file(tmp_path):
    script = PRELUDE + f"""
try:
    holdover.run({LONG}, trace='run.tlp', json='run.json', progress=ready)
""" + ENDING
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == "interrupted\n"
    process.wait()
    assert list(tmp_path.iterdir()) == []


# All of it is one access of the host, and takes minutes.
def test_ctrl_c_is_heard_between_two_kernels(tmp_path):
    script = """
import os, signal, holdover
def ring(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, ring)
last = None
def between(phase, *_):
    global last
    if phase == "blackout" != last: signal.setitimer(signal.ITIMER_REAL, 0.01)
    last = phase
try:
    holdover.run(isolation="in-process", before="1us", blackout="1s", progress=between)
except KeyboardInterrupt:
    print("interrupted in", last)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout == "interrupted in blackout\n", done.stderr


def test_the_interpreter_ends_while_a_callback_works():
    script = """
import threading, holdover
called = threading.Event()
def progress(*_):
    called.set()
    while True: pass
threading.Thread(target=holdover.run, kwargs={"progress": progress}, daemon=True).start()
called.wait()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_forked_process_does_not_wait_for_threads_that_it_does_not_have():
    script = """
import os, sys, threading, holdover
at_work = threading.Event()
options = {"isolation": "in-process", "blackout": "1s", "progress": lambda *_: at_work.set()}
threading.Thread(target=holdover.run, kwargs=options, daemon=True).start()
at_work.wait()
child = os.fork()
if child == 0:
    sys.exit(0)
print(os.waitpid(child, 0)[1])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_a_machine_that_a_lost_thread_holds_is_refused_and_not_waited_for():
    script = """
import atexit, signal, threading
class Late(Exception): pass
def ring(*_): raise Late
def close():
    try:
        machine.close()
        print("closed")
    except holdover.Unavailable as error:
        print(error)
atexit.register(close)  # registered before the package's own: called after it
import holdover
""" + BUSY + """
machine, driver = busy()
threading.Thread(target=machine.wait, args=("1000s",), daemon=True).start()
signal.signal(signal.SIGALRM, ring)
try:
    while True:  # until somebody else has it
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        machine.now_ps
except Late:
    pass
"""
    # What comes late on a machine with much to do may be the question, and not the answer.
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        if done.stdout != "closed\n":
            break
    assert done.stdout == "the machine is in use by a thread that Python has left\n", done.stderr


def test_the_interpreter_ends_while_threads_work():
    script = "import holdover" + BUSY + """
import threading
machine, driver = busy()
for work in (lambda: machine.wait("1s"), lambda: holdover.run(blackout="1s")):
    threading.Thread(target=work, daemon=True).start()
"""
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
