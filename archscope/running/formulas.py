"""Lets torch's formulas for shapes run without its compiler."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from types import FunctionType
from typing import Any

from torch._compile import _disable_dynamo

COMPILER = "torch._dynamo"
_FORMULAS = ("torch._refs", "torch._decomp", "torch._prims")
_ANSWER = "__dynamo_disable"
"""Where torch remembers of a function what runs it with the compiler turned off."""


@contextmanager
def formulas_alone() -> Iterator[None]:
    """Within it, torch's formulas for shapes run as they are."""
    with as_they_are(() if COMPILER in sys.modules else _formulas()):
        yield


@contextmanager
def as_they_are(functions: Iterable[Any]) -> Iterator[None]:
    """Within it, these functions of torch run without its compiler.

    Around them torch turns its compiler off, and imports the whole of it to do so, which
    takes as long as torch itself. It asks once for each function and remembers the answer, which
    stands there before it asks, and is taken away again; whoever runs one meanwhile gets the same
    result. Where the compiler is there already, nothing is done.
    """
    here = COMPILER in sys.modules
    marked = [] if here else [each for each in functions if _ANSWER not in vars(each)]
    for function in marked:
        setattr(function, _ANSWER, function)
    try:
        yield
    finally:
        for function in marked:
            if vars(function).get(_ANSWER) is function:
                delattr(function, _ANSWER)


@lru_cache(maxsize=1)
def _formulas() -> tuple[Any, ...]:
    """Return the formulas around which the compiler is turned off."""
    wrapper: Any = _disable_dynamo(_closure)
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(_FORMULAS)]
    waiting = [value for module in modules for value in list(vars(module).values())]
    found, seen = [], set()
    while waiting:
        each = waiting.pop()
        if not isinstance(each, FunctionType) or id(each) in seen:
            continue
        seen.add(id(each))
        within = dict(_closure(each))
        waiting += within.values()
        if each.__code__ is wrapper.__code__:
            found.append(within["fn"])
    return tuple(found)


def _closure(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # nothing is in it yet
            yield name, cell.cell_contents
