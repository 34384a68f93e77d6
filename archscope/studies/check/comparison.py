"""Compares measurements with limits, one row each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

from archscope.assertions import Dimension, Found, Number
from archscope.columns import Kind
from archscope.errors import ArchscopeError
from archscope.records import frozen
from archscope.results import Outcome
from archscope.studies.check.budgets import Budget, Limit
from archscope.studies.check.rows import LimitRow
from archscope.studies.where import is_so

Look = Callable[[str, Dimension], Found]
"""What is known of a measure, in a dimension; raises `ArchscopeError` where its analysis fails."""
KINDS: dict[Dimension, Kind] = {
    "switch": "text",
    "positions": "extent",
    "time": "seconds",
    "share": "ratio",
    "count": "count",
    "bytes": "bytes",
}
"""How a row's numbers are read, by what they are of."""
_SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}
ABOVE = ("≤", "<")
"""How a row's number must compare where it is missed by being too large."""
_OUTCOMES: dict[bool | None, Outcome] = {True: "ok", False: "missed", None: "unknown"}
_WHOLE = ("count", "positions", "bytes")
"""What there are no parts of."""
NETWORK = "network"
"""What stands for a measure where there was no network to measure."""


@frozen
class Before:
    """What a lock file says of a budget's network."""

    numbers: Mapping[str, tuple[Number, ...] | None]
    """By the names of measures; None where a number was not known."""
    unlike: str = ""
    """Why nothing can be compared with it; empty: it can."""


def rows_of(
    budget: Budget, look: Look, before: Before | None = None, none: str = ""
) -> Iterator[LimitRow]:
    """Yield a row for each limit of a budget, in the order in which they are said.

    `before` is what growth is compared with; where it is None, `none` says why.
    """
    for limit in budget.limits:
        try:
            yield _row(budget, limit, look, before, none)
        except ArchscopeError as error:
            yield failed(budget, str(error), limit)


def failed(budget: Budget, why: str, limit: Limit | None = None) -> LimitRow:
    """Return the row of a limit, or of a whole budget, that nothing could be compared with."""
    why = " ".join(why.split())
    if limit is None:
        return _blank(
            budget, rule="max", line=budget.line, measure=NETWORK, outcome="failed", why=why
        )
    return replace(_start(budget, limit), outcome="failed", why=why)


def _start(budget: Budget, limit: Limit) -> LimitRow:
    """Return the row of a limit before anything is measured."""
    quantity, wanted = limit.quantity, limit.wanted
    return _blank(
        budget,
        rule=limit.rule,
        line=limit.line,
        measure=quantity.name if quantity else limit.text,
        kind=KINDS[limit.dimension] if quantity else "text",
        sign=_SIGNS.get(limit.sign, limit.sign),
        limit=None if wanted is None else _plain(wanted, limit.dimension),
        outcome="unknown",
    )


def _blank(budget: Budget, **answer: Any) -> LimitRow:
    empty: dict[str, Any] = dict.fromkeys(
        ("before", "actual", "low", "high", "limit", "room", "room_share")
    )
    empty |= {"kind": "text", "bound": "", "sign": "", "why": ""}
    return LimitRow(budget=budget.name, model=budget.model, **{**empty, **answer})


def _row(budget: Budget, limit: Limit, look: Look, before: Before | None, none: str) -> LimitRow:
    row = _start(budget, limit)
    if limit.quantity is None and limit.condition is not None:
        verdict = limit.condition.of(look)
        outcome = _OUTCOMES[verdict.holds]
        if verdict.holds is None and limit.condition.of(_in_the_middle(look)).holds is not None:
            outcome = "undecided"
        return replace(row, outcome=outcome, why=verdict.why)
    found = look(limit.names[0], limit.dimension)
    each = tuple(_plain(value, limit.dimension) for value in found.values)
    low, high = (_plain(value, limit.dimension) for value in found.spread or (None, None))
    row = replace(row, actual=_alone(each), bound=found.bound, low=low, high=high)
    if limit.change is not None:
        return _grown(row, limit, found, before, none)
    return _against(row, limit, found, limit.wanted)


