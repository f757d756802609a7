# SPDX-License-Identifier: MIT
"""`holdover board` and `holdover measure --backend`: over an endpoint that a server simulates, and what is refused."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HOLDOVER = sys.argv.pop(1)


def holdover(*arguments, folder):
    return subprocess.run([HOLDOVER, *arguments], cwd=folder, env={**os.environ, "TMPDIR": folder}, capture_output=True,
                          text=True, check=False)


def written_here(state):
    """The state as stage 1 writes it for a board under the kernel that runs now."""
    name = pathlib.Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    checksum = slice(16, 24)
    state = bytearray(state)
    state[-48:] = name.ljust(48, b"\0")  # boot_id, judged, reserved
    state[checksum] = bytes(8)
    value = 0xcbf29ce484222325
    for byte in state:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    state[checksum] = value.to_bytes(8, "little")
    return bytes(state)


class Served(unittest.TestCase):
    """A server with an endpoint, in a folder of its own."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.socket = os.path.join(self.folder.name, "ep.sock")
        self.server = subprocess.Popen([HOLDOVER, "serve", "--socket", self.socket], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.terminate)
        self.assertIn("ready", self.server.stdout.readline())
        self.target = "vfio-user:" + self.socket

    def board(self, *arguments):
        return holdover("board", "run", self.target, *arguments, folder=self.folder.name)

    def read(self, name):
        with open(os.path.join(self.folder.name, name), encoding="utf-8") as file:
            return file.read()

    def test_an_update_by_execve_passes_with_the_endpoint_as_the_only_witness(self):
        result = self.board("--state", "s", "--json", "v.json", "--junit", "v.xml")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stdout.splitlines()[-1], "PASS (8 of 9 checks; not observable: IOMMU)")
        record = json.loads(self.read("v.json"))
        self.assertEqual(record["outcome"], "PASS")
        self.assertEqual(record["time"], "device")
        self.assertIn("heartbeat writer", "\n".join(record["console"]))
        self.assertEqual([check["check"] for check in record["checks"]],
                         ["continuity", "memory", "configuration", "bdf", "iommu", "interrupts", "reset_and_link",
                          "protocol", "handover"])
        continuity = record["checks"][0]["numbers"]
        self.assertGreater(continuity["records_checked"], 0)
        self.assertEqual(continuity["records_lost"], 0)
        self.assertLess(record["looks"]["before_kexec_ps"], record["looks"]["after_kexec_ps"])
        suite = xml.etree.ElementTree.fromstring(self.read("v.xml"))[0]
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")), ("9", "0", "1"))

    def test_the_state_of_an_update_by_execve_needs_no_name_and_leaves_no_file(self):
        for arguments, code in (((), 0), (("--silence-limit", "1us"), 1)):
            result = self.board(*arguments)
            self.assertEqual(result.returncode, code, result.stdout + result.stderr)
            self.assertEqual(os.listdir(self.folder.name), ["ep.sock"])

    def test_without_a_folder_for_temporary_files_the_state_needs_a_name(self):
        result = subprocess.run([HOLDOVER, "board", "run", self.target], cwd=self.folder.name, capture_output=True,
                                env={**os.environ, "TMPDIR": "/nonexistent"}, text=True, check=False)
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertIn("set TMPDIR to one, or name a file with --state", result.stderr)
        self.assertNotIn("should not happen", result.stderr)

    def test_a_silence_that_is_longer_than_declared_fails(self):
        result = self.board("--state", "s", "--silence-limit", "1us")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("FAIL (continuity): the endpoint was silent for", result.stdout.splitlines()[-1])

    def test_a_heartbeat_faster_than_its_ring_is_made_for_is_refused(self):
        result = self.board("--jump", "none", "--heartbeat", "999ns")
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertIn("--heartbeat", result.stderr)

    def test_the_control_replaces_nothing(self):
        result = self.board("--jump", "none")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("not applicable: handover", result.stdout.splitlines()[-1])

    def begin(self, *arguments):
        return subprocess.Popen([HOLDOVER, "board", "run", self.target, *arguments], cwd=self.folder.name,
                                env={**os.environ, "TMPDIR": self.folder.name}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def expect_a_clean_end(self, process):
        out, err = process.communicate()
        self.assertEqual(process.returncode, 2, out + err)
        self.assertIn("interrupted; the program was told to stop", err.splitlines()[-1])
        self.assertEqual(os.listdir(self.folder.name), ["ep.sock"])

    def test_an_interrupted_first_half_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.begin("--before", "10s")
            self.assertIn("every interrupt vector in use is alive", process.stderr.readline())
            process.send_signal(number)
            self.expect_a_clean_end(process)

    def test_an_interrupted_second_half_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.begin("--after", "1s")
            while b"--carried" not in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes():
                self.assertIsNone(process.poll(), "it ended")
            process.send_signal(number)
            self.expect_a_clean_end(process)

    def test_a_second_stage_by_hand_is_refused(self):
        self.assertEqual(self.board("--state", "s").returncode, 0)
        result = self.board("--stage", "2", "--state", "s")
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertIn("both stages of a server's device are one command", result.stderr)

    def test_a_state_that_cannot_be_used_is_one_sentence(self):
        self.assertEqual(self.board("--state", "s").returncode, 0)
        for board, spoil, words in (("vfio:0000:02:00.0", lambda b: b, "was written for the board at 0000:01:00.0"),
                                    ("vfio:0000:01:00.0", lambda b: b, "was written for a server's device"),
                                    ("vfio:0000:01:00.0", written_here, "there was no kexec since"),
                                    ("vfio:0000:01:00.0", lambda b: b[:-1], "bytes"),
                                    ("vfio:0000:01:00.0", lambda b: b[:900] + bytes([b[900] ^ 1]) + b[901:],
                                     "the checksum does not match"),
                                    ("vfio:0000:01:00.0", lambda b: b"", "0 bytes")):
            with open(os.path.join(self.folder.name, "s"), "rb") as file:
                good = file.read()
            with open(os.path.join(self.folder.name, "t"), "wb") as file:
                file.write(spoil(good))
            result = holdover("board", "run", board, "--stage", "2", "--state", "t", folder=self.folder.name)
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
            self.assertIn(words, result.stderr)

    def test_measure_reads_theory_off_the_device_and_keeps_to_one_clock(self):
        result = holdover("measure", "--backend", self.target, "--sizes", "4096", "--samples", "20", "--json", "m.json",
                          folder=self.folder.name)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("device time", result.stdout)
        record = json.loads(self.read("m.json"))
        self.assertEqual((record["time"], record["target"]), ("device", self.target))
        self.assertEqual((record["link"]["generation"], record["link"]["lanes"]), (3, 8))
        self.assertIsNone(record["simulated_ps"])
        self.assertIsNone(record["topology"])
        for point in record["bandwidth"]:
            self.assertLess(point["measured_gbps"], point["bound_gbps"])
            self.assertGreater(point["measured_gbps"], 0)


class Refused(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def complain(self, words, *arguments):
        result = holdover(*arguments, folder=self.folder.name)
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn(words, result.stderr)

    def test_what_is_no_target_or_no_board(self):
        self.complain("vfio-user:PATH", "board", "run", "pci:01:00.0", "--stage", "1", "--state", "s")
        self.complain("0000:ff:1f.7", "board", "check", "0000:ff:1f.7")
        self.complain("is a server's socket", "board", "check", "vfio-user:/tmp/x")
        self.complain("There is no function", "board", "check", "vfio:01:00.0", "--sysfs", self.folder.name)
        self.complain("check and run", "board")
        self.complain("check and run", "board", "frob")
        self.complain("is none of its options", "board", "run", "vfio:01:00.0", "--frob")

    def test_a_bridge_cannot_be_the_endpoint_by_whatever_name_the_tree_has(self):
        function = pathlib.Path(self.folder.name, "bus/pci/devices/0000:01:00.0")
        function.mkdir(parents=True)
        (function / "vendor").write_text("0x8086\n")
        (function / "class").write_text("0x060400\n")
        for tree in (self.folder.name, self.folder.name + "/bus/pci"):
            self.complain("0000:01:00.0 is a bridge, and a bridge cannot be the endpoint", "board", "check", "01:00.0",
                          "--sysfs", tree)

    def test_stages_need_a_file_between_them(self):
        self.complain("--stage 1 before the kexec", "board", "run", "vfio:01:00.0", "--state", "s")
        self.complain("--state", "board", "run", "vfio:01:00.0", "--stage", "1")
        self.complain("cannot be read", "board", "run", "vfio:01:00.0", "--stage", "2", "--state", "s")
        self.complain("not in", "board", "run", "vfio:01:00.0", "--stage", "3", "--state", "s")
        self.complain("there is no --stage 2", "board", "run", "vfio:01:00.0", "--stage", "2", "--jump", "none",
                      "--state", "s")
        self.complain("leave --stage away", "board", "run", "vfio-user:x", "--stage", "1", "--state", "s")

    def test_traffic_that_cannot_be(self):
        board = ("board", "run", "vfio:01:00.0", "--stage", "1", "--state", "s")
        self.complain("--transfer: 99999999 is out of range; possible are 1 to 16384", *board, "--transfer", "99999999")
        self.complain("--transfer: «-1» is not possible", *board, "--transfer", "-1")
        self.complain("--seed: «x» is not possible", *board, "--seed", "x")
        self.complain("--bulk: «up» is not possible; it takes c2h", *board, "--bulk", "up")
        self.complain("--silence-limit: 0", *board, "--silence-limit", "0ns")
        self.complain("--after: 60s is too long for --heartbeat 1ms", *board, "--after", "60s")
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_times_and_places(self):
        self.complain("--heartbeat", "board", "run", "vfio:01:00.0", "--stage", "1", "--state", "s", "--heartbeat", "x")
        self.complain("--before", "board", "run", "vfio:01:00.0", "--stage", "1", "--state", "s", "--before", "1ns")
        self.complain("--state", "board", "run", "vfio:01:00.0", "--stage", "1", "--state", "no/such/folder/s")

    def test_a_board_that_is_not_there_is_no_verdict(self):
        self.complain("There is no function at 0000:ff:1f.7", "measure", "--backend", "vfio:ff:1f.7")
        self.complain("--topology", "measure", "--backend", "vfio:ff:1f.7", "--topology", "switch")
        result = holdover("board", "run", "vfio:ff:1f.7", "--jump", "none", folder=self.folder.name)
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertIn("There is no function at 0000:ff:1f.7", result.stderr)


if __name__ == "__main__":
    unittest.main()
