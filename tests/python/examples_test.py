# SPDX-License-Identifier: MIT
"""The examples, executed."""

import pathlib
import subprocess
import sys

import pytest


def execute(source, tmp_path, name, *arguments):
    done = subprocess.run([sys.executable, str(source / "examples/python" / name), *arguments], capture_output=True, text=True,
                          check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dma_copy(source, tmp_path):
    text = execute(source, tmp_path, "dma_copy.py")
    assert "to the card: OK" in text and text.endswith("equal\n")


def test_faulty_update(source, tmp_path):
    text = execute(source, tmp_path, "faulty_update.py")
    assert "FAIL (" in text and "cause: bus master enable cleared" in text and "again: holdover run" in text


def test_trace_to_numpy(source, tmp_path):
    text = execute(source, tmp_path, "trace_to_numpy.py")
    assert "reads, median" in text
    assert list(tmp_path.iterdir()) == []


def test_throughput_plot(source, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert "drawn: plot.png" in execute(source, tmp_path, "throughput_plot.py", "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_card_regression(source, tmp_path):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--holdover-seed=random",
                           f"--holdover-trace={tmp_path / 'traces'}", str(source / "examples/python/card_regression.py")],
                          capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert len(list((tmp_path / "traces").glob("*.tlp"))) == 12


def test_every_example_is_executed_here(source):
    text = pathlib.Path(__file__).read_text(encoding="utf-8")
    for example in (source / "examples/python").glob("*.py"):
        assert f'"{example.name}"' in text or f"/{example.name}" in text
