# SPDX-License-Identifier: MIT
"""A plan of what goes wrong, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from holdover import _holdover
from holdover.names import faults

__all__ = ["FaultPlan"]


class FaultPlan(Sequence[str]):
    """Faults by name (holdover.faults()), for run(fault=...) and Machine(fault=...).

    Raises InvalidArgument for a name that does not exist, and for faults that cannot go together.
    """

    def __init__(self, *names: str) -> None:
        _holdover.check_faults(list(names))
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._names[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FaultPlan) and self._names == other._names

    def __hash__(self) -> int:
        return hash(self._names)

    def __add__(self, other: FaultPlan) -> FaultPlan:
        return FaultPlan(*self._names, *other._names)

    def __repr__(self) -> str:
        return f"FaultPlan({', '.join(map(repr, self._names))})"

    def __str__(self) -> str:
        sentences = faults()
        return "\n".join(f"{name}: {sentences[name]}" for name in self._names)
