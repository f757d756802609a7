# SPDX-License-Identifier: MIT
"""`holdover devices` on this machine, on a simulated one, and where there is nothing to list."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from mounted import Mounted, missing

Mounted.holdover = sys.argv.pop(1)
WHY_NOT = missing()


def devices(*arguments):
    return subprocess.run([Mounted.holdover, "devices", *arguments], capture_output=True, text=True, check=False)


class Devices(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def record(self, *arguments):
        path = os.path.join(self.folder.name, "devices.json")
        result = devices("--json", path, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(path, encoding="utf-8") as file:
            return result.stdout, json.load(file)["functions"]

    def test_this_machine_gives_a_table_or_one_sentence(self):
        result = devices()
        if os.path.isdir("/sys/bus/pci/devices"):
            self.assertEqual(result.returncode, 0, result.stderr)
            count = len(os.listdir("/sys/bus/pci/devices"))
            self.assertIn(f"of {count} functions can be used", result.stdout)
        else:
            self.assertEqual((result.returncode, len(result.stderr.splitlines())), (2, 1), result.stderr)

    def test_a_path_without_a_tree_is_one_sentence(self):
        result = devices("--sysfs", self.folder.name)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn(self.folder.name + "/bus/pci/devices", result.stderr)

    def test_an_empty_tree_is_an_empty_table(self):
        os.makedirs(self.folder.name + "/bus/pci/devices")
        for path in (self.folder.name, self.folder.name + "/bus/pci"):
            text, functions = self.record("--sysfs", path)
            self.assertEqual(text, "there is no PCI function\n0 of 0 functions can be used\n")
            self.assertEqual(functions, [])

    def test_a_tree_that_libpci_does_not_understand_is_one_sentence(self):
        os.makedirs(self.folder.name + "/bus/pci/devices/strange")
        result = devices("--sysfs", self.folder.name)
        self.assertEqual(result.returncode, 2)
        self.assertIn("libpci gives up", result.stderr)

    def test_a_record_that_cannot_be_written_is_refused_first(self):
        result = devices("--json", "/nowhere/devices.json")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("--json", result.stderr)

    @unittest.skipIf(WHY_NOT, WHY_NOT)
    def test_endpoints_of_a_simulated_machine_can_be_used_and_its_ports_not(self):
        with Mounted("--topology", "wide", "--traffic", "none") as machine:
            text, functions = self.record("--sysfs", machine.path)
            self.assertEqual(len(functions), 14)
            self.assertIn("3 of 14 functions can be used", text)
            for function in functions:
                endpoint = function["device_id"] == 0x0d17
                self.assertEqual((function["usable"], function["holdover_endpoint"]), (endpoint, endpoint))
                self.assertEqual(function["driver"], "vfio-pci" if endpoint else "pcieport")
                self.assertEqual(function["iommu_group"] is not None, endpoint)
                if not endpoint:
                    self.assertEqual(function["obstacles"], [{"what": "it is a bridge", "remedy": None}])
            endpoint = functions[4]
            self.assertEqual([each["name"] for each in endpoint["capabilities"]],
                             ["PM", "MSI-X", "Express", "Vendor", "AER", "ARI", "DSN"])
            self.assertEqual((endpoint["link_speed"], endpoint["link_width"]), ("8.0 GT/s PCIe", "8"))

    @unittest.skipIf(WHY_NOT, WHY_NOT)
    def test_a_driver_that_was_unbound_is_an_obstacle_whose_remedy_is_a_command(self):
        with Mounted("--traffic", "none") as machine:
            with open(machine.path + "/bus/pci/drivers/vfio-pci/unbind", "w", encoding="ascii") as file:
                file.write("0000:01:00.0")
            _, functions = self.record("--sysfs", machine.path)
            self.assertEqual([each["what"] for each in functions[1]["obstacles"]], ["no driver has it"])
            subprocess.run(["sh", "-c", functions[1]["obstacles"][0]["remedy"]], check=True)
            _, functions = self.record("--sysfs", machine.path)
            self.assertTrue(functions[1]["usable"], functions[1])


if __name__ == "__main__":
    unittest.main()
