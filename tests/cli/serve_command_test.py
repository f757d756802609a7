#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""holdover serve from outside: its socket, its signals, its trace, its first and last clients.

serve_command_test.py HOLDOVER SUITE
"""
import json
import os
import pathlib
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile

HOLDOVER = sys.argv[1]
PATIENCE = 60


def require(holds, what):
    if not holds:
        sys.exit(f"serve_command_test.py: {what}")


class Server:
    def __init__(self, path, *options):
        self.path = path
        self.process = subprocess.Popen([HOLDOVER, "serve", "--socket", str(path), *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        require(line == f"ready: {path}\n", f"it says when it is ready, not «{line}»")

    def end(self, number=signal.SIGTERM):
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


class Client:
    def __init__(self, path, version=(0, 1)):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.number = 0
        body = struct.pack("<HH", *version) + json.dumps({"capabilities": {"max_msg_fds": 4}}).encode() + b"\0"
        self.version = self.request(1, body)

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def request(self, command, body):
        self.number += 1
        self.socket.sendall(struct.pack("<HHIII", self.number, command, 16 + len(body), 0, 0) + body)
        number, answered, size, flags, error = struct.unpack("<HHIII", self.read(16))
        body = self.read(size - 16)
        require((number, answered) == (self.number, command), "a reply names its request")
        require(flags & 1 == 1, "it is a reply")
        return error if flags & 0x20 else body

    def config(self, offset, count):
        return self.request(9, struct.pack("<QII", offset, 7, count))[16:]


def refused(path, *options):
    result = subprocess.run([HOLDOVER, "serve", "--socket", str(path), *options], capture_output=True, text=True,
                            timeout=PATIENCE)
    require(result.returncode == 2, f"exit code 2, not {result.returncode}")
    require(result.stderr.startswith("holdover: ") and result.stderr.count("\n") == 1, f"one line: {result.stderr}")
    require(result.stdout == "", "and nothing for a script that waits for it to be ready")
    return result.stderr


def the_socket(folder):
    path = folder / "s.sock"
    server = Server(path)
    mode = os.lstat(path).st_mode
    require(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, "a socket for its owner alone")
    require("in use" in refused(path), "a live socket is refused")
    require(Client(path).config(0, 4) == bytes.fromhex("7211170d"), "and its server unharmed")
    server.process.kill()
    server.process.communicate()
    require(path.exists(), "a server that was killed leaves its socket behind")
    require(Server(path).end()[0] == 0, "which the next one replaces")
    require(not path.exists(), "and removes")
    path.write_text("precious")
    require("no socket" in refused(path), "a file of another kind is refused")
    require(path.read_text() == "precious", "and kept")
    require("folder" in refused(folder / "none" / "s.sock"), "the folder must be there")
    require("--function" in refused(folder / "t.sock", "--function", "7"), "so must the endpoint")
    require("topology" in refused(folder / "t.sock", "--topology", "ring"), "and the topology")


def signals(folder):
    for number in (signal.SIGTERM, signal.SIGINT):
        server = Server(folder / "s.sock", "--trace", str(folder / "t.tlp"))
        client = Client(folder / "s.sock")
        client.config(0, 64)
        code, out, _ = server.end(number)
        require(code == 0, f"asked to end it ends with 0, not {code}")
        require("has connected" in out and "has left" in out, f"it says who came and went: {out}")
        require(not (folder / "s.sock").exists(), "the socket is gone")
        result = subprocess.run([HOLDOVER, "trace", str(folder / "t.tlp")], capture_output=True, text=True)
        require(result.returncode == 0 and "CfgRd0" in result.stdout, "the trace is whole, with the accesses in it")
        (folder / "t.tlp").unlink()


def clients(folder):
    path = folder / "s.sock"
    server = Server(path, "--once")
    first = Client(path)
    late = socket.socket(socket.AF_UNIX)
    late.settimeout(PATIENCE)
    late.connect(str(path))
    require(late.recv(1) == b"", "a second client is refused")
    require(first.config(0, 2) == b"\x72\x11", "and the first is served on")
    first.socket.close()
    code, _, _ = server.end(None)
    require(code == 0, "--once ends with the first client")
    server = Server(path, "--once")
    probe = socket.socket(socket.AF_UNIX)
    probe.connect(str(path))
    probe.close()
    require(Client(path, (0, 0)).version[:4] == bytes(4), "whoever looks whether somebody is there is no client")
    require(server.end(None)[0] == 0, "--once ends then")
    server = Server(path)
    require(Client(path).config(0, 2) == b"\x72\x11", "without it there is a next one")
    require(Client(path).config(0, 2) == b"\x72\x11", "and another")
    server.end()
    # Nobody reads what it says any more.
    server = Server(path)
    server.process.stdout.close()
    require(Client(path).config(0, 2) == b"\x72\x11", "a reader that has gone is no reason to end")
    require(Client(path).config(0, 2) == b"\x72\x11", "also after it was told so")
    server.process.send_signal(signal.SIGTERM)
    require(server.process.wait(timeout=PATIENCE) == 0, "it ends as asked")


def main():
    with tempfile.TemporaryDirectory(prefix="holdover-serve-") as folder:
        {"Socket": the_socket, "Signals": signals, "Clients": clients}[sys.argv[2]](pathlib.Path(folder))


main()
