# SPDX-License-Identifier: MIT
"""Names that can be asked for, each with its sentence: what `holdover list` prints."""

from __future__ import annotations

from typing import NamedTuple

from holdover import _holdover

__all__ = ["Policy", "disturbances", "endpoints", "faults", "measure_tests", "policies", "profiles", "scenarios",
           "topologies"]


class Policy(NamedTuple):
    """One thing that a kernel decides, and the values it can be told: value to sentence."""

    sentence: str
    values: dict[str, str]


def scenarios() -> dict[str, str]:
    """What the host can do, for run(scenario=...)."""
    return dict(_holdover.scenarios())


def profiles() -> dict[str, str]:
    """Kernels, for profile=, from_=, to= and chain=."""
    return dict(_holdover.profiles())


def policies() -> dict[str, Policy]:
    """What a kernel decides, for policy="name=value"."""
    return {name: Policy(sentence, dict(values)) for name, sentence, values in _holdover.policies()}


def topologies() -> dict[str, str]:
    """What stands between root complex and endpoints, for topology=."""
    return dict(_holdover.topologies())


def endpoints() -> dict[str, str]:
    """Devices that the straps make of the endpoints, for endpoint=."""
    return dict(_holdover.endpoints())


def disturbances() -> dict[str, str]:
    """Legal unkindness of the machine, for disturb=."""
    return dict(_holdover.disturbances())


def faults() -> dict[str, str]:
    """What can be made to go wrong, for fault= and FaultPlan."""
    return dict(_holdover.faults())


def measure_tests() -> dict[str, str]:
    """What can be measured, for measure(tests=...)."""
    return dict(_holdover.measure_tests())
