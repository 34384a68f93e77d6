"""What a class says of its fields: the docstring below each of them, which only its source has."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from textwrap import dedent
from types import ModuleType

from archscope.records import frozen

_LONGEST = 40
"""Letters of a value that are shown."""


@frozen
class Attribute:
    """One field of a data type."""

    name: str
    """Its name."""
    type: str
    """Its type, as it is written."""
    text: str
    """What is said of it, with its unit; empty where nothing is."""


@cache
def attributes(cls: type) -> tuple[Attribute, ...]:
    """Return the fields of a class and of those that it is made of, in the order of its data."""
    found = {each.name: each for base in reversed(cls.__mro__) for each in _own(base)}
    if dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls)]
        return tuple(found[name] for name in names if name in found)
    return tuple(found.values())


def constants(module: ModuleType) -> tuple[Attribute, ...]:
    """Return the public constants of a module that say what they are; their type is their value."""
    body = ast.parse(inspect.getsource(module)).body
    found = []
    for node, after in pairwise(body):
        text = _text(after)
        if not text or not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            name = target.id if isinstance(target, ast.Name) else ""
            if name.isupper() and not name.startswith("_"):
                value = _short(ast.unparse(node.value))
                found.append(Attribute(name=name, type=value, text=text))
    return tuple(found)


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


def _own(cls: type) -> Iterator[Attribute]:
    try:
        body = ast.parse(dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError):  # made by no source of its own
        return
    assert isinstance(body, ast.ClassDef)
    for at, node in enumerate(body.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = _text(body.body[at + 1]) if at + 1 < len(body.body) else ""
            yield Attribute(name=node.target.id, type=ast.unparse(node.annotation), text=text)


def _text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return inspect.cleandoc(str(node.value.value))
    return ""