def _in_the_middle(look: Look) -> Look:
    """Return what is known, measured numbers as their median."""
    return lambda name, dimension: replace(look(name, dimension), spread=None)


def _grown(row: LimitRow, limit: Limit, found: Found, before: Before | None, none: str) -> LimitRow:
    """Return the row of a limit on growth."""
    if before is not None and before.unlike:
        return replace(row, outcome="unknown", why=f"not comparable, because {before.unlike}")
    old = before.numbers.get(limit.names[0]) if before else None
    if not old:
        none = none or "the lock file has no number for it yet"
        return replace(row, outcome="new" if found.values else "unknown", why=found.why or none)
    row = replace(row, before=_alone(tuple(_plain(each, limit.dimension) for each in old)))
    if not found.values or len(found.values) != len(old):
        axes = f"not comparable, because it had {len(old)} axes and has {len(found.values)}"
        return replace(row, outcome="unknown", why=found.why if not found.values else axes)
    assert limit.change is not None
    limits = [_limit(limit, value) for value in old]
    rows = [
        _against(row, limit, replace(found, values=(value,)), wanted)
        for value, wanted in zip(found.values, limits, strict=True)
    ]
    return replace(min(rows, key=_badness), actual=row.actual)


def _limit(limit: Limit, before: Number) -> Number:
    """Return what a number may become at most, or at least, in whole things where there are."""
    assert limit.change is not None
    wanted = limit.change.limit(before)
    if limit.dimension not in _WHOLE:
        return wanted
    return floor(wanted) if limit.change.sign == "+" else ceil(wanted)


def _badness(row: LimitRow) -> tuple[int, float]:
    order = ("missed", "unknown", "ok")
    return order.index(row.outcome), float(row.room or 0)


def _against(row: LimitRow, limit: Limit, found: Found, wanted: Number | None) -> LimitRow:
    """Return a row with its verdict, what it was compared with, and what is left."""
    if wanted is None:  # a yes or no
        holds = None if not found.values else all(found.values)
        return replace(_judged(row, holds, found), actual=holds, bound="")
    holds = is_so(found, limit.sign, wanted)
    room = None if found.bound else _room(found, limit.sign, wanted)
    return replace(
        _judged(row, holds, found),
        limit=_plain(wanted, limit.dimension),
        room=None if room is None else _plain(room, limit.dimension),
        room_share=float(room / abs(Fraction(wanted))) if room is not None and wanted else None,
    )


def _judged(row: LimitRow, holds: bool | None, found: Found) -> LimitRow:
    if holds:
        return replace(row, outcome="ok")
    why = found.why
    if holds is None and found.spread is not None:
        return replace(row, outcome="undecided", why="some runs keep it and some do not")
    if holds is None:
        bound = f"it is {found.bound} that" if found.bound else ""
        why = ", because ".join(filter(None, (bound, why))) or "it was not found"
    return replace(row, outcome=_OUTCOMES[holds], why=why)


def _room(found: Found, sign: str, wanted: Number) -> Fraction | None:
    """Return how much is left along the axis with the least; None where a limit has no sides."""
    sides = {"<": 1, "<=": 1, ">": -1, ">=": -1}
    if sign not in sides or not found.values:
        return None
    return min(sides[sign] * (Fraction(wanted) - Fraction(value)) for value in found.values)


def _plain(value: Number | None, dimension: Dimension) -> Any:
    """Return a number as JSON has it."""
    if value is None:
        return None
    if dimension == "switch":
        return bool(value)
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    return value


def _alone(values: tuple[Any, ...]) -> Any:
    """Return one number by itself, None for none."""
    return values if len(values) > 1 else values[0] if values else None
