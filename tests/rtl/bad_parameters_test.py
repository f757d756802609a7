#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Parameters that the endpoint was not made for stop its elaboration with a sentence.

Usage: bad_parameters_test.py VERILATOR PROJECT
"""
import pathlib
import subprocess
import sys

CASES = (
    ("DataWidth=96", "DataWidth is 96; it can be 64, 128, 256 or 512"),
    ("DataWidth=1024", "DataWidth is 1024; it can be 64, 128, 256 or 512"),
    ("ChannelCount=0", "ChannelCount is 0; it can be 1 to 8"),
    ("ChannelCount=9", "ChannelCount is 9; it can be 1 to 8"),
    ("CardMemoryBytes=5000", "CardMemoryBytes is 5000; it can be a power of two from 4096 on"),
    ("DataWidth=128", None),
    ("ChannelCount=8", None),
)


def main() -> int:
    verilator, project = sys.argv[1], pathlib.Path(sys.argv[2])
    failures = 0
    for parameter, sentence in CASES:
        run = subprocess.run(
            [verilator, "--lint-only", "-Wall", "-Irtl", "--top-module", "sim_top", "-G" + parameter, "rtl/lint.vlt",
             "-f", "rtl/endpoint.f", "sim/rtl/sim_top.sv"],
            cwd=project, capture_output=True, text=True, check=False)
        accepted = run.returncode == 0
        good = accepted if sentence is None else not accepted and sentence in run.stderr
        print(f"{'ok' if good else 'FAILED'}: {parameter}")
        if not good:
            failures += 1
            print(run.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
