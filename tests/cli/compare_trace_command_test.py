#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`holdover compare-trace` on short logs: `compare_trace_command_test.py HOLDOVER DATA_FOLDER`."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HOLDOVER = sys.argv.pop(1)
DATA = pathlib.Path(sys.argv.pop(1))
ONCE = DATA / "once.log"
RECORDED = DATA.parent / "recorded"


def compare(*arguments):
    return subprocess.run([HOLDOVER, "compare-trace", *map(str, arguments)], capture_output=True, text=True)


class CompareTrace(unittest.TestCase):
    def setUp(self):
        self.files = 0
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, text):
        self.files += 1
        path = pathlib.Path(self.folder.name) / f"{self.files}.log"
        path.write_text(text)
        return path

    def test_the_same_shutdown_is_the_same(self):
        result = compare(ONCE, "--phase", "shutdown")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("profile   stock-7.2 (deduced:", result.stdout)
        self.assertIn("1 recorded writes, SAME", result.stdout)

    def test_another_value_is_a_difference(self):
        text = ONCE.read_text().replace("val=0x0102 old=0x0106 new=0x0102", "val=0x0100 old=0x0106 new=0x0100")
        result = compare(self.file(text), "--phase", "shutdown")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("COMMAND 0x0100            COMMAND 0x0102            DIFFERS: other value", result.stdout)

    def test_a_crash_kernel_is_entered_without_any_shutdown(self):
        result = compare(ONCE, "--phase", "shutdown", "--jump", "crash")
        self.assertEqual(result.returncode, 1)
        self.assertIn("DIFFERS: only recorded", result.stdout)
        self.assertIn("jump      crash kexec, driver bound", result.stdout)

    def test_bars_are_those_of_the_log(self):
        record = pathlib.Path(self.folder.name) / "record.json"
        compare(ONCE, "--json", record)
        parts = json.loads(record.read_text())["parts"]
        self.assertEqual([part["phase"] for part in parts], ["boot", "shutdown", "enumeration"])
        for part in (parts[0], parts[2]):
            bars = [row for row in part["rows"] if row["recorded"] and row["recorded"]["register"].startswith("BAR")]
            self.assertEqual(len(bars), 12)
            self.assertTrue(all(row["same"] for row in bars), bars)

    def test_a_kernel_that_sizes_each_bar_alone_is_recognized(self):
        self.assertIn("profile   stock-6.1 (deduced:", compare(DATA / "per-bar.log").stdout)
        self.assertIn("profile   stock-7.3\n", compare(DATA / "per-bar.log", "--profile", "stock-7.3").stdout)

    def test_what_cannot_be_compared_is_answered_with_one_sentence(self):
        whole = ONCE.read_text()
        for arguments, said in (
            ([self.folder.name], "cannot be read"),
            ([self.folder.name + "/nothing"], "cannot be read"),
            ([self.file("")], "is no log of configuration writes"),
            ([self.file(whole[: whole.index("PHASE 3") + 30])], "ends before a kernel enumerates"),
            ([self.file(whole[: whole.index("PHASE 1")] + "PHASE 1 user space\n")], "has no kexec in it"),
            ([self.file(whole[: whole.index("old=0x0106")])], "the line is cut off or broken"),
            ([ONCE, "--profile", "stock-1.0"], "there is no «stock-1.0»; there are:"),
            ([ONCE, "--jump", "high"], "it takes kexec or crash"),
            ([ONCE, "--phase", "boot,lunch"], "it takes boot, shutdown and enumeration"),
            ([ONCE, "--accept", "all"], "it takes known or none"),
            ([ONCE, "--port-trace", ONCE], "is no trace of configuration writes"),
            ([], "LOG is required"),
        ):
            result = compare(*arguments)
            self.assertEqual(result.returncode, 2, (arguments, result.stdout, result.stderr))
            self.assertIn(said, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)
            self.assertEqual(result.stdout, "")


class RecordedKernels(unittest.TestCase):
    """What real kernels wrote is what the emulated ones write, apart from what the recorded port has not."""

    def test_the_endpoint_sees_the_same_writes(self):
        for log, options in (("linux-6.1-driver.log", []), ("linux-7.2-driver.log", []),
                             ("linux-7.2-crash.log", ["--jump", "crash"])):
            with self.subTest(log=log):
                result = compare(RECORDED / log, *options)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertTrue(result.stdout.endswith("recorded writes, SAME\n"), result.stdout)

    def test_the_root_port_sees_the_same_writes(self):
        result = compare(RECORDED / "linux-7.2-driver.log", "--port-trace", RECORDED / "linux-7.2-driver.port-trace")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("recorded writes, SAME", result.stdout)
        names = {line.split(":")[0].strip() for line in result.stdout.splitlines() if line.startswith("  port-")}
        self.assertEqual(names, {"port-interrupts", "port-dpc", "port-io", "port-device-control", "port-ltr", "port-pme",
                                 "port-acs"})

    def test_another_kernel_does_not(self):
        for log, options in (("linux-6.1-driver.log", ["--profile", "stock-7.2"]),
                             ("linux-7.2-driver.log", ["--profile", "stock-6.1"]),
                             ("linux-7.2-driver.log", ["--jump", "crash"])):
            with self.subTest(log=log, options=options):
                result = compare(RECORDED / log, *options)
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn("DIFFERENCES", result.stdout)


if __name__ == "__main__":
    unittest.main()
