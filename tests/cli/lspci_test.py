# SPDX-License-Identifier: MIT
"""lspci and setpci, as Debian has them, on the mounted machine of each topology.

lspci_test.py HOLDOVER DATA SUITE...     compares with DATA/TOPOLOGY.txt
lspci_test.py HOLDOVER DATA --renew      writes these files anew
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

from mounted import Mounted, missing

Mounted.holdover = sys.argv.pop(1)
DATA = sys.argv.pop(1)
WHY_NOT = missing("lspci", "setpci")
# Nothing that depends on how long the tools take: no traffic, and a kind root complex.
STILL = ("--traffic", "none", "--disturb", "none")
# The version of pciutils whose words the files have.
VERSION = "3.9"
ENDPOINTS = {"direct": ["01:00.0"], "switch": ["03:00.0", "04:00.0"], "wide": ["01:00.0", "05:00.0", "09:00.0"]}
PORTS = {"direct": ["00:01.0"], "switch": ["00:01.0", "01:00.0", "02:00.0", "02:01.0"],
         "wide": ["00:01.0", "00:02.0", "00:03.0", "00:05.0", "04:00.0"]}


def lspci(machine, *arguments):
    text = machine.pciutils("lspci", "-i", os.path.join(DATA, "pci.ids"), *arguments).stdout
    # What stands there depends on the modules of the machine that the test runs on.
    return "".join(line for line in text.splitlines(keepends=True) if "Kernel modules:" not in line)


def whole_text(topology):
    with Mounted("--topology", topology, *STILL) as machine:
        return "".join(f"$ lspci {arguments}\n{lspci(machine, *arguments.split())}\n"
                       for arguments in ("-tv", "-nn", "-D -PP", "-vvv"))


def functions(machine):
    return sorted(name[5:] for name in os.listdir(machine.path + "/bus/pci/devices"))


def hexdump(text):
    """Bytes of each function in the output of lspci -x…"""
    spaces = {}
    for block in text.strip().split("\n\n"):
        lines = block.splitlines()
        spaces[lines[0].split()[0]] = bytes.fromhex(
            "".join(re.fullmatch(r"[0-9a-f]+: ((?:[0-9a-f]{2} ?)+)", line)[1] for line in lines
                    if re.match(r"[0-9a-f]{2,3}: ", line)))
    return spaces


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Lspci:
    topology = ""

    def test_it_says_what_the_file_has(self):
        version = subprocess.run(["lspci", "--version"], capture_output=True, text=True, check=True).stdout
        if f"version {VERSION}." not in version:
            self.skipTest(f"the words are those of pciutils {VERSION}, and this is {version.strip()}")
        with open(os.path.join(DATA, self.topology + ".txt"), encoding="utf-8") as file:
            self.assertEqual(whole_text(self.topology), file.read(), "`make lspci` writes the file anew")

    def test_every_capability_is_decoded_also_under_traffic(self):
        for options in (STILL, ()):
            with Mounted("--topology", self.topology, *options) as machine:
                texts = {block[:7]: block for block in machine.pciutils("lspci", "-vvv").stdout.strip().split("\n\n")}
                self.assertEqual(sorted(texts), functions(machine))
            for function, text in texts.items():
                self.assertIn("Capabilities: [", text)
                self.assertNotRegex(text.lower(), "unknown|access denied|!!!")
                # What a vendor has put into a capability of his own, lspci cannot know.
                strange = [line for line in text.splitlines() if "<?>" in line]
                self.assertEqual([line for line in strange if "Vendor Specific Information" not in line], [])
                if options == () and function in ENDPOINTS[self.topology]:
                    self.assertRegex(text, "Control: .*Mem[+] BusMaster[+]")
                    self.assertIn("MSI-X: Enable+ Count=32 Masked-", text)
                    self.assertIn("Kernel driver in use: vfio-pci", text)
                    self.assertRegex(text, r"IOMMU group: \d+")

    def test_dumps_are_configuration_space(self):
        with Mounted("--topology", self.topology, *STILL) as machine:
            names = functions(machine)
            for option, size in (("-x", 64), ("-xxx", 256), ("-xxxx", 4096)):
                spaces = hexdump(machine.pciutils("lspci", option).stdout)
                self.assertEqual(sorted(spaces), names)
                for name, space in spaces.items():
                    with open(machine.device(name, "config"), "rb", buffering=0) as file:
                        self.assertEqual(space, file.read(4096)[:size], name)

    def test_selections_and_machine_readable_forms(self):
        with Mounted("--topology", self.topology, *STILL) as machine:
            endpoint = ENDPOINTS[self.topology][0]
            self.assertEqual(len(machine.pciutils("lspci", "-d", "1172:0d17").stdout.splitlines()),
                             len(ENDPOINTS[self.topology]))
            self.assertEqual(machine.pciutils("lspci", "-n", "-s", endpoint).stdout,
                             f"{endpoint} 1200: 1172:0d17 (rev 01)\n")
            self.assertEqual(machine.pciutils("lspci", "-D", "-n", "-s", endpoint).stdout[:12], "0000:" + endpoint)
            self.assertIn("Driver:\tvfio-pci", machine.pciutils("lspci", "-vmmk", "-s", endpoint).stdout)
            self.assertIn("IOMMUGroup:\t0", machine.pciutils("lspci", "-vmm", "-s", endpoint).stdout)
            self.assertEqual(len(machine.pciutils("lspci", "-m").stdout.splitlines()), len(functions(machine)))
            # From the bus alone, without what the kernel knows.
            self.assertIn("Memory at e0", machine.pciutils("lspci", "-b", "-v", "-s", endpoint).stdout)
            dump = machine.pciutils("lspci", "-xxx").stdout
            with tempfile.NamedTemporaryFile("w", suffix=".dump") as file:
                file.write(dump)
                file.flush()
                again = subprocess.run(["lspci", "-F", file.name, "-xxx"], capture_output=True, text=True, check=True)
            self.assertEqual(hexdump(again.stdout), hexdump(dump))


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Setpci:
    topology = ""

    def session(self, machine, function, *steps):
        """Each step is a register to read with what it reads then, or REGISTER=VALUE."""
        commands = [step if isinstance(step, str) else step[0] for step in steps]
        reads = [step for step in steps if not isinstance(step, str)]
        said = machine.pciutils("setpci", "-s", function, *commands).stdout.split()
        self.assertEqual(list(zip([register for register, _ in reads], said)), reads, function)
        self.assertEqual(len(said), len(reads))

    def test_endpoints_keep_what_can_be_written_and_nothing_else(self):
        with Mounted("--topology", self.topology, *STILL) as machine:
            for function in ENDPOINTS[self.topology]:
                with open(machine.device(function, "config"), "rb") as file:
                    bar = file.read()[0x10:0x14][::-1].hex()
                self.session(
                    machine, function, "INTERRUPT_LINE=0b", ("INTERRUPT_LINE", "0b"), "CACHE_LINE_SIZE=10",
                    ("CACHE_LINE_SIZE", "10"), "VENDOR_ID=ffff", ("VENDOR_ID", "1172"), "REVISION=55",
                    ("REVISION", "01"), "COMMAND=ffff", ("COMMAND", "0546"), "COMMAND=0000", ("COMMAND", "0000"),
                    "COMMAND=0006:0002", ("COMMAND", "0002"), "BASE_ADDRESS_0=ffffffff",
                    ("BASE_ADDRESS_0", "ffff0000"), f"BASE_ADDRESS_0={bar}", ("BASE_ADDRESS_0", bar),
                    "CAP_EXP+8.w=281f", ("CAP_EXP+8.w", "281f"), ("CAP_EXP+8.b", "1f"), "CAP_EXP+9.b=51",
                    ("CAP_EXP+8.w", "511f"), ("CAP_PM+4.w", "0008"), "CAP_MSIX+2.w=c000", ("CAP_MSIX+2.w", "c01f"),
                    "CAP_MSIX+2.w=0", ("CAP_MSIX+2.w", "001f"), "ECAP_AER+14.l=0", ("ECAP_AER+14.l", "00000000"),
                    ("ECAP_DSN.w", "0003"), "SUBSYSTEM_ID=1234", ("SUBSYSTEM_ID", "0001"), "COMMAND=0",
                    # Memory decode is off: a load is unsupported, and two status bits say so until 1 is written.
                    ("CAP_EXP+a.w", "0000"))
                with open(machine.device(function, "resource0"), "rb", buffering=0) as file:
                    self.assertEqual(file.read(4), b"\xff" * 4)
                self.session(machine, function, ("CAP_EXP+a.w", "0009"), "CAP_EXP+a.w=0001", ("CAP_EXP+a.w", "0008"),
                             "CAP_EXP+a.w=0008", ("CAP_EXP+a.w", "0000"))

    def test_ports_do_likewise(self):
        with Mounted("--topology", self.topology, *STILL) as machine:
            for function in PORTS[self.topology]:
                self.session(
                    machine, function, "INTERRUPT_LINE=0c", ("INTERRUPT_LINE", "0c"), "DEVICE_ID=0", "COMMAND=0:4",
                    "VENDOR_ID=0", ("VENDOR_ID", "1172"), "COMMAND=4:4", "BRIDGE_CONTROL=1:1", "BRIDGE_CONTROL=0:1",
                    ("HEADER_TYPE", "01"), "CLASS_DEVICE=ffff", ("CLASS_DEVICE", "0604"), "CAP_EXP+10.w=40:40")
                numbers = machine.pciutils("setpci", "-s", function, "PRIMARY_BUS", "SECONDARY_BUS",
                                           "SUBORDINATE_BUS").stdout.split()
                self.assertEqual(numbers[0], function[:2])
                self.assertEqual(machine.show(function, "secondary_bus_number"), f"{int(numbers[1], 16)}\n")
                self.assertEqual(machine.show(function, "subordinate_bus_number"), f"{int(numbers[2], 16)}\n")

    def test_writes_are_requests_with_the_byte_enables_of_their_size(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "run.tlp")
            function = ENDPOINTS[self.topology][-1]
            with Mounted("--topology", self.topology, "--trace", trace, *STILL) as machine:
                for register in ("3c.b=1", "3d.b=2", "3e.w=0304", "3f.b=5", "3c.w=0607", "3c.l=08090a0b", "78.w=2810"):
                    machine.pciutils("setpci", "-s", function, register)
            written = subprocess.run(
                [Mounted.holdover, "trace", trace, "--payload", "--filter", f"kind=CfgWr0|CfgWr1 target={function}"],
                capture_output=True, text=True, check=True).stdout
            requests = re.findall(r"CfgWr0 \S+ to (\S+) offset (\S+) be (\S+)", written)[-7:]
            self.assertEqual(requests, [(function, "0x03c", "1"), (function, "0x03c", "2"), (function, "0x03c", "c"),
                                        (function, "0x03c", "8"), (function, "0x03c", "3"), (function, "0x03c", "f"),
                                        (function, "0x078", "3")])

    def test_what_cannot_be_is_refused_and_harms_nothing(self):
        with Mounted("--topology", self.topology, *STILL) as machine:
            function = ENDPOINTS[self.topology][0]
            for bad in ("NO_SUCH_REGISTER", "CAP_AGP+4", "1000.l", "fff.l", "5.w", "COMMAND=x", "ECAP_SRIOV+0.l"):
                result = machine.pciutils("setpci", "-s", function, bad, check=False)
                self.assertNotEqual(result.returncode, 0, bad)
                self.assertIn("setpci:", result.stderr)
            nobody = machine.pciutils("setpci", "-s", "1f:1f.7", "COMMAND", check=False)
            self.assertEqual(nobody.stdout, "")
            self.session(machine, function, ("VENDOR_ID", "1172"), ("ffc.l", "00000000"), "ffc.l=ffffffff",
                         ("ffc.l", "00000000"))


for _topology in ENDPOINTS:
    for _body in (Lspci, Setpci):
        _name = _body.__name__ + _topology.capitalize()
        globals()[_name] = type(_name, (_body, unittest.TestCase), {"topology": _topology})


if __name__ == "__main__":
    if "--renew" in sys.argv:
        if WHY_NOT:
            sys.exit(f"nothing is written: {WHY_NOT}")
        for _topology in ENDPOINTS:
            with open(os.path.join(DATA, _topology + ".txt"), "w", encoding="utf-8") as _file:
                _file.write(whole_text(_topology))
    else:
        unittest.main()
