# SPDX-License-Identifier: MIT
"""`holdover measure`: the figures that the endpoint must reach, the same ones every time, and what is refused."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HOLDOVER = sys.argv.pop(1)


class Measure(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def measure(self, *arguments):
        return subprocess.run([HOLDOVER, "measure", *arguments], cwd=self.folder.name, capture_output=True, text=True,
                              check=False)

    def record(self, *arguments):
        result = self.measure("--json", "record.json", *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        with open(os.path.join(self.folder.name, "record.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_four_kibibytes_reach_95_percent_of_the_theory(self):
        record = self.record("--sizes", "4096", "--depth", "64")
        link = record["link"]
        self.assertEqual((link["generation"], link["lanes"], link["max_payload"], link["max_read_request"]),
                         (3, 8, 256, 512))
        self.assertEqual(record["root_complex"]["read_latency_min_ns"], 600)
        self.assertEqual([point["test"] for point in record["bandwidth"]], ["BW_WR", "BW_RD"])
        for point in record["bandwidth"]:
            self.assertGreaterEqual(point["ratio"], 0.95, point)
            self.assertLess(point["measured_gbps"], point["bound_gbps"], point)
            self.assertAlmostEqual(point["measured_gbps"], point["transfers"] * 4096 * 8 / point["duration_ns"], 6)
        self.assertEqual([(point["test"], point["size"]) for point in record["latency"]],
                         [("LAT_MMIO_RD", size) for size in (1, 2, 4, 8)])
        for latency in record["latency"]:
            self.assertEqual(latency["samples"], 1000)
            self.assertLess(latency["wire_ns"], latency["min_ns"])
            self.assertLessEqual(latency["median_ns"], latency["max_ns"])
        # Eight bytes are one double word more on the wire, and to read in the endpoint.
        self.assertEqual(record["latency"][0]["wire_ns"], record["latency"][2]["wire_ns"])
        self.assertGreater(record["latency"][3]["wire_ns"], record["latency"][2]["wire_ns"])
        self.assertGreater(record["latency"][3]["median_ns"], record["latency"][2]["median_ns"])

    def test_latency_and_outstanding_bytes_limit_single_transfers(self):
        # One descriptor in the ring: no more than one transfer per read latency.
        point = self.record("--tests", "BW_RD", "--sizes", "512", "--depth", "1")["bandwidth"][0]
        self.assertLess(point["measured_gbps"], 512 * 8 / 600)
        self.assertGreater(point["measured_gbps"], 512 * 8 / 3000)

    def test_a_smaller_payload_costs_what_the_theory_says(self):
        small = self.record("--tests", "BW_WR", "--sizes", "65536", "--max-payload", "128")["bandwidth"][0]
        large = self.record("--tests", "BW_WR", "--sizes", "65536", "--max-payload", "512")["bandwidth"][0]
        self.assertLess(small["measured_gbps"], large["measured_gbps"])
        self.assertGreaterEqual(min(small["ratio"], large["ratio"]), 0.99)

    def test_the_same_options_give_the_same_figures(self):
        arguments = ("--sizes", "256,1500", "--disturb", "all", "--read-latency-max", "2us", "--seed", "5")
        one, other = self.record(*arguments), self.record(*arguments)
        one.pop("wall_s"), other.pop("wall_s")
        self.assertEqual(one, other)

    def test_what_is_impossible_is_refused(self):
        for arguments, word in ((("--sizes", "0"), "--sizes"), (("--sizes", "16777216"), "--sizes"),
                                (("--depth", "0"), "--depth"), (("--depth", "129"), "--depth"),
                                (("--tests", "BW_XX"), "BW_XX"), (("--duration", "5"), "--duration"),
                                (("--duration", "1s"), "--duration"), (("--samples", "0"), "--samples"),
                                (("--max-payload", "100"), "--max-payload"), (("--disturb", "x"), "--disturb"),
                                (("--json", "missing/record.json"), "missing/record.json")):
            with self.subTest(arguments):
                result = self.measure(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
                self.assertIn(word, result.stderr)


if __name__ == "__main__":
    unittest.main()
