#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every libFuzzer target of tests/fuzz for a time each, and says what came of it: `make fuzz`.

Exit code: 0 nothing found, 1 a finding (its input is kept), 2 the environment lacks something.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESET = "fuzz"


def refuse(sentence):
    print(f"fuzz.py: {sentence}", file=sys.stderr)
    sys.exit(2)


def build(jobs):
    if shutil.which("clang++") is None:
        refuse("clang++ was not found; install it with: apt-get install clang")
    folder = ROOT / "build" / PRESET
    if not (folder / "build.ninja").exists():
        configured = subprocess.run(["cmake", "--preset", PRESET], cwd=ROOT, capture_output=True, text=True)
        if configured.returncode != 0:
            refuse(f"cmake could not configure the preset {PRESET}:\n{configured.stdout}{configured.stderr}")
    command = ["cmake", "--build", "--preset", PRESET] + (["-j", str(jobs)] if jobs else [])
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        refuse("the targets could not be built; where the linker misses libclang_rt.fuzzer, install it with: "
               "apt-get install clang libclang-rt-14-dev")
    return folder / "fuzz"


def known_targets():
    return re.findall(r'^    Target{"(\w+)"', (ROOT / "tests" / "fuzz" / "target.cc").read_text(), re.MULTILINE)


def last_figure(pattern, text):
    figures = re.findall(pattern, text)
    return int(figures[-1]) if figures else 0


def fuzz(target, binary, seconds, folder):
    """Runs one target; returns executions, coverage and the names of what was found."""
    corpus = folder / "corpus" / target
    artifacts = folder / "artifacts" / target
    for made in (corpus, artifacts):
        made.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.iterdir())
    command = [str(binary), str(corpus), str(ROOT / "tests" / "fuzz" / "corpus" / target),
               f"-max_total_time={seconds}", "-max_len=400", "-timeout=20", "-rss_limit_mb=3000",
               "-print_final_stats=1", f"-artifact_prefix={artifacts}/"]
    log = folder / f"{target}.log"
    with log.open("w") as file:
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode
    text = log.read_text(errors="replace")
    findings = sorted(str(path) for path in set(artifacts.iterdir()) - before)
    if code != 0 and not findings:
        findings = [f"no input was kept, see {log}"]
    return (last_figure(r"stat::number_of_executed_units: (\d+)", text) or last_figure(r"^#(\d+)\s", text),
            last_figure(r"cov: (\d+)", text), findings)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="of these alone; all where none is named")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS") or 600), help="per target")
    parser.add_argument("--jobs", type=int, default=0, help="of the build")
    arguments = parser.parse_args()
    targets = known_targets()
    for name in arguments.targets:
        if name not in targets:
            refuse(f"there is no target «{name}»; there are {', '.join(targets)}")
    if arguments.seconds <= 0:
        refuse("the time of each target is a number of seconds above 0")
    binaries = build(arguments.jobs)
    chosen = arguments.targets or targets
    found = 0
    for number, target in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {target} for {arguments.seconds} s ...", flush=True)
        executions, coverage, findings = fuzz(target, binaries / f"fuzz_{target}", arguments.seconds, binaries)
        print(f"    {executions} executions, {coverage} edges covered, {len(findings)} findings", flush=True)
        for finding in findings:
            print(f"    {finding}")
        found += len(findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
