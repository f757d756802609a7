# SPDX-License-Identifier: MIT
"""The stub of the extension module and the module have the same names, and the same arguments with the same defaults."""

import ast
import inspect
import re

import pytest

import holdover
from holdover import _holdover

# What pybind11 and Python add to every class.
SILENT = {"__init__", "__module__", "__doc__", "__dict__", "__weakref__", "__repr__", "__str__", "__new__", "__hash__"}


@pytest.fixture(scope="module")
def stub(source):
    return ast.parse((source / "python/holdover/_holdover.pyi").read_text())


def public(names):
    return {name for name in names if not name.startswith("_") or name.startswith("__")}


def in_stub(body):
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names


def test_the_module_has_the_names_of_the_stub(stub):
    theirs = {name for name in vars(_holdover) if not re.fullmatch(r"__(name|doc|package|loader|spec|file)__", name)}
    assert public(in_stub(stub.body)) == theirs


def arguments_in_stub(function):
    given = function.args
    positional = [argument.arg for argument in given.posonlyargs + given.args]
    defaults = dict(zip(positional[::-1], [ast.literal_eval(each) for each in given.defaults[::-1]]))
    for argument, default in zip(given.kwonlyargs, given.kw_defaults):
        positional.append(argument.arg)
        if default is not None:
            defaults[argument.arg] = ast.literal_eval(default)
    return [(name, defaults.get(name, inspect.Parameter.empty)) for name in positional if name != "self"]


def arguments_in_docstring(function):
    """pybind11 begins a docstring with the signature: name(self: Type, offset: int, size: int = 4) -> int"""
    inside = re.match(r"\w+\((.*)\) -> ", function.__doc__.splitlines()[0])[1]
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(inside + ","):
        depth += letter in "[(" and 1 or letter in "])" and -1 or 0
        if letter == "," and depth == 0:
            parts.append(inside[start:at].strip())
            start = at + 1
    result = []
    for part in parts:
        name, _, default = part.partition("=")
        name = name.split(":")[0].strip()
        if name and name not in ("*", "self", "arg0") and not name.startswith("*"):
            result.append((name, ast.literal_eval(default.strip()) if default else inspect.Parameter.empty))
    return result


def functions(stub):
    for node in stub.body:
        if isinstance(node, ast.FunctionDef):
            yield node, getattr(_holdover, node.name)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not (inner.name.startswith("__") and inner.name != "__init__"):
                    yield inner, vars(getattr(_holdover, node.name))[inner.name]


def test_functions_have_the_arguments_of_the_stub(stub):
    compared = 0
    for node, real in functions(stub):
        if isinstance(real, property):
            assert any(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list), node.name
            continue
        assert arguments_in_stub(node) == arguments_in_docstring(real), node.name
        compared += 1
    assert compared > 70


def test_classes_have_the_members_of_the_stub(stub):
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            real = {name for name in vars(getattr(_holdover, node.name)) if not name.startswith("_pybind")} - SILENT
            assert public(in_stub(node.body)) - SILENT == real, node.name


def test_an_object_that_nobody_made_is_refused():
    for kind in (each for each in vars(_holdover).values() if inspect.isclass(each)):
        try:
            unmade = kind.__new__(kind)
        except TypeError as error:
            assert "cannot be made" in str(error)
            continue
        for name in ("close", "__enter__", "dump", "to_numpy"):
            if hasattr(kind, name):
                with pytest.raises((TypeError, RuntimeError)):
                    getattr(unmade, name)()


def test_everything_public_has_a_docstring():
    lacking = []
    for name in holdover.__all__:
        each = getattr(holdover, name)
        if isinstance(each, (int, str)):
            continue
        if not inspect.getdoc(each):
            lacking.append(name)
        if inspect.isclass(each) and each.__module__ == "holdover._holdover":
            plain = name.endswith("Statistics") or name == "Alarm"  # whose figures are said by their names
            lacking += [f"{name}.{member}" for member, value in vars(each).items() if not member.startswith("_")
                        and not plain and len((value.__doc__ or "").strip().splitlines()) < 1]
    assert lacking == []


def test_signatures_are_those_of_python():
    foreign = []
    for name in holdover.__all__:
        each = getattr(holdover, name)
        for member, value in vars(each).items() if inspect.isclass(each) else ():
            if "::" in (getattr(value, "__doc__", None) or ""):
                foreign.append(f"{name}.{member}")
    assert foreign == []


def test_the_package_says_which_names_are_public():
    for name in holdover.__all__:
        assert hasattr(holdover, name)
    assert callable(holdover.faults)
