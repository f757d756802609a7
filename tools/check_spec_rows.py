#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds the pages on live update against the sources of the tests.

Every row of a table whose last column is «test» names at least one test as `Suite.Name` (or `Prefix/Suite.Name`, as it is
instantiated), each of them exists in the sources, and the page names each once. Exit 1 names every line that breaks this.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)
INSTANTIATION = re.compile(r"^INSTANTIATE_TEST_SUITE_P\(\s*(\w+)\s*,\s*(\w+)\s*,", re.MULTILINE)
NAME = re.compile(r"`([\w/]+\.\w+)`")
HEADER = re.compile(r"^\|.*\|\s*tests?\s*\|$")
RULE = re.compile(r"^\|[\s:|-]+\|$")


def tests_in(sources: list[str]) -> set[str]:
    names = {f"{suite}.{name}" for text in sources for suite, name in TEST.findall(text)}
    prefixes = {(suite, prefix) for text in sources for prefix, suite in INSTANTIATION.findall(text)}
    instantiated = {f"{prefix}/{name}" for name in names for suite, prefix in prefixes if name.split(".")[0] == suite}
    return names | instantiated


def rows_of(page: str) -> list[tuple[int, str]]:
    rows: list[tuple[int, str]] = []
    inside = False
    for number, line in enumerate(page.splitlines(), 1):
        if HEADER.match(line):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not RULE.match(line):
            rows.append((number, line))
    return rows


def problems(page: str, tests: set[str]) -> list[str]:
    found: list[str] = []
    first: dict[str, int] = {}
    rows = rows_of(page)
    if not rows:
        return ["there is no table whose last column is «test»"]
    for number, row in rows:
        names = NAME.findall(row.rstrip(" |").rsplit("|", 1)[1])
        if not names:
            found.append(f"line {number}: the row names no test")
        for name in names:
            if name not in tests:
                found.append(f"line {number}: there is no test {name}")
            if name in first:
                found.append(f"line {number}: {name} stands in line {first[name]} already")
            first.setdefault(name, number)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=pathlib.Path, action="append", help="default: docs/live-update*.md")
    parser.add_argument("--tests", type=pathlib.Path, default=ROOT / "tests", help="folder of the sources")
    options = parser.parse_args()
    sources = [path.read_text(encoding="utf-8") for path in sorted(options.tests.rglob("*.cc"))]
    tests = tests_in(sources)
    pages = options.page or sorted((ROOT / "docs").glob("live-update*.md"))
    broken = [(page, problem) for page in pages for problem in problems(page.read_text(encoding="utf-8"), tests)]
    for page, problem in broken:
        print(f"{page}: {problem}")
    return 1 if broken or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
