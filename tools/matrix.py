#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the core tests on every data width and channel count: 32 endpoints, built by the target `core_matrix`.

Prints one line per endpoint as it ends, then a table of all. Exit 1 where a test failed or an endpoint was not built; what
a failed program printed is in the build folder under matrix/.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import sys

WIDTHS = (64, 128, 256, 512)
CHANNELS = range(1, 9)


@dataclasses.dataclass
class Outcome:
    size: str
    passed: int = 0
    skipped: int = 0
    failed: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def good(self) -> bool:
        return self.passed > 0 and not self.failed and not self.trouble

    def cell(self) -> str:
        if self.trouble:
            return self.trouble
        return f"{len(self.failed)} FAILED" if self.failed else f"{self.passed}+{self.skipped}"


def run(build: pathlib.Path, size: str, filter_: str) -> Outcome:
    program = build / "tests" / "rtl" / f"holdover_rtl_core_{size}_tests"
    if not program.exists():
        return Outcome(size, trouble="not built")
    # Every test to its end, however long a narrow endpoint takes.
    environment = os.environ | {"HOLDOVER_THOROUGH": "1"}
    done = subprocess.run([program, f"--gtest_filter={filter_}"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    (build / "matrix").mkdir(exist_ok=True)
    (build / "matrix" / f"{size}.log").write_text(done.stdout)
    results = re.findall(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+?),? .*\(\d+ ms\)$", done.stdout, re.MULTILINE)
    outcome = Outcome(size, sum(r == "OK" for r, _ in results), sum(r == "SKIPPED" for r, _ in results),
                      tuple(name for r, name in results if r == "FAILED"))
    if done.returncode != 0 and not outcome.failed:
        outcome.trouble = f"exit {done.returncode}"
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="the build folder")
    parser.add_argument("--jobs", type=int, default=2, help="programs side by side")
    parser.add_argument("--filter", default="*", help="tests to run, as GoogleTest names them")
    parser.add_argument("--sizes", default=",".join(f"{w}x{c}" for w in WIDTHS for c in CHANNELS),
                        help="data width x channels, comma-separated")
    options = parser.parse_args()
    sizes = options.sizes.split(",")
    for size in sizes:
        width, _, channels = size.partition("x")
        if not (width.isdigit() and int(width) in WIDTHS and channels.isdigit() and int(channels) in CHANNELS):
            parser.error(f"«{size}» is no endpoint; it takes 64, 128, 256 or 512, then x, then 1 to 8")

    targets = [f"holdover_rtl_core_{size}_tests" for size in sizes]
    built = subprocess.run(["cmake", "--build", options.build, "--parallel", str(options.jobs), "--target", *targets,
                            "--", "-k", "0"]).returncode
    outcomes = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = [pool.submit(run, options.build, size, options.filter) for size in sizes]
        for number, future in enumerate(concurrent.futures.as_completed(runs), 1):
            outcome = future.result()
            outcomes[outcome.size] = outcome
            print(f"{number}/{len(sizes)} {outcome.size}: {outcome.passed} passed, {outcome.skipped} skipped, "
                  f"{len(outcome.failed)} failed{', ' + outcome.trouble if outcome.trouble else ''}", flush=True)
            for name in outcome.failed:
                print(f"    {name}", flush=True)

    print("\ntests passed+skipped, by data width and channels")
    print("     " + "".join(f"{channels:>11}" for channels in CHANNELS))
    for width in WIDTHS:
        cells = [outcomes[f"{width}x{c}"].cell() if f"{width}x{c}" in outcomes else "" for c in CHANNELS]
        print(f"{width:>5}" + "".join(f"{cell:>11}" for cell in cells))
    bad = [size for size in sizes if not outcomes[size].good]
    if built != 0:
        print("matrix.py: not everything could be built", file=sys.stderr)
    if bad:
        print(f"matrix.py: {', '.join(bad)} failed; output in {options.build / 'matrix'}", file=sys.stderr)
    return 1 if bad or built != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
