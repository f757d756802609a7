#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the command line refuses: exit 2, one sentence that names the argument, nothing written, nothing left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HOLDOVER = sys.argv.pop(1)
IMAGE = os.path.join(os.path.dirname(HOLDOVER), "holdover-kernel-image")


def run(arguments, cwd, **options):
    environment = dict(os.environ, NO_COLOR="1")
    return subprocess.run([HOLDOVER, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False,
                          timeout=120, **options)


def shared_memory():
    return sorted(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else []


class BadInput(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.cwd = self.directory.name

    def write(self, name, text):
        with open(os.path.join(self.cwd, name), "w", encoding="utf-8") as file:
            file.write(text)

    def refused(self, arguments, *words):
        files = sorted(os.listdir(self.cwd))
        result = run(arguments, self.cwd)
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(sorted(os.listdir(self.cwd)), files, "something was written")

    def test_a_missing_command_is_named(self):
        self.refused([], "run", "list", "--help")

    def test_an_unknown_command_is_named(self):
        self.refused(["walk"], "walk", "run", "list")

    def test_an_unknown_option_is_named_and_the_possible_ones_are_listed(self):
        self.refused(["run", "--sead", "3"], "--sead", "--seed", "--topology")

    def test_unknown_names_list_the_possible_ones(self):
        self.refused(["run", "--scenario", "xyz"], "scenario", "xyz", "continuity", "neighbour")
        self.refused(["run", "--profile", "xyz"], "profile", "xyz", "continuous", "stock-7.3", "pci-v9")
        self.refused(["run", "--topology", "xyz"], "topology", "xyz", "direct", "switch")
        self.refused(["run", "--fault", "H999"], "fault", "H999", "H014", "H121")
        self.refused(["run", "--isolation", "xyz"], "--isolation", "xyz", "in-process", "process")
        self.refused(["run", "--jump", "xyz"], "--jump", "xyz", "kexec", "none")
        self.refused(["list", "xyz"], "xyz", "scenarios", "profiles", "topologies", "faults")

    def test_numbers_that_are_none(self):
        for text in ("", "x", "-1", "1.5", "1e3", "0x1", "18446744073709551616", " 1"):
            self.refused(["run", "--seed=" + text], "--seed")

    def test_times_that_are_none(self):
        for option in ("--blackout", "--before", "--after", "--wave-from", "--wave-to"):
            for text in ("5", "us", "-1us", "1 parsec", "1.us", "1.2.3us", "0.0001ps", "99999999999999999999s"):
                self.refused(["run", option + "=" + text], option)

    def test_times_out_of_range(self):
        self.refused(["run", "--blackout", "2s"], "blackout", "1")
        self.refused(["run", "--before", "9999s"], "before")

    def test_combinations_that_are_impossible(self):
        self.refused(["run", "--scenario", "neighbour", "--topology", "direct"], "neighbour", "switch")
        self.refused(["run", "--wave-from", "1us"], "wave")
        self.refused(["run", "--wave", "w.fst", "--wave-from", "2us", "--wave-to", "1us"], "wave-to")

    def test_an_option_given_twice(self):
        self.refused(["run", "--seed", "1", "--seed", "2"], "--seed")

    def test_paths_that_cannot_be_written(self):
        for option in ("--json", "--junit", "--trace"):
            self.refused(["run", option, "missing/dir/out"], "missing/dir/out")
            self.refused(["run", option, "."], ".")
            self.refused(["run", option, ""], option)
        self.refused(["run", "--wave", "missing/dir/out.fst"], "missing/dir/out.fst")

    def test_an_unwritable_path_is_found_before_anything_is_written(self):
        self.refused(["run", "--json", "good.json", "--junit", "missing/out.xml"], "missing/out.xml")

    def test_a_kernel_image_that_is_missing(self):
        self.refused(["run", "--kernel-image", "no-such-image"], "no-such-image")

    def test_configuration_files_that_are_missing_or_unreadable(self):
        self.refused(["run", "--config", "missing.toml"], "missing.toml")
        self.refused(["run", "--config", "."], "directory")

    def test_configuration_files_that_are_no_toml_name_the_line(self):
        self.write("bad.toml", "seed = 1\ntopology = \n")
        self.refused(["run", "--config", "bad.toml"], "bad.toml:2", "TOML")
        self.write("twice.toml", "seed = 1\nseed = 2\n")
        self.refused(["run", "--config", "twice.toml"], "twice.toml:2")
        with open(os.path.join(self.cwd, "binary.toml"), "wb") as file:
            file.write(bytes(range(256)))
        self.refused(["run", "--config", "binary.toml"], "binary.toml:1")

    def test_unknown_keys_name_line_and_possible_keys(self):
        self.write("key.toml", "seed = 1\nsead = 2\n")
        self.refused(["run", "--config", "key.toml"], "key.toml:2", "sead", "seed", "topology")

    def test_values_of_the_wrong_kind_name_their_key(self):
        for text in ("seed = 1.5", "seed = true", "seed = [1]", "seed = -1", "blackout = 5", "json = {}", "fault = [[1]]"):
            self.write("kind.toml", text + "\n")
            self.refused(["run", "--config", "kind.toml"], "kind.toml:1", text.split()[0])

    def test_the_kernel_image_explains_itself(self):
        for arguments, words in (([], ["--platform-fd"]), (["--platform-fd"], ["--platform-fd"]), (["--x", "1"], ["--x"]),
                                 (["--platform-fd", "x"], ["--platform-fd"]), (["--dram-fd", "3"], ["--boot-parameters"])):
            result = subprocess.run([IMAGE, *arguments], cwd=self.cwd, capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 2)
            for word in words:
                self.assertIn(word, result.stdout + result.stderr)


class Answers(unittest.TestCase):
    def test_help_teaches(self):
        for arguments in (["--help"], ["run", "--help"]):
            result = run(arguments, None)
            self.assertEqual(result.returncode, 0)
            self.assertIn("Exit codes: 0 PASS, 1 FAIL, 2 usage", result.stdout)
        for option in ("--scenario", "--profile", "--topology", "--seed", "--isolation", "--jump", "--blackout", "--config",
                       "--json", "--junit", "--wave", "--wave-from", "--wave-to", "--trace", "--fault", "--before"):
            self.assertIn(option, result.stdout)

    def test_the_version_is_one_line(self):
        result = run(["--version"], None)
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"^holdover \d+\.\d+\.\d+ \(\S+\)\n$")

    def test_the_list_has_every_section_or_the_one_asked_for(self):
        everything = run(["list"], None)
        self.assertEqual(everything.returncode, 0)
        for word in ("scenarios", "continuity", "profiles", "continuous", "topologies", "switch", "faults", "H014"):
            self.assertIn(word, everything.stdout)
        profiles = run(["list", "profiles"], None)
        self.assertIn("stock-7.3", profiles.stdout)
        self.assertNotIn("continuity  ", profiles.stdout)


class Interruption(unittest.TestCase):
    def test_ctrl_c_stops_at_once_and_leaves_nothing_behind(self):
        for isolation in ("in-process", "process"):
            with self.subTest(isolation), tempfile.TemporaryDirectory() as directory:
                before = shared_memory()
                child = subprocess.Popen([HOLDOVER, "run", "--isolation", isolation, "--blackout", "500ms", "--json", "r.json",
                                          "--trace", "t.trace"],
                                         cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                         start_new_session=True)
                # The trace has begun: the run is under way.
                while not os.listdir(directory) and child.poll() is None:
                    time.sleep(0.01)
                child.send_signal(signal.SIGINT)
                stdout, stderr = child.communicate(timeout=60)
                self.assertEqual(child.returncode, 2, stdout + stderr)
                self.assertIn("interrupted", stderr)
                self.assertEqual(os.listdir(directory), [])
                self.assertEqual(shared_memory(), before)
                with self.assertRaises(ProcessLookupError):
                    os.killpg(child.pid, 0)


if __name__ == "__main__":
    unittest.main()
