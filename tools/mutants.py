#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Breaks the endpoint in one place at a time and holds the tests against it: every test that tests/rtl/mutants.toml names
for a mutant must fail on it, after it has passed on the endpoint as it is.

Works on copies of the sources in build/mutants, one for each job. Exit 1: a mutant survived a test, or could not be tried.
"""

import argparse
import dataclasses
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "rtl" / "mutants.toml"
WORK = ROOT / "build" / "mutants"
PATIENCE = 900  # seconds until a test program counts as stuck, which is trouble and not a failure of a test


class Trouble(Exception):
    pass


@dataclasses.dataclass
class Mutant:
    name: str
    breaks: str   # what no longer holds
    file: str
    text: str     # stands exactly once in the file
    becomes: str
    program: str
    tests: list   # names as GoogleTest filters them; of each, one test at least must fail


def load() -> list[Mutant]:
    table = tomllib.loads(TABLE.read_text())
    mutants = [Mutant(name=name, **entry) for name, entry in table["mutant"].items()]
    for mutant in mutants:
        count = (ROOT / mutant.file).read_text().count(mutant.text)
        if count != 1:
            raise Trouble(f"{mutant.name}: «{mutant.text}» stands {count} times in {mutant.file}; it must stand once")
        if mutant.text == mutant.becomes or not mutant.tests:
            raise Trouble(f"{mutant.name}: a mutant changes something and names the tests that must fail")
        if mutant.program not in table["programs"]:
            raise Trouble(f"{mutant.name}: no program «{mutant.program}» in {TABLE.relative_to(ROOT)}")
        mutant.program = table["programs"][mutant.program]
    return mutants


class Copy:
    """The sources and a build folder of one job. Files that are unchanged keep their times, so little is built anew."""

    def __init__(self, number: int):
        self.source = WORK / f"copy-{number}" / "source"
        self.build = WORK / f"copy-{number}" / "build"
        self.log = WORK / f"copy-{number}" / "log"

    def prepare(self) -> None:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                                capture_output=True, check=True).stdout.decode().split("\0")
        files = {name for name in listed if name and (ROOT / name).is_file()}
        for old in [path for path in self.source.rglob("*") if path.is_file()]:
            if str(old.relative_to(self.source)) not in files:
                old.unlink()
        for name in files:
            self.put(name, (ROOT / name).read_bytes(), (ROOT / name).stat().st_mode)
        command = ["cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                   "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG"]
        if shutil.which("ccache"):
            command.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        self.run(command)

    def put(self, name: str, content: bytes, mode: int | None = None) -> None:
        path = self.source / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if mode is not None:
            path.chmod(mode)

    def run(self, command: list) -> None:
        with self.log.open("w") as log:
            if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode != 0:
                raise Trouble(f"«{' '.join(map(str, command[:4]))} …» failed; see {self.log}")

    def passes(self, program: str, test: str) -> bool:
        """A test, or all that a pattern names, in a process of its own: an assertion of the model ends it, and is a failure."""
        try:
            done = subprocess.run([self.build / "tests" / "rtl" / program, f"--gtest_filter={test}"], timeout=PATIENCE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        except subprocess.TimeoutExpired as expired:
            raise Trouble(f"{test} was still running after {PATIENCE} s") from expired
        if not re.search(r"^\[==========\] Running [1-9]", done.stdout, re.MULTILINE):
            raise Trouble(f"{program} has no test «{test}»")
        if "[  SKIPPED ]" in done.stdout:
            raise Trouble(f"{test} of {program} is skipped")
        return done.returncode == 0 and "[  PASSED  ]" in done.stdout

    def compile(self, program: str, jobs: int = 1) -> None:
        self.run(["cmake", "--build", self.build, "--parallel", str(jobs), "--target", program])

    def attempt(self, mutant: Mutant) -> list[str]:
        """The tests that did not notice."""
        original = (self.source / mutant.file).read_text()
        self.put(mutant.file, original.replace(mutant.text, mutant.becomes).encode())
        try:
            self.compile(mutant.program)
            return [test for test in mutant.tests if self.passes(mutant.program, test)]
        finally:
            self.put(mutant.file, original.encode())


def baseline(copy: Copy, mutants: list[Mutant], jobs: int) -> None:
    for program in sorted({mutant.program for mutant in mutants}):
        copy.compile(program, jobs)
        tests = sorted({test for mutant in mutants if mutant.program == program for test in mutant.tests})
        for test in tests:
            if not copy.passes(program, test):
                raise Trouble(f"{test} of {program} does not pass on the endpoint as it is")
        print(f"unchanged: {len(tests)} tests of {program} pass", flush=True)


def work(copy: Copy, waiting: queue.SimpleQueue, total: int, outcomes: dict, lock: threading.Lock) -> None:
    while True:
        try:
            mutant = waiting.get_nowait()
        except queue.Empty:
            return
        begin = time.monotonic()
        try:
            unnoticed = copy.attempt(mutant)
            outcome = f"SURVIVED {', '.join(unnoticed)}" if unnoticed else ""
        except Trouble as trouble:
            outcome = f"TROUBLE: {trouble}"
        with lock:
            outcomes[mutant.name] = outcome
            print(f"{len(outcomes)}/{total} {mutant.name}: {outcome or 'killed'}: {mutant.breaks}; "
                  f"{time.monotonic() - begin:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="mutants side by side")
    parser.add_argument("--only", help="names of mutants, comma-separated")
    options = parser.parse_args()
    try:
        mutants = load()
        if options.only:
            wanted = options.only.split(",")
            if unknown := set(wanted) - {mutant.name for mutant in mutants}:
                raise Trouble(f"no mutant {', '.join(sorted(unknown))}; {TABLE.relative_to(ROOT)} has their names")
            mutants = [mutant for mutant in mutants if mutant.name in wanted]
        copies = [Copy(number) for number in range(max(1, min(options.jobs, len(mutants))))]
        for copy in copies:
            copy.source.mkdir(parents=True, exist_ok=True)
            copy.prepare()
        baseline(copies[0], mutants, options.jobs)
    except Trouble as trouble:
        print(f"mutants.py: {trouble}", file=sys.stderr)
        return 1

    # By program, so that neighbours share what is built.
    waiting = queue.SimpleQueue()
    for mutant in sorted(mutants, key=lambda m: (m.program, m.file)):
        waiting.put(mutant)
    outcomes, lock = {}, threading.Lock()
    threads = [threading.Thread(target=work, args=(copy, waiting, len(mutants), outcomes, lock)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bad = {mutant.name: outcomes.get(mutant.name, "not tried") for mutant in mutants
           if outcomes.get(mutant.name, "not tried")}
    print(f"{len(mutants) - len(bad)} of {len(mutants)} mutants killed")
    for name, outcome in bad.items():
        print(f"mutants.py: {name}: {outcome}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
