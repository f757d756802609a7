# SPDX-License-Identifier: MIT
"""`holdover regress`: a small campaign, a run that crashes in it, one that is interrupted, and what it refuses."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

# A copy with no other models beside it: every run has the endpoint that is part of the program.
HOME = tempfile.TemporaryDirectory()
os.mkdir(os.path.join(HOME.name, "bin"))
HOLDOVER = shutil.copy(sys.argv.pop(1), os.path.join(HOME.name, "bin"))


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


class Regress(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def holdover(self, *arguments):
        return subprocess.run([HOLDOVER, *arguments], cwd=self.folder.name, capture_output=True, text=True, check=False)

    def start(self, *arguments):
        return subprocess.Popen([HOLDOVER, "regress", *arguments], cwd=self.folder.name, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def a_child_of(self, process):
        while process.poll() is None:
            for child in children(process.pid):
                return child
        self.fail("the campaign ended before its first run began")

    def test_a_campaign_counts_its_runs(self):
        result = self.holdover("regress", "--seeds", "4", "--json", "record.json")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        with open(os.path.join(self.folder.name, "record.json"), encoding="utf-8") as file:
            record = json.load(file)
        self.assertEqual((record["schema_version"], record["first_seed"], record["seeds"]), (1, 1, 4))
        self.assertEqual((record["total"]["runs"], record["total"]["passed"]), (4, 4))
        self.assertEqual(sum(row["runs"] for row in record["by_topology_and_width"]), 4)
        self.assertEqual(record["findings"], [])

    def test_a_run_that_crashes_is_a_failure_with_its_replay_line(self):
        process = self.start("--seeds", "3", "--jobs", "1", "--keep-going", "--json", "record.json")
        os.kill(self.a_child_of(process), signal.SIGSEGV)
        stdout, stderr = process.communicate()
        self.assertEqual(process.returncode, 1, stdout + stderr)
        self.assertIn("seed 1: fail: the run crashed with SIGSEGV", stdout)
        with open(os.path.join(self.folder.name, "record.json"), encoding="utf-8") as file:
            record = json.load(file)
        self.assertEqual((record["total"]["passed"], record["total"]["failed"]), (2, 1))
        replay = record["findings"][0]["replay"]
        self.assertIn(replay, stdout)
        words = shlex.split(replay)
        self.assertEqual(words[1:2], ["run"])
        self.assertEqual(self.holdover(*words[1:]).returncode, 0, replay)

    def test_the_first_failure_ends_it_unless_told_otherwise(self):
        process = self.start("--seeds", "1000", "--jobs", "1")
        os.kill(self.a_child_of(process), signal.SIGABRT)
        stdout, stderr = process.communicate()
        self.assertEqual(process.returncode, 1, stdout + stderr)
        self.assertIn("SIGABRT", stdout)

    def test_an_interruption_ends_every_run(self):
        process = self.start("--seeds", "1000", "--jobs", "2", "--json", "record.json")
        self.a_child_of(process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
        self.assertEqual(process.returncode, 2, stdout + stderr)
        self.assertIn("interrupted", stderr.lower())
        with open(os.path.join(self.folder.name, "record.json"), encoding="utf-8") as file:
            self.assertLess(json.load(file)["total"]["runs"], 1000)
        with self.assertRaises(ProcessLookupError):
            os.killpg(process.pid, 0)

    def test_what_is_impossible_is_refused(self):
        for arguments, word in ((("--seeds", "0"), "--seeds"), (("--jobs", "0"), "--jobs"), (("--jobs", "2000"), "--jobs"),
                                (("--first", str(2**64 - 1)), "--first"), (("--seeds", "x"), "«x»"),
                                (("--seeds", "-1"), "«-1»"), (("--jobs", "-1"), "a whole number above 0"),
                                (("--json", "missing/record.json"), "missing/record.json")):
            with self.subTest(arguments):
                result = self.holdover("regress", *arguments)
                self.assertEqual(result.returncode, 2)
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
                self.assertIn(word, result.stderr)


if __name__ == "__main__":
    unittest.main()
