"""Builds one limit from its text: an amount, a change, or a part of a condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

from archscope.assertions import Dimension, Found, Quantity, read_amount, read_claims
from archscope.errors import UsageError
from archscope.studies.changes import read_change
from archscope.studies.check.budgets import Limit, Rule, is_measured
from archscope.studies.measures import measure
from archscope.studies.where import Condition

_MINUS = ("-", "−")
_SIGNS: dict[str, str] = {"max": "<=", "min": ">="}


def amount(said: Any) -> str:
    """Return an amount as it is typed; raises `UsageError` where it is none."""
    if isinstance(said, str):
        return said.strip()
    whole = isinstance(said, int) and not isinstance(said, bool)  # which may be beyond any float
    if not whole and not (isinstance(said, float) and isfinite(said)):
        raise UsageError(f"{said!r} is not an amount; write a number or a text, e.g. 25M")
    return str(said)


def bound(rule: Rule, quantity: Quantity, text: str) -> Limit:
    """Return the limit that an amount is under `max` or `min`; raises `UsageError`."""
    negative = text.startswith(_MINUS)
    dimension, wanted = read_amount(text[negative:], quantity)
    return Limit(
        text=f"{quantity.name} {_SIGNS[rule]} {text}",
        rule=rule,
        names=(quantity.name,),
        quantity=quantity,
        dimension=dimension,
        sign=_SIGNS[rule],
        wanted=-wanted if negative else wanted,
    )


def growth(quantity: Quantity, text: str) -> Limit:
    """Return the limit that a change is under `grow`; raises `UsageError`."""
    if is_measured(measure(quantity.name).analysis):
        raise UsageError(
            f"{quantity.name} is measured anew each time; a lock file does not hold it"
        )
    change = read_change(text, quantity)
    return Limit(
        text=f"{quantity.name} {text if text.startswith(('+', '-')) else change.sign + text}",
        rule="grow",
        names=(quantity.name,),
        quantity=quantity,
        dimension=quantity.dimensions[0],
        sign=change.comparison,
        change=change,
    )


def part(condition: Condition, known: Sequence[Quantity], line: int) -> Limit:
    """Return a part of a condition as a limit, where it is one measure against one number."""
    whole = Limit(
        text=condition.text, rule="assert", names=condition.names, line=line, condition=condition
    )
    try:
        (claim,) = read_claims((condition.text,), known)
    except UsageError:
        return whole
    return Limit(
        text=condition.text,
        rule="assert",
        names=condition.names,
        line=line,
        quantity=claim.quantity,
        dimension=claim.dimension,
        sign=claim.sign,
        wanted=None if claim.dimension == "switch" else Fraction(claim.wanted),
    )


def asks(limit: Limit) -> Iterator[tuple[str, Dimension]]:
    """Yield the measures that a limit reads, each with what it reads it in."""
    asked: list[tuple[str, Dimension]] = [(limit.names[0], limit.dimension)]
    if limit.condition is not None:
        asked.clear()

        def look(name: str, dimension: Dimension) -> Found:
            asked.append((name, dimension))
            return Found()

        limit.condition.of(look)
    return iter(asked)


def is_in_positions(name: str) -> bool:
    """Return whether a measure is in seconds only where a sample rate says how long one takes."""
    return measure(name).dimension == "positions"
