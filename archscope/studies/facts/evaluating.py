"""Computes what a fact claims, with the functions that answer archscope's own commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache, reduce
from importlib import import_module
from math import isfinite
from pathlib import Path
from types import FunctionType
from typing import Any

import archscope.theory
from archscope.errors import ArchscopeError, UsageError, did_you_mean
from archscope.studies.facts.fact import Combined, Formula, Measured, Number

ROOM = "archscope.theory"
Measure = Callable[[Measured], Number]


def evaluate(computes: Any, measure: Measure) -> Any:
    """Return what computes as its number; `measure` tells what is measured of a network.

    Raises `UsageError` for a formula that there is not, or that takes something else.
    """
    if isinstance(computes, Formula):
        given = {name: evaluate(value, measure) for name, value in computes.inputs.items()}
        return _read(_called(computes.name, given), computes)
    if isinstance(computes, Measured):
        return measure(computes)
    if isinstance(computes, Combined):
        return _combined(computes, [evaluate(term, measure) for term in computes.terms])
    if isinstance(computes, tuple):
        return tuple(evaluate(item, measure) for item in computes)
    return computes


def number(found: Any) -> Number:
    """Return an answer as a number; raises `UsageError` where it is none."""
    if isinstance(found, tuple) and found and len(set(found)) == 1:
        found = found[0]  # the same along each axis
    try:
        plain = found if isinstance(found, int) else _plain(found)
    except (TypeError, ValueError):
        raise UsageError(f"the answer is {found!r}, not a number; read one field of it") from None
    return int(plain) if isinstance(plain, bool) else plain


def _plain(found: Any) -> Number:
    """Return a fraction as an integer where it is one."""
    if getattr(found, "denominator", None) == 1:
        return int(found)
    value = float(found)
    if not isfinite(value):
        raise ValueError(found)
    return value


def _combined(computes: Combined, terms: list[Any]) -> Any:
    if computes.by == "sum":
        return sum(terms)
    if computes.by == "product":
        return reduce(lambda first, second: first * second, terms)
    return terms[0] / terms[1]


def _read(answer: Any, computes: Formula) -> Any:
    if not computes.read:
        return answer
    if computes.read.startswith("_") or not hasattr(answer, computes.read):
        raise UsageError(f"{computes.name}: its result has no {computes.read!r}")
    return getattr(answer, computes.read)


def _called(name: str, given: Mapping[str, Any]) -> Any:
    function = formula(name)
    signature = inspect.signature(function)
    try:
        signature.bind(**given)
    except TypeError as error:
        takes = ", ".join(signature.parameters)
        raise UsageError(f"{name}: {error}; it takes {takes}") from None
    try:
        return function(**given)
    except ArchscopeError:
        raise
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise UsageError(f"{name}: {type(error).__name__}: {error}") from None


def formula(name: str) -> FunctionType:
    """Return the function of `archscope.theory` that a fact names; nothing else is imported."""
    module, _, function = name.rpartition(".")
    known = modules()
    if module not in known:
        near = did_you_mean(module, list(known))
        raise UsageError(
            f"formula {name!r}: archscope.theory has no module {module!r}; write e.g. "
            f"scaling.optimal_parameters.{near}"
        )
    home = import_module(f"{ROOM}.{module}")
    functions = functions_of(home)
    if function not in functions:
        near = did_you_mean(function, list(functions))
        raise UsageError(
            f"formula {name!r}: {module} has no function {function!r}; there are "
            f"{', '.join(functions)}.{near}"
        )
    return functions[function]


def functions_of(home: Any) -> dict[str, FunctionType]:
    """Return the public functions of a module's own by their names."""
    return {key: each for key, each in vars(home).items() if _is_formula(home, key, each)}


@cache
def modules() -> tuple[str, ...]:
    """Return the names of all modules with formulas."""
    folder = Path(str(archscope.theory.__file__)).parent
    return tuple(sorted(file.stem for file in folder.glob("[a-z]*.py")))


def _is_formula(home: Any, name: str, each: Any) -> bool:
    plain = inspect.unwrap(each) if callable(each) else each
    own = isinstance(plain, FunctionType) and plain.__module__ == home.__name__
    return own and not name.startswith("_")
