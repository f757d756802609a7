# SPDX-License-Identifier: MIT
"""The plugin itself comes by its entry point, as it does where holdover is installed."""

import os
import pathlib

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def program() -> str:
    """The command line program of the same build."""
    return os.environ["HOLDOVER"]


@pytest.fixture(scope="session")
def source() -> pathlib.Path:
    """The root of the source tree."""
    return pathlib.Path(__file__).resolve().parents[2]
