"""The formulas that a fact may call: their names, arguments and results."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from types import FunctionType

from archscope.records import frozen
from archscope.studies.facts.evaluating import ROOM, functions_of, modules

_WORDS = frozenset(
    {
        *("int", "float", "str", "bool", "None", "Sequence", "Collection", "tuple", "list"),
        *("StateRecipe", "Fraction"),
    }
)
"""Types that a file can give, alone, in a list, or by another formula."""
_LITERALS = re.compile(r'Literal\[[^\]]*\]|"[^"]*"')


@frozen
class Listed:
    """One formula."""

    name: str
    """Module and function, e.g. `scaling.optimal_parameters`."""
    inputs: tuple[str, ...]
    """What it takes, each with its default if it has one, e.g. `zero=0`."""
    summary: str
    """The first sentence of what it says of itself."""


def formulas() -> Iterator[Listed]:
    """Yield every formula that takes numbers, words, lists of them, or another formula's answer."""
    for module in modules():
        home = import_module(f"{ROOM}.{module}")
        words = {name for name, value in vars(home).items() if _is_choice(value)}
        for name, function in functions_of(home).items():
            parameters = inspect.signature(function).parameters.values()
            if parameters and all(_can_be_given(each, words) for each in parameters):
                inputs = tuple(map(_written, parameters))
                yield Listed(name=f"{module}.{name}", inputs=inputs, summary=_summary(function))


def _is_choice(value: object) -> bool:
    """Return whether a name of a module stands for a choice of words."""
    return str(value).startswith("typing.Literal[")


def _can_be_given(parameter: inspect.Parameter, choices: set[str]) -> bool:
    said = _LITERALS.sub("", str(parameter.annotation))
    return set(re.findall(r"[A-Za-z_]\w*", said)) <= _WORDS | choices


def _written(parameter: inspect.Parameter) -> str:
    default = parameter.default
    return parameter.name if default is parameter.empty else f"{parameter.name}={default!r}"


def _summary(function: FunctionType) -> str:
    text = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
    return text.removeprefix("Return ").partition(": ")[0].rstrip(".")
