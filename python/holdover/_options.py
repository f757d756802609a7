# SPDX-License-Identifier: MIT
"""Options as Python has them, turned into the texts that the command line has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Union

from holdover import _holdover
from holdover.errors import InvalidArgument

__all__ = ["Names", "Path", "SimulatedTime", "settings"]

# «250us», or picoseconds.
SimulatedTime = Union[str, int]
Path = Union[str, "os.PathLike[str]"]
# One name, or several.
Names = Union[str, Iterable[str]]

_REPEATS = {name for name, _, _, repeats in _holdover.run_options() if repeats}
_TIMES = {name for name, value, _, _ in _holdover.run_options() if value == "TIME"}
_PATHS = {name for name, value, _, _ in _holdover.run_options() if value.startswith("FILE")} | {"config"}


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike) and name in _PATHS:
        return os.fsdecode(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}ps" if name in _TIMES else str(value)
    raise InvalidArgument(f"{name}: {value!r} is not possible; it takes a text or a whole number")


def settings(options: dict[str, object]) -> list[tuple[str, str]]:
    """Names and texts of every option that is not None; what may repeat, and lists of names, take iterables."""
    result: list[tuple[str, str]] = []
    for key, value in options.items():
        name = key.rstrip("_").replace("_", "-")
        if value is None:
            continue
        if isinstance(value, (str, os.PathLike)) or not isinstance(value, Iterable):
            result.append((name, _text(name, value)))
        elif name in _REPEATS:
            result += [(name, _text(name, item)) for item in value]
        else:
            result.append((name, ",".join(_text(name, item) for item in value)))
    return result
