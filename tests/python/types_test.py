# SPDX-License-Identifier: MIT
"""The package and the examples as a type checker sees them."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")


@pytest.fixture(scope="module")
def check(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mypy")
    environment = dict(os.environ, MYPYPATH=str(source / "python"))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder)]
    return lambda *files: subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False,
                                         env=environment, cwd=folder)


def test_the_package_is_typed(check, source):
    done = check(*sorted((source / "python/holdover").glob("*.py")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_are_typed(check, source):
    done = check(*sorted((source / "examples/python").glob("*.py")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_type_is_found(check, tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import holdover\nwith holdover.Machine(seed='three') as machine:\n    machine.open().read(0)\n")
    done = check(wrong)
    assert done.returncode == 1 and '"seed"' in done.stdout and '"read"' in done.stdout
