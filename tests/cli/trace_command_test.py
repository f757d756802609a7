# SPDX-License-Identifier: MIT
"""`holdover trace` over the trace of a short run; the exports are read by this file's own parsers."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

HOLDOVER = sys.argv.pop(1)
FOLDER = tempfile.TemporaryDirectory()
TRACE = os.path.join(FOLDER.name, "run.tlp")


def holdover(*arguments):
    return subprocess.run([HOLDOVER, *arguments], cwd=FOLDER.name, capture_output=True, text=True, check=False)


def setUpModule():
    result = holdover("run", "--isolation", "in-process", "--blackout", "20us", "--before", "20us", "--after", "20us",
                      "--topology", "switch", "--trace", TRACE)
    assert result.returncode == 0, result.stdout + result.stderr


def records():
    """Time, endpoint, direction, header words and payload of each record, by the documented format."""
    with open(TRACE, "rb") as file:
        data = file.read()
    assert data[:8] == b"HOLDTLP\0" and struct.unpack_from("<I", data, 8) == (3,)
    at, found = 32, []
    while True:
        time, endpoint, direction, _, size = struct.unpack_from("<QBBHI", data, at)
        if direction == 255:
            return found
        found.append((time, endpoint, direction, struct.unpack_from("<4I", data, at + 16),
                      data[at + 32:at + 32 + size]))
        at += 32 + size


class Trace(unittest.TestCase):
    def refused(self, *arguments, words):
        result = holdover("trace", *arguments)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        return result

    def test_prints_a_line_for_each_tlp(self):
        result = holdover("trace", TRACE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(result.stdout.splitlines()), len(records()))
        self.assertNotIn("no TLP", result.stdout)

    def test_json_lines_hold_the_records(self):
        lines = holdover("trace", TRACE, "--json", "--limit", "200").stdout.splitlines()
        self.assertEqual(len(lines), 200)
        for line, (time, endpoint, direction, header, payload) in zip(lines, records()):
            entry = json.loads(line)
            self.assertEqual((entry["time_ps"], entry["endpoint"], entry["header"]), (time, endpoint, list(header)))
            self.assertEqual(entry["direction"], ["rx", "tx"][direction])
            self.assertEqual(bytes.fromhex(entry["payload"]), payload)

    def test_filters_choose_by_what_the_headers_say(self):
        def kind(header):
            return header[0] >> 24

        everything = records()
        for terms, wanted in (("kind=MWr", lambda r: kind(r[3]) in (0x40, 0x60)),
                              ("kind=MRd|CplD direction=tx endpoint=1",
                               lambda r: kind(r[3]) in (0x00, 0x20, 0x4A) and r[1:3] == (1, 1)),
                              ("status!=SC", lambda r: kind(r[3]) in (0x0A, 0x4A) and r[3][1] >> 13 & 7 != 0),
                              ("time<30000000", lambda r: r[0] < 30_000_000)):
            found = holdover("trace", TRACE, "--filter", terms).stdout.splitlines()
            self.assertEqual(len(found), sum(map(wanted, everything)), terms)

    def test_a_window_of_time_is_the_same_as_everything_in_it(self):
        times = [record[0] for record in records()]
        middle = times[len(times) // 2] // 1_000_000 * 1_000_000
        found = holdover("trace", TRACE, "--json", "--from", f"{middle}ps", "--to", f"{middle + 500_000}ps").stdout
        expected = [time for time in times if middle <= time <= middle + 500_000]
        self.assertEqual([json.loads(line)["time_ps"] for line in found.splitlines()], expected)

    def test_pcapng_holds_every_tlp_as_on_the_wire(self):
        self.assertEqual(holdover("trace", TRACE, "--pcapng", "run.pcapng").returncode, 0)
        with open(os.path.join(FOLDER.name, "run.pcapng"), "rb") as file:
            data = file.read()
        at, interfaces, packets = 0, [], []
        while at < len(data):
            kind, size = struct.unpack_from("<II", data, at)
            body = data[at + 8:at + size - 4]
            self.assertEqual(struct.unpack_from("<I", data, at + size - 4), (size,))
            self.assertEqual(size % 4, 0)
            if kind == 0x0A0D0D0A:
                self.assertEqual(struct.unpack_from("<IHH", body), (0x1A2B3C4D, 1, 0))
            elif kind == 1:
                self.assertEqual(struct.unpack_from("<H", body), (147,))
                code, length = struct.unpack_from("<HH", body, 8)
                self.assertEqual(code, 2)
                interfaces.append(body[12:12 + length].decode())
                code, length, resolution = struct.unpack_from("<HHB", body, 12 + (length + 3) // 4 * 4)
                self.assertEqual((code, length, resolution), (9, 1, 12))
            else:
                self.assertEqual(kind, 6)
                interface, high, low, captured, original = struct.unpack_from("<5I", body)
                self.assertEqual(captured, original)
                code, length, flags = struct.unpack_from("<HHI", body, 20 + (captured + 3) // 4 * 4)
                self.assertEqual((code, length), (2, 4))
                packets.append((high << 32 | low, interfaces[interface], flags, body[20:20 + captured]))
            at += size
        everything = records()
        self.assertEqual(len(packets), len(everything))
        for packet, (time, endpoint, direction, header, payload) in zip(packets, everything):
            words = 4 if header[0] >> 29 & 1 else 3
            wire = struct.pack(f">{words}I", *header[:words]) + payload
            self.assertEqual(packet, (time, f"endpoint {endpoint}", [1, 2][direction], wire))

    def test_perfetto_spans_begin_and_end(self):
        self.assertEqual(holdover("trace", TRACE, "--perfetto", "run.json").returncode, 0)
        with open(os.path.join(FOLDER.name, "run.json"), encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        begun = {event["id"]: event["ts"] for event in events if event["ph"] == "b"}
        ended = {event["id"]: event["ts"] for event in events if event["ph"] == "e"}
        self.assertGreater(len(ended), 100)
        self.assertLessEqual(set(ended), set(begun))
        self.assertTrue(all(ended[key] > begun[key] for key in ended))
        non_posted = sum(1 for record in records() if record[3][0] >> 24 in (0x00, 0x20, 0x04, 0x44))
        self.assertEqual(len(begun), non_posted)
        self.assertEqual({event["pid"] for event in events}, {0, 1})

    def test_a_file_that_is_cut_off_is_read_up_to_the_break(self):
        with open(TRACE, "rb") as file:
            data = file.read()
        with open(os.path.join(FOLDER.name, "cut"), "wb") as file:
            file.write(data[:50_001])
        result = self.refused("cut", words=["cut", "ends inside"])
        self.assertGreater(len(result.stdout.splitlines()), 100)
        result = self.refused("cut", "--pcapng", "cut.pcapng", words=["ends inside"])
        self.assertTrue(os.path.exists(os.path.join(FOLDER.name, "cut.pcapng")))
        with open(os.path.join(FOLDER.name, "later"), "wb") as file:
            file.write(data[:8] + b"\x63" + data[9:])
        self.refused("later", words=["version 99"])

    def test_the_trace_that_is_read_is_never_written(self):
        with open(TRACE, "rb") as file:
            data = file.read()
        link = os.path.join(FOLDER.name, "link")
        os.symlink(TRACE, link)
        for source, target in ((TRACE, TRACE), (TRACE, "link"), (link, TRACE), (TRACE, "./run.tlp")):
            for option in ("--pcapng", "--perfetto"):
                self.refused(source, option, target, words=[option, "is the trace that is read"])
        os.remove(link)
        with open(TRACE, "rb") as file:
            self.assertEqual(file.read(), data)

    def test_bad_arguments_get_one_sentence(self):
        before = sorted(os.listdir(FOLDER.name))
        self.refused(words=["trace", "file", "--help"])
        self.refused("missing", words=["missing"])
        self.refused(TRACE, "--filter", "kind", words=["--filter", "FIELD OPERATOR VALUE"])
        self.refused(TRACE, "--filter", "colour=red", words=["colour", "address"])
        self.refused(TRACE, "--filter", "kind=Foo", words=["Foo", "kind"])
        self.refused(TRACE, "--filter", "kind<MWr", words=["no order"])
        self.refused(TRACE, "--from", "soon", words=["--from", "soon", "250us"])
        self.refused(TRACE, "--limit", "many", words=["limit"])
        self.refused(TRACE, "--pcapng", "no/such/folder", words=["--pcapng", "no/such/folder"])
        self.refused(TRACE, "--limit", "0", words=["--limit"])
        self.refused(TRACE, "--from", "2us", "--to", "1us", words=["--to", "2us"])
        self.refused(TRACE, "--filter", "address=5..3", words=["5..3", "before"])
        self.refused(TRACE, "--perfetto", "same", "--pcapng", "./same", words=["--perfetto", "--pcapng", "its own file"])
        self.refused(TRACE, "--sead", words=["--sead", "--filter"])
        self.assertEqual(sorted(os.listdir(FOLDER.name)), before)


if __name__ == "__main__":
    unittest.main()
