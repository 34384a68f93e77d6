"""Describes limits that do not hold: one line each, with the numbers and the difference."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from archscope.assertions import Number, shown
from archscope.labels import safe_label
from archscope.results import Headline, Note, Section
from archscope.studies.check.comparison import ABOVE, KINDS, NETWORK
from archscope.studies.check.rows import LIMITS, LimitRow, Totals

_DIMENSIONS = {kind: dimension for dimension, kind in KINDS.items()}
_MANY = 10
"""Times a limit from which a difference has no percentage."""
_FIRST = 3
"""Modules that are named where a sum is too large."""
_NOTABLE = Fraction(1, 20)
"""Share of a sum from which a module is worth a word."""


def failing(rows: Iterable[LimitRow]) -> tuple[LimitRow, ...]:
    """Return the rows of limits that do not hold, of which that is unknown, or that failed."""
    return tuple(row for row in rows if row.outcome not in ("ok", "new", "undecided"))


def line(row: LimitRow) -> str:
    """Return what a failing row says of its budget, in one line whatever stands in it."""
    return safe_label(f"{row.budget}: {sentence(row)}")


def sentence(row: LimitRow) -> str:
    """Return what a failing row says: the measured number, the limit, the difference."""
    because = f", because {row.why}" if row.why else ""
    why = f"; {row.why}" if row.why else ""
    if row.outcome == "failed":
        subject = "it" if row.measure == NETWORK else row.measure
        return f"{subject} could not be checked: {row.why}"
    if row.outcome == "undecided":
        told = row.measure if row.actual is None else _told(row)
        return f"{told}: undecided, because {row.why}"
    if row.kind == "text":  # a yes or no
        return f"{row.measure}: {'unknown' if row.outcome == 'unknown' else 'it is not'}{because}"
    if row.actual is None:
        return f"{row.measure}: unknown{because}"
    told = _told(row)
    return f"{told}: unknown{because}" if row.outcome == "unknown" else f"{told}{why}"


def _told(row: LimitRow) -> str:
    """Return what a number is, what most samples lie between, what it was, and what it must be."""
    told = " ".join(filter(None, (row.measure, "is", row.bound, _amount(row, row.actual))))
    if row.low is not None:
        told += f" ({_amount(row, row.low)} to {_amount(row, row.high)} in most samples)"
    if row.before is not None:
        told += f", was {_amount(row, row.before)}"
    if row.limit is not None:
        over = "" if row.outcome == "undecided" else _over(row)
        told += f", and must be {row.sign} {_amount(row, row.limit)}{over}"
    return told


def largest(parts: Iterable[tuple[str, Number]]) -> str:
    """Return which modules hold most of a sum, with their shares; empty where none stands out.

    >>> largest([("stem", 1), ("head", 90), ("", 9)])
    'largest: head 90.0%'
    """
    each = [(name, amount) for name, amount in parts if amount]
    whole = sum(amount for _, amount in each)
    first = sorted((e for e in each if e[0]), key=lambda e: -e[1])[:_FIRST]
    named = [
        f"{name} {float(share):.1%}"
        for name, amount in first
        if (share := Fraction(amount) / Fraction(whole)) >= _NOTABLE
    ]
    return f"largest: {', '.join(named)}" if named and len(each) > 1 else ""


def _over(row: LimitRow) -> str:
    """Return by how much a limit is missed."""
    if not isinstance(row.room, int | float) or row.room >= 0:
        return ""
    word = "over" if row.sign in ABOVE else "short"
    part = -(row.room_share or 0)  # of many times the limit nobody wants a percentage
    share = f" ({shown(Fraction(part), 'share')})" if 0 < part < _MANY else ""
    if _DIMENSIONS[row.kind] == "share":  # of a share a second percentage only confuses
        share = ""
    return f": {_amount(row, -row.room)}{share} {word}"


def _amount(row: LimitRow, value: Any) -> str:
    values = value if isinstance(value, tuple) else (value,)
    return " × ".join(shown(each, _DIMENSIONS[row.kind]) for each in values)


def section(rows: Iterable[LimitRow], notes: tuple[Note, ...] = ()) -> Section:
    """Return the rows of a check as its section, with what became of them."""
    every = tuple(rows)
    outcomes = [row.outcome for row in every]
    totals = Totals(
        limits=len(every),
        held=outcomes.count("ok"),
        missed=outcomes.count("missed"),
        unknown=outcomes.count("unknown"),
        failed=outcomes.count("failed"),
        new=outcomes.count("new"),
        undecided=outcomes.count("undecided"),
    )
    text = summary(totals)
    bad = [Note(level="warning", text=line(e)) for e in failing(every)]
    open_ = [Note(level="info", text=line(e)) for e in every if e.outcome == "undecided"]
    all_hold = every and totals.held == totals.limits
    good = [Note(level="ok", text="every limit holds")] if all_hold else []
    headline = Headline(
        name="Limits that hold",
        value=totals.held,
        kind="count",
        detail=(text,),
        level="warning" if bad else "ok",
    )
    return LIMITS.filled(
        every,
        totals=totals,
        notes=(*bad, *open_, *good, *notes),
        headline=(headline,),
        summary=((text,),),
    )


def summary(totals: Totals) -> str:
    """Return what became of all limits, in a line."""
    parts = {
        "held": totals.held,
        "missed": totals.missed,
        "unknown": totals.unknown,
        "not checked": totals.failed,
        "new": totals.new,
        "undecided": totals.undecided,
    }
    said = ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)
    return f"{totals.limits:,} limit{'s' * (totals.limits != 1)}: {said}" if said else "no limits"
