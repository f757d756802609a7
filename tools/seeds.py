#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the continuity scenario over many seeds, topologies and isolations and demands PASS of each.

Prints progress, and for every run that did not pass the line that repeats it. Exit 1 where one failed.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys


def run(command: list[str]) -> tuple[list[str], int]:
    return command, subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--holdover", required=True, help="the executable")
    parser.add_argument("--seeds", type=int, default=100, help="seeds 1..N of each combination")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side")
    parser.add_argument("--topologies", default="direct,switch,wide", help="comma-separated")
    parser.add_argument("--isolations", default="in-process,process", help="comma-separated")
    options = parser.parse_args()

    commands = [[options.holdover, "run", "--seed", str(seed), "--topology", topology, "--isolation", isolation]
                for topology in options.topologies.split(",")
                for isolation in options.isolations.split(",")
                for seed in range(1, options.seeds + 1)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done, (command, code) in enumerate(pool.map(run, commands), 1):
            if code != 0:
                failed += 1
                print(f"\rexit {code}: {' '.join(command)}")
            if sys.stdout.isatty():
                print(f"\r{done}/{len(commands)} runs, {failed} failed ", end="", flush=True)
    if sys.stdout.isatty():
        print()
    print(f"{len(commands) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
