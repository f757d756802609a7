#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The TLPs of a run as NumPy columns: what moved, and how long the endpoint's reads took."""

import pathlib
import tempfile

import numpy as np

import holdover
from holdover import Record, TlpKind

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "run.tlp"
    holdover.run(trace=path, blackout="100us", before="50us", after="50us")

    with holdover.Trace(path, filter="kind=MRd|MWr|CplD") as trace:
        rows = trace.to_numpy()  # a view of the table in C++

tx, rx = rows[rows["record"] == Record.TX], rows[rows["record"] == Record.RX]
writes = tx[tx["kind"] == TlpKind.MWr]
print(f"{len(rows)} TLPs; the endpoint wrote {writes['length'].sum()} bytes in {len(writes)} packets")

# A tag is in use by one read at a time: its next completion without a rest ends it.
sent: dict[int, int] = {}
latency: list[int] = []
for row in rows:
    if row["record"] == Record.TX and row["kind"] == TlpKind.MRd:
        sent[int(row["tag"])] = int(row["time_ps"])
    elif row["record"] == Record.RX and row["kind"] == TlpKind.CplD and row["byte_count"] <= row["length"]:
        latency.append(int(row["time_ps"]) - sent.pop(int(row["tag"]), int(row["time_ps"])))
print(f"{len(latency)} reads, median {np.median(latency) / holdover.ns:.0f} ns, longest {max(latency) / holdover.ns:.0f} ns")
