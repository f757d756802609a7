# SPDX-License-Identifier: MIT
"""Traces in Python: what the iterator says, what the arrays say, and what `holdover trace` says are the same."""

import gc
import json
import subprocess

import numpy as np
import pytest

import holdover
from holdover import TlpKind, _holdover


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "run.tlp"
    holdover.run(before="20us", after="20us", blackout="100us", seed=4, trace=path, trace_detail="memory")
    return path


def test_the_iterator_says_what_the_command_line_says(path, program):
    lines = subprocess.run([program, "trace", str(path), "--json", "--limit", "2000"], capture_output=True, text=True, check=True)
    theirs = [json.loads(line) for line in lines.stdout.splitlines()]
    with holdover.Trace(path) as trace:
        for tlp, other in zip(trace, theirs):
            assert tlp.time_ps == other["time_ps"] and tlp.endpoint == other["endpoint"]
            assert other["tlp"].startswith(tlp.kind) and tlp.payload.hex() == other["payload"]
            assert tlp.direction == other["direction"] and list(tlp.header) == other["header"]
    assert len(theirs) == 2000


def test_arrays_say_what_the_iterator_says(path):
    trace = holdover.Trace(path, memory=True, begin="300us", end="420us")
    rows, payloads = trace.to_numpy(), trace.payloads()
    tlps = list(trace)
    assert len(rows) == len(tlps) > 1000
    assert rows["time_ps"].min() >= 300 * holdover.us and rows["time_ps"].max() < 420 * holdover.us
    for row, tlp in zip(rows, tlps):
        assert row["time_ps"] == tlp.time_ps and tuple(row["header"]) == tlp.header
        assert payloads[row["payload_offset"] : row["payload_offset"] + row["payload_bytes"]].tobytes() == tlp.payload
        if tlp.record != "tlp":
            continue
        assert TlpKind(row["kind"]).name == tlp.kind and row["tag"] == tlp.tag and row["length"] == tlp.length
        for column in ("address", "register_offset", "byte_count", "first_be", "last_be", "lower_address"):
            if getattr(tlp, column) is not None:
                assert row[column] == getattr(tlp, column)
        bus = int(tlp.requester[5:7], 16) << 8
        assert row["requester"] & 0xFF00 == bus
        if tlp.status is not None:
            assert holdover.CompletionStatus(row["status"]).name == tlp.status
    assert {tlp.record for tlp in tlps} >= {"tlp", "effect", "store"}


def test_fields_that_a_tlp_does_not_have_are_none(path):
    with holdover.Trace(path) as trace:
        first = {}
        for tlp in trace:
            first.setdefault(tlp.kind, tlp)
    assert first["CfgRd0"].address is None and first["CfgRd0"].register_offset == 0 and first["CfgRd0"].target
    assert first["CplD"].status == "SC" and first["CplD"].first_be is None and first["CplD"].completer
    assert first["MWr"].address is not None and first["MWr"].completer is None and len(first["MWr"].payload) % 4 == 0
    assert "MWr" in str(first["MWr"]) and repr(first["MWr"]).startswith("<Tlp ")


def test_arrays_are_views_of_one_table_that_they_keep_alive(path):
    trace = holdover.Trace(path)
    first, second = trace.to_numpy(), trace.to_numpy()
    assert np.shares_memory(first, second) and np.shares_memory(first["address"], first)
    assert first.itemsize == 72 and not first.flags.owndata
    expected = first.copy()
    with pytest.raises(ValueError):
        first["address"][0] = 1
    trace.close()
    del trace, second
    gc.collect()
    assert (first == expected).all()


def test_filters_are_those_of_the_command_line(path):
    filtered = list(holdover.Trace(path, filter="kind=MWr direction=tx length>=64"))
    rows = holdover.Trace(path).to_numpy()
    count = ((rows["kind"] == TlpKind.MWr) & (rows["record"] == holdover.Record.TX) & (rows["length"] >= 64)).sum()
    assert len(filtered) == count > 0
    assert len(holdover.Trace(path, filter="kind=MWr direction=tx length>=64").to_numpy()) == count


def test_the_header_of_the_file_is_there(path):
    with holdover.Trace(path) as trace:
        assert trace.seed == 4 and trace.configuration_hash != 0


def test_after_close_every_use_is_an_error(path):
    with holdover.Trace(path) as trace:
        started = iter(trace)
        next(started)
    for use in (lambda: iter(trace), trace.to_numpy, trace.payloads, lambda: trace.seed, trace.__enter__, lambda: next(started)):
        with pytest.raises(holdover.Closed, match="run.tlp is closed"):
            use()
    trace.close()


def test_what_is_no_trace_is_refused(path, tmp_path):
    with pytest.raises(holdover.Unavailable, match="missing.tlp"):
        holdover.Trace(str(tmp_path / "missing.tlp"))
    other = tmp_path / "other.tlp"
    other.write_bytes(b"x" * 100)
    with pytest.raises(holdover.Corrupt):
        holdover.Trace(str(other))
    with pytest.raises(holdover.InvalidArgument, match="kind"):
        holdover.Trace(path, filter="kind=Mwr")
    with pytest.raises(holdover.InvalidArgument, match="begin"):
        holdover.Trace(path, begin="early")


def test_a_trace_that_is_cut_off_is_read_up_to_the_break(path, tmp_path):
    whole = path.read_bytes()
    cut = tmp_path / "cut.tlp"
    cut.write_bytes(whole[: 32 + 32 + 7])
    read = []
    with pytest.raises(holdover.Corrupt):
        for tlp in holdover.Trace(cut):
            read.append(tlp)
    assert len(read) == 1
    with pytest.raises(holdover.Corrupt):
        holdover.Trace(cut).to_numpy()


def test_kinds_have_the_numbers_of_the_program():
    assert [kind.name for kind in TlpKind if kind is not TlpKind.NONE] == _holdover.tlp_kinds()
    assert [int(kind) for kind in TlpKind if kind is not TlpKind.NONE] == list(range(len(_holdover.tlp_kinds())))
