# SPDX-License-Identifier: MIT
"""`holdover question`: answers, the record, the page that takes them, and what it refuses. `Page` holds docs/findings.md
against the program."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HOLDOVER = os.path.abspath(sys.argv.pop(1))
PAGE = os.path.abspath(sys.argv.pop(1))
MARKS = "<!-- holdover question: begin -->\n{}<!-- holdover question: end -->\n"


def holdover(*words, cwd=None):
    return subprocess.run([HOLDOVER, *words], capture_output=True, text=True, cwd=cwd, check=False)


class Answers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cwd = folder.name

    def path(self, name):
        return os.path.join(self.cwd, name)

    def test_one_question_is_answered_and_recorded_and_can_be_repeated(self):
        done = holdover("question", "q11", "Q11", "--seed", "3", "--json", self.path("q.json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("\nset-up: "), 1, "asked twice, answered once")
        with open(self.path("q.json"), encoding="utf-8") as file:
            record = json.load(file)
        self.assertEqual(record["seed"], 3)
        question, = record["questions"]
        self.assertEqual(question["name"], "Q11")
        self.assertTrue(question["decided"])
        self.assertIn("\nanswer: " + question["answer"] + "\n", done.stdout)
        for seen in question["observations"]:
            self.assertIn(seen["what"], done.stdout)
            self.assertIn(seen["seen"], done.stdout)
        command = question["commands"][0]
        self.assertIn("again: " + command + "\n", done.stdout)
        self.assertIn("--seed 3", command)
        again = holdover(*command.split()[1:])
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout.splitlines()[-1], "PASS (9 of 9 checks)")

    def test_every_question_has_a_name_and_ends_with_a_question_mark(self):
        done = holdover("list", "questions")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()[1:]
        names = [line.split()[0] for line in lines]
        self.assertEqual(names, sorted(set(names), key=lambda name: int(name[1:])))
        for line in lines:
            self.assertTrue(line.endswith("?"), line)

    def test_the_answers_come_between_the_marks_and_nothing_else_changes(self):
        with open(self.path("page.md"), "w", encoding="utf-8") as file:
            file.write("before\n" + MARKS.format("stale\n") + "after\n")
        done = holdover("question", "Q11", "--markdown", self.path("page.md"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("page.md"), encoding="utf-8") as file:
            page = file.read()
        self.assertTrue(page.startswith("before\n<!-- holdover question: begin -->\n\n## Q11: "), page)
        self.assertTrue(page.endswith("<!-- holdover question: end -->\nafter\n"), page)
        self.assertNotIn("stale", page)
        self.assertIn("\nholdover run --scenario continuity", page, "the same wherever the program stands")

    def test_what_it_refuses(self):
        for words, expected in (([], "names"), (["Q99"], "there is no Q99; there are Q1"),
                                (["Q11", "--seed", "-1"], "--seed"),
                                (["Q11", "--json", "/nowhere/q.json"], "--json: /nowhere/q.json cannot be written"),
                                (["Q11", "--markdown", self.path("no marks.md")], "has no «<!-- holdover question: begin")):
            with open(self.path("no marks.md"), "w", encoding="utf-8") as file:
                file.write("no marks\n")
            done = holdover("question", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(expected, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertEqual(done.stdout, "")


class Page(unittest.TestCase):
    def test_says_what_the_program_says(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copy(PAGE, folder)
            done = holdover("question", "all", "--markdown", copy)
            self.assertIn(done.returncode, (0, 3), done.stderr)
            with open(copy, encoding="utf-8") as now, open(PAGE, encoding="utf-8") as page:
                self.assertEqual(now.read(), page.read(), "docs/findings.md is stale: `make docs` writes it anew")


if __name__ == "__main__":
    unittest.main(verbosity=2)
