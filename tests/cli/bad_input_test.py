#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the command line refuses: exit 2, one sentence that names the argument, nothing written, nothing left behind."""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HOLDOVER = sys.argv.pop(1)
SHORT = ["--before", "20us", "--after", "20us", "--blackout", "100us"]
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
        for option in ("--wave-from", "--wave-to"):
            for text in ("0us", "1us"):
                self.refused(["run", option, text], option, "--wave FILE.fst")
        self.refused(["run", "--wave", "w.fst", "--wave-from", "2us", "--wave-to", "1us"], "wave-to")
        self.refused(["run", "--trace-detail", "memory"], "--trace-detail", "--trace FILE")
        self.refused(["run", "--trace", "t", "--trace-detail", "everything"], "--trace-detail", "everything", "memory")

    def test_an_option_given_twice(self):
        self.refused(["run", "--seed", "1", "--seed", "2"], "--seed")

    def test_paths_that_cannot_be_written(self):
        for option in ("--json", "--junit", "--trace", "--dram"):
            self.refused(["run", option, "missing/dir/out"], "missing/dir/out")
            self.refused(["run", option, "."], ".")
            self.refused(["run", option, ""], option)
        self.refused(["run", "--wave", "missing/dir/out.fst"], "missing/dir/out.fst")

    def test_an_unwritable_path_is_found_before_anything_is_written(self):
        self.refused(["run", "--json", "good.json", "--junit", "missing/out.xml"], "missing/out.xml")

    def test_two_outputs_in_one_file(self):
        self.refused(["run", "--json", "out", "--junit", "./out"], "--junit", "another output")
        os.mkdir(os.path.join(self.cwd, "here"))
        os.symlink("here", os.path.join(self.cwd, "there"))
        self.refused(["run", "--json", "here/out", "--trace", "there/out"], "--trace", "another output")

    def test_an_output_that_would_replace_what_is_no_file(self):
        os.mkfifo(os.path.join(self.cwd, "pipe"))
        os.symlink("pipe", os.path.join(self.cwd, "link"))
        os.symlink("nowhere", os.path.join(self.cwd, "dangling"))
        for option in ("--json", "--junit", "--trace", "--dram", "--wave"):
            self.refused(["run", option, "pipe"], option, "pipe", "no regular file")
            self.refused(["run", option, "link"], option, "link", "no regular file")
            self.refused(["run", option, "dangling"], option, "dangling", "symbolic link")

    def test_an_output_that_would_replace_an_input(self):
        self.write("bench.toml", "seed = 4\n")
        self.refused(["run", "--config", "bench.toml", "--json", "./bench.toml"], "--json", "bench.toml", "read")
        self.write("image", "#!/bin/sh\n")
        os.chmod(os.path.join(self.cwd, "image"), 0o755)
        self.refused(["run", "--kernel-image", "./image", "--trace", "image"], "--trace", "image", "read")

    def test_a_kernel_image_that_cannot_be_executed(self):
        self.write("text", "no program\n")
        for name in ("no-such-image", ".", "text"):
            self.refused(["run", "--kernel-image", name], "--kernel-image", name, "in-process")
            self.refused(["run", "--next-image", name], "--next-image", name)

    def test_a_kernel_image_that_this_system_does_not_know(self):
        self.write("image", "neither a program nor a script\n")
        os.chmod(os.path.join(self.cwd, "image"), 0o755)
        self.refused(["run", "--kernel-image", "./image"], "--kernel-image", "./image", "in-process")

    def test_images_where_none_is_entered(self):
        self.refused(["run", "--isolation", "in-process", "--kernel-image", IMAGE], "--kernel-image", "--isolation process")
        self.refused(["run", "--isolation", "in-process", "--next-image", IMAGE], "--next-image", "--isolation process")
        self.refused(["run", "--jump", "none", "--next-image", IMAGE], "--next-image", "--jump kexec")

    def test_faults_that_cannot_strike(self):
        for name in ("H014", "refused-kexec", "stuck-engine"):
            self.refused(["run", "--jump", "none", "--fault", name], "--fault", name, "--jump kexec")
        self.refused(["run", "--fault", "H014", "--fault", "H014"], "--fault", "H014", "twice")

    def test_a_name_with_control_characters_stays_on_one_line(self):
        self.refused(["run", "--scenario", "a\nb\x1b[31m"], "a?b?[31m")
        self.assertNotIn("\x1b", run(["run", "--scenario", "\x1b[31m"], self.cwd).stderr)

    def test_values_that_are_missing_and_words_that_are_too_many(self):
        self.refused(["run", "--seed"], "--seed", "value is missing", "run --help")
        self.refused(["run", "extra"], "run", "extra", "--config", "--wave-to")
        self.refused(["list", "faults", "--seed"], "list", "--seed", "scenarios")

    def test_configuration_files_that_are_missing_or_unreadable(self):
        self.refused(["run", "--config", "missing.toml"], "missing.toml")
        self.refused(["run", "--config", "."], "directory")
        self.refused(["run", "--config", ""], "--config")
        self.refused(["run", "--config", "/dev/zero"], "/dev/zero", "no regular file")
        os.mkfifo(os.path.join(self.cwd, "pipe"))
        self.refused(["run", "--config", "pipe"], "pipe", "no regular file")
        with open(os.path.join(self.cwd, "long.toml"), "wb") as file:
            file.truncate(1 << 30)
        self.refused(["run", "--config", "long.toml"], "long.toml", "1 MiB")

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

    def test_profile_files_name_file_and_line(self):
        self.refused(["run", "--profile", "missing.toml"], "--profile", "missing.toml")
        self.refused(["run", "--to", "./here"], "--to", "./here")
        for text, *words in (("policies = {}", "base"), ("base = 1", "base", "string"), ('base = "linux"', "linux", "stock-7.3"),
                             ('base = "pci-v9"\nbasis = 1', ":2", "basis", "policies"), ('base = "pci-v9"\npolicies = 1', ":2", "table"),
                             ('base = "pci-v9"\n[policies]\ndelays = 1', ":3", "delays", "string"),
                             ('base = "pci-v9"\n[policies]\ndelay = "real"', ":3", "delay"),
                             ('base = "pci-v9"\n[policies]\ndelays = "never"', ":3", "never", "scaled"),
                             ('base = "pci-v9:delays=real"\n[policies]\ndelays = "real"', ":3", "twice")):
            self.write("mine.toml", text + "\n")
            self.refused(["run", "--chain", "continuous,mine.toml"], "--chain", "mine.toml", *words)
            self.refused(["matrix", "--kernels", "mine.toml"], "--kernels", "mine.toml", *words)
            self.refused(["compare-trace", "no.log", "--profile", "mine.toml"], "--profile", "mine.toml", *words)

    def test_kernels_without_a_name(self):
        for text in (",", "continuous,pci-v9,", "continuous,,pci-v9"):
            self.refused(["run", "--chain", text], "--chain", text, "comma")
        self.refused(["run", "--from", "continuous:"], "--from", "continuous:", "policy")
        self.refused(["run", "--chain", ""], "--chain")

    def test_an_output_that_would_replace_a_profile_file(self):
        self.write("mine.toml", 'base = "pci-v9"\n')
        self.refused(["run", "--from", "mine.toml", "--json", "./mine.toml"], "--json", "mine.toml", "read")

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


    def test_an_answer_that_nobody_can_read_is_no_success(self):
        for arguments in (["list"], ["--help"], ["run", "--help"], ["--version"], ["run", *SHORT]):
            with self.subTest(arguments), open("/dev/full", "w", encoding="utf-8") as full:
                result = subprocess.run([HOLDOVER, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(result.returncode, 2)
                self.assertIn("standard output", result.stderr)


class ProfileFile(unittest.TestCase):
    def kernels_of(self, text, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "mine.toml"), "w", encoding="utf-8") as file:
                file.write(text)
            result = run(["run", *SHORT, "--isolation", "in-process", "--json", "out.json", *arguments], directory)
            self.assertIn(result.returncode, (0, 1), result.stderr)
            with open(os.path.join(directory, "out.json"), encoding="utf-8") as file:
                return json.load(file)["options"]["kernels"], result.stdout

    def test_it_is_a_base_with_policies(self):
        kernels, _ = self.kernels_of('base = "continuous"\n[policies]\nbus-numbers = "reassign"\n', "--to", "mine.toml")
        self.assertEqual(kernels, ["continuous", "continuous:bus-numbers=reassign"])

    def test_what_follows_it_goes_before_its_own(self):
        kernels, _ = self.kernels_of('base = "continuous"\n[policies]\nbus-numbers = "reassign"\n', "--chain",
                                     "./mine.toml:bus-numbers=keep,continuous")
        self.assertEqual(kernels, ["continuous:bus-numbers=keep", "continuous"])

    def test_the_replay_command_needs_no_file(self):
        _, text = self.kernels_of('base = "stock-7.3"\n', "--profile", "mine.toml")
        self.assertIn("--profile stock-7.3", text)
        self.assertNotIn("mine.toml", text)


class Surroundings(unittest.TestCase):
    """What a run writes does not depend on where and how it was started."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.cwd = self.directory.name

    def read(self, name):
        with open(os.path.join(self.cwd, name), "rb") as file:
            return file.read()

    def test_closed_descriptors_are_not_taken_for_files_of_the_run(self):
        self.assertEqual(run(["run", *SHORT, "--trace", "whole"], self.cwd).returncode, 0)
        for isolation in ("in-process", "process"):
            for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
                with self.subTest(isolation + closed):
                    shell = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", HOLDOVER, "run", *SHORT, "--isolation", isolation,
                                            "--trace", "t"],
                                           cwd=self.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
                    # The verdict where it could be told, and the trace in any case.
                    self.assertEqual(shell.returncode, 2 if " >&-" in " " + closed else 0)
                    self.assertEqual(self.read("t"), self.read("whole"))
                    self.assertEqual(sorted(os.listdir(self.cwd)), ["t", "whole"])

    def test_a_link_to_a_file_is_followed_and_stays(self):
        os.mkdir(os.path.join(self.cwd, "there"))
        for name in ("report.json", "tlps"):
            with open(os.path.join(self.cwd, "there", name), "wb"):
                pass
            os.symlink(os.path.join("there", name), os.path.join(self.cwd, name))
        self.assertEqual(run(["run", *SHORT, "--json", "report.json", "--trace", "tlps"], self.cwd).returncode, 0)
        for name in ("report.json", "tlps"):
            self.assertTrue(os.path.islink(os.path.join(self.cwd, name)))
            self.assertGreater(len(self.read(os.path.join("there", name))), 0)
        self.assertEqual(sorted(os.listdir(os.path.join(self.cwd, "there"))), ["report.json", "tlps"])

    def test_a_full_disk_is_named_and_nothing_is_left(self):
        # A small disk in a mount namespace of its own, at times filled up but for a part of what the run writes.
        script = 'mount -t tmpfs -o size=$1k none . && cd "$PWD" && shift && "$@"; code=$?; ls -A >&3; exit $code'
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        if subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", self.cwd], capture_output=True, check=False).returncode:
            self.skipTest("no mount namespace here")
        for option, size in (("--json", 4), ("--junit", 4), ("--trace", 16), ("--dram", 64), ("--wave", 16), ("--wave", 128)):
            # JSON and JUnit of a run take less than a page each; what is in their way is a page of something else.
            fill = "head -c 4096 /dev/zero > full; " if option in ("--json", "--junit") else ""
            with self.subTest(option, size=size):
                command = [*unshare, "sh", "-c", script.replace('"$@"', fill + '"$@"'), "sh", str(size), HOLDOVER, "run", *SHORT,
                           option, "out"]
                read, write = os.pipe()
                result = subprocess.run(["sh", "-c", f'"$@" 3>&{write}', "sh", *command], cwd=self.cwd, pass_fds=(write,),
                                        capture_output=True, text=True, check=False)
                os.close(write)
                with os.fdopen(read, encoding="utf-8") as left:
                    self.assertEqual(left.read().split(), ["full"] if fill else [])
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
                self.assertIn("cannot be written", result.stderr)

    def test_the_same_options_give_the_same_record_but_for_wall_time(self):
        records = []
        for _ in range(2):
            self.assertEqual(run(["run", *SHORT, "--seed", "5", "--json", "r.json"], self.cwd).returncode, 0)
            record = json.loads(self.read("r.json"))
            del record["wall"]
            records.append(json.dumps(record))
        self.assertEqual(records[0], records[1])

    def test_the_replay_line_runs_and_finds_the_same(self):
        for isolation in ("in-process", "process"):
            with self.subTest(isolation):
                with open(os.path.join(self.cwd, "bench.toml"), "w", encoding="utf-8") as file:
                    file.write('topology = "switch"\nseed = 3\nbefore = "40us"\nafter = "60us"\nfault = ["H014"]\n'
                               f'isolation = "{isolation}"\n')
                images = ["--kernel-image", IMAGE, "--next-image", IMAGE] if isolation == "process" else []
                first = run(["run", "--config", "bench.toml", "--blackout", "100us", *images], self.cwd)
                self.assertEqual(first.returncode, 1, first.stderr)
                *_, headline, replay = first.stdout.splitlines()
                for image in images:
                    self.assertIn(image, replay)
                second = subprocess.run(replay, shell=True, cwd=self.cwd, capture_output=True, text=True, check=False)
                self.assertEqual(second.returncode, 1, second.stderr)
                self.assertEqual(second.stdout.splitlines()[-2:], [headline, replay])
                wave = os.path.join(self.cwd, "holdover-continuity-3.fst")
                self.assertGreater(os.path.getsize(wave), 0)
                os.remove(wave)


class Interruption(unittest.TestCase):
    def test_every_request_to_end_stops_at_once_and_leaves_nothing_behind(self):
        for isolation, request in itertools.product(("in-process", "process"),
                                                    (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)):
            with self.subTest(isolation, request=request), tempfile.TemporaryDirectory() as directory:
                before = shared_memory()
                child = subprocess.Popen([HOLDOVER, "run", "--isolation", isolation, "--blackout", "500ms", "--json", "r.json",
                                          "--trace", "t.trace"],
                                         cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                         start_new_session=True)
                # The trace has begun: the run is under way.
                while not os.listdir(directory) and child.poll() is None:
                    time.sleep(0.01)
                os.killpg(child.pid, request)
                stdout, stderr = child.communicate(timeout=60)
                self.assertEqual(child.returncode, 2, stdout + stderr)
                self.assertIn("interrupted", stderr)
                self.assertEqual(os.listdir(directory), [])
                self.assertEqual(shared_memory(), before)
                with self.assertRaises(ProcessLookupError):
                    os.killpg(child.pid, 0)


if __name__ == "__main__":
    unittest.main()
