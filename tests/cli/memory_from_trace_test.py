# SPDX-License-Identifier: MIT
"""The trace alone proves the memory: runs on one topology, in both isolations, and traces that lie."""

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import memory_from_trace

HOLDOVER = sys.argv.pop(1)
TOPOLOGY = sys.argv.pop(1)
FOLDER = tempfile.TemporaryDirectory()
ISOLATIONS = ("in-process", "process")


def place(isolation, ending):
    return os.path.join(FOLDER.name, isolation + ending)


def contents(isolation, ending):
    with open(place(isolation, ending), "rb") as file:
        return file.read()


def records_of(isolation):
    with open(place(isolation, ".jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@functools.lru_cache(None)
def run(isolation):
    result = subprocess.run(
        [HOLDOVER, "run", "--isolation", isolation, "--topology", TOPOLOGY, "--seed", "5", "--blackout", "20us",
         "--before", "10us", "--after", "10us", "--trace", place(isolation, ".tlp"), "--trace-detail", "memory",
         "--dram", place(isolation, ".dram")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    with open(place(isolation, ".jsonl"), "wb") as out:
        subprocess.run([HOLDOVER, "trace", place(isolation, ".tlp"), "--json", "--memory"], stdout=out, check=True)


class Truth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for isolation in ISOLATIONS:
            run(isolation)

    def test_the_trace_makes_the_memory_that_was_dumped(self):
        for isolation in ISOLATIONS:
            result = subprocess.run([sys.executable, memory_from_trace.__file__, place(isolation, ".jsonl"),
                                     place(isolation, ".dram")], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("every byte of DRAM is what the trace says", result.stdout)
            for what, least in (("written by devices", 100_000), ("read by devices", 50_000),
                                ("stored by processors", 10_000)):
                self.assertGreater(int(re.search(rf"(\d+) bytes {what}", result.stdout)[1]), least, what)

    def test_both_isolations_leave_the_same_trace_and_the_same_memory(self):
        self.assertTrue(contents("process", ".tlp") == contents("in-process", ".tlp"))
        self.assertTrue(contents("process", ".dram") == contents("in-process", ".dram"))
        self.assertEqual(len(contents("process", ".dram")), 64 << 20)


class Lies(unittest.TestCase):
    """Each changes one thing, and is found with an address."""

    @classmethod
    def setUpClass(cls):
        run("in-process")
        cls.truth = records_of("in-process")
        cls.true_dump = contents("in-process", ".dram")
        cls.last, cls.last_address = cls.last_write()

    def setUp(self):
        self.records = list(self.truth)
        self.dump = bytearray(self.true_dump)

    @classmethod
    def last_write(cls):
        """Number of the record that put bytes into memory that no device changed afterwards, and where they are."""
        memory = memory_from_trace.Memory(len(cls.true_dump))
        sent, writer = {}, {}
        for number, record in enumerate(cls.truth):
            header = tuple(record.get("header", ()))
            if record.get("direction") == "tx":
                sent[record["endpoint"], header] = number
            if record.get("memory") == "effect":
                request = memory_from_trace.Request(header)
                if request.write:
                    writer[memory.iommu.translate(request)] = sent[record["endpoint"], header]
            memory.take(record)
        physical, number = max(writer.items(), key=lambda item: item[1])
        return number, physical

    def found(self, expected="physical 0x[0-9a-f]+"):
        with self.assertRaises(memory_from_trace.Contradiction) as raised:
            memory_from_trace.prove(self.records, self.dump)
        self.assertRegex(str(raised.exception), expected if isinstance(expected, str) else f"physical {expected:#x} ")

    def change(self, number, byte):
        """Another payload for a record."""
        payload = bytearray.fromhex(self.records[number]["payload"])
        payload[byte] ^= 0x10
        self.records[number] = {**self.records[number], "payload": payload.hex()}

    def writes(self):
        """Numbers and requests of writes to memory that left an endpoint, from the middle of the run on."""
        found = []
        for number, record in enumerate(self.records):
            if record.get("direction") != "tx" or not memory_from_trace.is_memory_request(record["header"]):
                continue
            request = memory_from_trace.Request(record["header"], bytes.fromhex(record["payload"]))
            if request.write and not request.is_message():
                found.append((number, request))
        return found[len(found) // 2:]

    def test_a_tlp_that_is_missing(self):
        del self.records[self.writes()[0][0]]
        self.found()

    def test_the_last_tlp_that_is_missing(self):
        del self.records[self.last]
        self.found(self.last_address)

    def test_a_tlp_that_came_twice(self):
        self.records.insert(self.last, self.records[self.last])
        self.found("never reached memory")

    def test_two_tlps_in_the_wrong_order(self):
        writes = self.writes()
        first, second = next((a, b) for (a, one), (b, other) in zip(writes, writes[1:])
                             if self.records[a]["endpoint"] == self.records[b]["endpoint"]
                             and one.address != other.address)
        self.records[first], self.records[second] = self.records[second], self.records[first]
        self.found()

    def test_a_tlp_that_brings_something_else(self):
        self.change(self.last, 0)
        self.found(self.last_address)

    def test_a_byte_that_changed_in_the_dump(self):
        for address in (self.last_address, len(self.dump) - 1):
            self.dump[address] ^= 1
            self.found(address)
            self.dump[address] ^= 1

    def test_a_store_of_a_page_table_that_is_missing(self):
        request = memory_from_trace.Request(self.records[self.last]["header"])
        memory = memory_from_trace.Memory(len(self.dump))
        for record in self.records[:self.last]:
            memory.take(record)
        _, table = memory.iommu.walk_context(request.requester)
        for level in (39, 30, 21):
            table = memory.iommu.word(table + (request.address >> level & 0x1FF) * 8) & ~0xFFF
        entry = table + (request.address >> 12 & 0x1FF) * 8
        for number, record in enumerate(self.records):
            if record.get("memory") == "store" and 0 <= entry - record["address"] < len(record["payload"]) // 2:
                del self.records[number]
                break
        self.found("at 0x[0-9a-f]+ by .* took effect, and no mapping permits it")

    def test_an_answer_to_a_read_that_memory_did_not_hold(self):
        number = [n for n, record in enumerate(self.records)
                  if record.get("direction") == "rx" and record["header"][0] >> 24 == 0x4A][-1]
        self.change(number, self.records[number]["header"][2] & 3)
        self.found()

    def test_a_file_that_is_no_export_is_refused(self):
        result = subprocess.run([sys.executable, memory_from_trace.__file__, place("in-process", ".dram"),
                                 place("in-process", ".dram")], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("not readable", result.stderr)


if __name__ == "__main__":
    unittest.main()
