# SPDX-License-Identifier: MIT
"""`holdover matrix`: every pair, the page that takes the tables, and what it refuses. `Page` holds docs/matrix.md against
the program."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HOLDOVER = os.path.abspath(sys.argv.pop(1))
PAGE = os.path.abspath(sys.argv.pop(1))
MARKS = "<!-- holdover matrix: begin -->\n{}<!-- holdover matrix: end -->\n"


def matrix(*words, cwd=None):
    return subprocess.run([HOLDOVER, "matrix", *words], capture_output=True, text=True, cwd=cwd, check=False)


class Pairs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cwd = folder.name

    def path(self, name):
        return os.path.join(self.cwd, name)

    def test_every_pair_has_its_verdict_and_cause(self):
        done = matrix("--kernels", "continuous,continuous:iommu-at-kexec=off", "--json", self.path("m.json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("m.json"), encoding="utf-8") as file:
            record = json.load(file)
        pairs = {(pair["from"], pair["to"]): pair for pair in record["pairs"]}
        self.assertEqual(len(pairs), 4)
        off = "continuous:iommu-at-kexec=off"
        self.assertEqual(pairs["continuous", "continuous"]["outcome"], "pass")
        self.assertEqual(pairs["continuous", off]["outcome"], "pass")  # kernel B never leaves
        self.assertEqual(pairs[off, "continuous"]["outcome"], "fail")
        self.assertIn("iommu", pairs[off, "continuous"]["failed"])
        self.assertIn("IOMMU translation off", pairs[off, "continuous"]["cause"])
        self.assertIn("--from " + off, pairs[off, "continuous"]["replay"])
        self.assertIn("IOMMU translation off", done.stdout)

    def test_the_tables_come_between_the_marks_and_nothing_else_changes(self):
        with open(self.path("page.md"), "w", encoding="utf-8") as file:
            file.write("before\n" + MARKS.format("stale\n") + "after\n")
        done = matrix("--kernels", "continuous", "--markdown", self.path("page.md"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("page.md"), encoding="utf-8") as file:
            page = file.read()
        self.assertTrue(page.startswith("before\n<!-- holdover matrix: begin -->\n| from"), page)
        self.assertTrue(page.endswith("<!-- holdover matrix: end -->\nafter\n"), page)
        self.assertNotIn("stale", page)
        self.assertIn("| `continuous` | PASS |", page)

    def test_what_it_refuses(self):
        for words, expected in ((["--kernels", "continuous,xyz"], "there is no «xyz»"),
                                (["--kernels", "continuous,continuous"], "named twice"),
                                (["--kernels", "continuous:a=b"], "no policy «a»"),
                                (["--topology", "xyz"], "xyz"),
                                (["--jobs", "100000"], "1 to 1024")):
            done = matrix(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(expected, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)

    def test_a_page_without_marks_is_left_alone(self):
        with open(self.path("page.md"), "w", encoding="utf-8") as file:
            file.write("no marks\n")
        done = matrix("--kernels", "continuous", "--markdown", self.path("page.md"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("has no «<!-- holdover matrix: begin -->»", done.stderr)
        with open(self.path("page.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "no marks\n")


class Page(unittest.TestCase):
    def test_says_what_the_program_says(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copy(PAGE, folder)
            done = matrix("--markdown", copy)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(copy, encoding="utf-8") as now, open(PAGE, encoding="utf-8") as page:
                self.assertEqual(now.read(), page.read(), "docs/matrix.md is stale: `make docs` writes it anew")


if __name__ == "__main__":
    unittest.main(verbosity=2)
