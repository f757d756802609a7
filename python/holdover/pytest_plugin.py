# SPDX-License-Identifier: MIT
"""Fixtures for pytest: a machine per test, closed at its end, and what a failure needs to be repeated.

    import pytest

    @pytest.mark.holdover(topology="switch", disturb="all")
    def test_copy(driver):
        buffer = driver.buffer(4096)
        assert driver.copy_to_card(buffer) == 0

The options of the marker are those of holdover.Machine; one on a test goes before one on its class or module, and before
--holdover-option. `allow_alarms=True` is for tests that provoke what otherwise fails the test at its end: a broken
protocol rule, a request that was refused, a fault of the IOMMU. A fixture parameter (indirect=True) is a dict of options
as well. pytest finds the plugin by itself where holdover is installed; elsewhere: pytest -p holdover.pytest_plugin.
"""

from __future__ import annotations

import pathlib
import random
import re
import shlex
from collections.abc import Generator, Iterator
from typing import Any

import pytest

import holdover

__all__ = ["device", "driver", "holdover_options", "holdover_seed", "machine"]

_MACHINES = pytest.StashKey["list[holdover.Machine]"]()
_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("holdover", "machines of Holdover")
    group.addoption("--holdover-seed", metavar="N", default="1",
                    help="seed of every machine whose marker has none: a whole number, or random (default 1)")
    group.addoption("--holdover-option", metavar="NAME=VALUE", action="append", default=[],
                    help="an option of every machine whose marker does not have it, for example disturb=none")
    group.addoption("--holdover-trace", metavar="DIR", help="every machine writes its TLP trace into this folder")
    group.addoption("--holdover-wave", metavar="DIR", help="every machine writes its waveform into this folder")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "holdover(**options): options of the test's machine, as holdover.Machine has them; "
                                       "allow_alarms=True: what goes wrong on it does not fail the test")
    seed = config.getoption("--holdover-seed")
    if seed != "random" and not re.fullmatch(r"[0-9]+", seed):
        raise pytest.UsageError(f"--holdover-seed: «{seed}» is not possible; it takes a whole number, or random")
    for text in config.getoption("--holdover-option"):
        if not re.fullmatch(r"[a-z_-]+=.*", text):
            raise pytest.UsageError(f"--holdover-option: «{text}» is not possible; it takes NAME=VALUE")


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("holdover"))):
        if marker.args:
            raise pytest.UsageError("the marker holdover takes options by name: holdover(topology='switch')")
        options.update(marker.kwargs)
    return options


def _file_of(folder: str, request: pytest.FixtureRequest, suffix: str) -> pathlib.Path:
    place = pathlib.Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    return place / (re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.nodeid).strip("-") + suffix)


@pytest.fixture
def holdover_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test's machine; a failure says it."""
    marked = _marked(request).get("seed")
    asked: str = request.config.getoption("--holdover-seed")
    if marked is not None:
        seed = int(marked)
    else:
        seed = random.SystemRandom().randrange(1 << 32) if asked == "random" else int(asked)
    request.node.stash[_SEED] = seed
    return seed


@pytest.fixture
def holdover_options(request: pytest.FixtureRequest, holdover_seed: int) -> dict[str, Any]:
    """What this test's machine is made with. A test may override the fixture."""
    options: dict[str, Any] = {}
    for text in request.config.getoption("--holdover-option"):
        name, _, value = text.partition("=")
        options[name.replace("-", "_")] = value
    options.update(_marked(request))
    options["seed"] = holdover_seed
    for option, name, suffix in (("--holdover-trace", "trace", ".tlp"), ("--holdover-wave", "wave", ".fst")):
        folder = request.config.getoption(option)
        if folder is not None:
            options.setdefault(name, _file_of(folder, request, suffix))
    return options


@pytest.fixture
def machine(request: pytest.FixtureRequest, holdover_options: dict[str, Any]) -> Iterator[holdover.Machine]:
    """A holdover.Machine of this test's own. What goes wrong on it fails the test, unless the marker allows it."""
    options = dict(holdover_options)
    options.update(getattr(request, "param", {}))
    allowed = bool(options.pop("allow_alarms", False))
    with holdover.Machine(**options) as machine:
        request.node.stash.setdefault(_MACHINES, []).append(machine)
        yield machine
        alarms = [] if machine.closed else machine.alarms
        request.node.user_properties.append(("holdover_seed", options["seed"]))
    if alarms and not allowed:
        lines = "\n".join(f"  {each.time_ps} ps {each.rule} {each.sentence}" for each in alarms)
        pytest.fail(f"the machine was not in order ({len(alarms)} alarms; allow_alarms=True lets them pass):\n{lines}",
                    pytrace=False)


@pytest.fixture
def device(machine: holdover.Machine) -> Iterator[holdover.Device]:
    """The machine's first device, open."""
    with machine.open() as device:
        yield device


@pytest.fixture
def driver(device: holdover.Device) -> Iterator[holdover.Driver]:
    """The driver of that device."""
    with device.driver() as driver:
        yield driver


def _replay(item: pytest.Item, seed: int) -> str:
    words = ["pytest", item.nodeid, f"--holdover-seed={seed}"]
    words += [f"--holdover-option={text}" for text in item.config.getoption("--holdover-option")]
    return shlex.join(words)


@pytest.hookimpl(hookwrapper=True)  # type: ignore[misc]  # a decorator without types
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    seed = item.stash.get(_SEED, None)
    if not report.failed or seed is None:
        return
    lines = [f"seed {seed}; again: {_replay(item, seed)}"]
    for each in item.stash.get(_MACHINES, []):
        lines.append(repr(each))
        if not each.closed:
            lines.append(f"simulated {each.now_ps} ps, {each.clocks} clocks")
            lines += [f"  [{time} ps] {line}" for time, line in each.console[-5:]]
    report.sections.append(("holdover", "\n".join(lines)))
