"""The answer in sentences: what is best and why it is no better, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import gcd
from typing import Any

from archscope.assertions import Found, Number, shown
from archscope.results import Level, Note
from archscope.specs import flags
from archscope.specs.space import number_of
from archscope.studies.measures import measures
from archscope.studies.search.answer import Outcome
from archscope.studies.search.optimum import Goal
from archscope.studies.search.reasons import Price
from archscope.studies.search.series import solved_axis
from archscope.studies.search.variants import Place, Variants
from archscope.studies.where import Condition

_FAR = 0.25
"""Share of what all were to have by which one may be off; further off they are not alike in it."""


def notes(outcome: Outcome) -> Iterator[Note]:
    """Yield what must be known of an answer."""
    if outcome.question.iso is not None:
        yield from _of_series(outcome)
    elif outcome.top:
        yield from _of_best(outcome)
    else:
        yield from _of_none(outcome)
    yield from _undecided(outcome)


def _of_best(outcome: Outcome) -> Iterator[Note]:
    goal, variants = outcome.question.goal, outcome.variants
    assert goal is not None
    value = shown(goal.value(outcome.top[0][1][0]), goal.dimension)
    word = "smallest" if goal.sense == "minimise" else "largest"
    number = f"{len(variants):,} variants"
    how = "proven" if outcome.trail.is_whole else "as far as is known"
    text = (
        f"the {word} {goal.name} of {number} is {value}, {how}: {variants.text(outcome.top[0][0])}"
    )
    yield Note(level="ok" if outcome.trail.is_whole else "warning", text=text)
    for price in outcome.prices:
        yield Note(level="info", text=_priced(outcome, price, goal))
    edges = tuple(_edges(outcome))
    if edges:
        *others, last = edges
        every = f"{', '.join(others)} and {last}" if others else last
        text = f"{every} in the space: a wider space may contain a better variant"
        yield Note(level="info", text=text)


def _priced(outcome: Outcome, price: Price, goal: Goal) -> str:
    """Return what a condition costs, in a sentence."""
    if price.binds is None:
        return f"{price.part.text}: whether it binds is open, as some variants are unknown"
    if not price.binds or price.without is None:
        return f"{price.part.text} does not bind: without it the best is the same"
    moves = "falls" if goal.sense == "minimise" else "rises"
    now = shown(goal.value(outcome.top[0][1][0]), goal.dimension)
    least = shown(goal.value(price.without[1][0]), goal.dimension)
    known = "" if price.is_proven else ", as far as is known"
    if price.relaxed is None or price.part.limit is None:
        binds = f"{price.part.text} binds: without it {goal.name} {moves}"
        return f"{binds} from {now} to {least}{known}"
    to = shown(read_of(outcome, price, price.relaxed[0]), price.part.limit.dimension)
    then = shown(goal.value(price.relaxed[1][1]), goal.dimension)
    what = f"with {to} {goal.name} {moves} from {now} to {then}"
    return f"{price.part.text} binds: {what}, without it to {least}{known}"


def _edges(outcome: Outcome) -> Iterator[str]:
    """Yield the fields that have the smallest or the largest value of those to choose from.

    A value beyond which the field has none, as depth 1 or one of a switch, is no such edge.
    """
    limits = {flag.name: (flag.low, flag.high) for flag in flags(outcome.variants.family.spec)}
    for axis, n in zip(outcome.variants.axes, outcome.top[0][0], strict=True):
        last, value = len(axis.values) - 1, number_of(axis.values[n])
        is_edge = axis.ordered and last and n in (0, last) and not isinstance(value, bool)
        if is_edge and value != limits.get(axis.name, (None, None))[1 if n else 0]:
            end = "largest" if n else "smallest"
            yield f"{axis.name.replace('_', ' ')} {value} is the {end}"


def _of_none(outcome: Outcome) -> Iterator[Note]:
    variants, found = outcome.variants, outcome.conflict
    assert found is not None
    number = f"none of {len(variants):,} variants"
    told = tuple(_extremes(outcome))
    parts = _all(found.parts)
    if not found.parts:
        text = f"{number} is a network"
    elif found.is_proven:
        text = f"{number} has {parts}, proven" + (f": {told[0]}" if told else "")
    else:
        text = f"{number} is known to have {parts}; whether one has is open"
    yield Note(level="warning", text=text, details=told[1:])
    near = outcome.near
    if near is not None:
        misses = " and ".join(
            f"{part.text} by {_percent(by)} ({_read(variants, near.place, part)})"
            for part, by in near.misses
        )
        nearest = "nearest" if near.is_proven else "nearest, as far as is known"
        text = f"{nearest}: {variants.text(near.place)}, which misses {misses}"
        yield Note(level="info", text=text)


def _extremes(outcome: Outcome) -> Iterator[str]:
    assert outcome.conflict is not None
    for part, (at, _), goal in outcome.conflict.extremes:
        others = [other for other in outcome.conflict.parts if other is not part]
        under = f" with {_all(others)}" if others else ""
        word = {"minimise": "smallest", "maximise": "largest"}[goal.sense]
        if part.limit is not None and part.limit.sign == "==":
            word = "nearest"
        value = said(outcome.variants, at, goal.name, goal.dimension)
        yield f"the {word} {goal.name}{under} is {value}"


def _read(variants: Variants, at: Place, part: Condition) -> str:
    """Return what a limit reads of a variant."""
    assert part.limit is not None
    return said(variants, at, part.limit.name, part.limit.dimension)


def _percent(share: Number) -> str:
    return shown(Fraction(share), "share") if share else "nothing"


def _all(parts: Iterable[Condition]) -> str:
    """Return conditions that must hold together, as they would be typed."""
    every = list(parts)
    bare = len(every) == 1
    return " and ".join(p.text if bare or " or " not in p.text else f"({p.text})" for p in every)


def _of_series(outcome: Outcome) -> Iterator[Note]:
    iso, where = outcome.question.iso, outcome.question.where
    assert iso is not None
    wanted = shown(plain(iso.wanted), iso.dimension)
    offs = [abs(each) for at, _ in outcome.top if (each := off(outcome, at)) is not None]
    most = f"; the furthest is off by {_percent(max(offs))}" if offs else ""
    solved = outcome.variants.axes[solved_axis(outcome.variants, outcome.question)]
    which = f"{solved.name.replace('_', ' ')}{_of_grid(solved.values)}"
    brings = f"the {which} that brings {iso.name} nearest to {wanted}"
    if outcome.top:
        level: Level = "ok" if outcome.trail.is_whole else "info"
        level = "warning" if max(offs, default=0) > _FAR else level
        yield Note(level=level, text=f"each has {brings}{most}")
    else:
        has = "has" if outcome.trail.is_whole else "is known to have"
        what = f"{has} {where.text}" if where else "is a network"
        yield Note(level="warning", text=f"none of those with {brings} {what}")


def _of_grid(values: Sequence[Any]) -> str:
    """Return what all that is looked at has in common, between commas; else nothing."""
    common = gcd(*values) if len(values) > 1 and all(type(each) is int for each in values) else 1
    return f", a multiple of {common}," if common > 1 else ""


def _undecided(outcome: Outcome) -> Iterator[Note]:
    variants, trail = outcome.variants, outcome.trail
    if trail.unknown:
        at, why = trail.unknown[0]
        text = (
            f"{len(trail.unknown):,} variants could not be decided, e.g. {variants.text(at)}: {why}"
        )
        yield Note(level="warning", text=text)
    if trail.impossible:
        at, why = trail.impossible[0]
        text = (
            f"{len(trail.impossible):,} of the variants tried are not valid networks, e.g. "
            f"{variants.text(at)}: {why.rstrip('.')}"
        )
        yield Note(level="info", text=text)
    if trail.cut_short:
        text = f"given up after {trail.cut_short[0]:,} steps; a smaller space is searched whole"
        yield Note(level="warning", text=text)


def said(variants: Variants, at: Place, name: str, dimension: Any = None) -> str:
    """Return a number of a variant with its unit."""
    found: Found = variants.found(at, name, dimension or _dimension(name))
    if _dimension(name) == "switch" and found.values:
        return "yes" if all(found.values) else "no"
    each = " × ".join(shown(value, dimension or _dimension(name)) for value in found.values)
    return f"{found.bound} {each or 'unknown'}".strip()


def _dimension(name: str) -> Any:
    found = measures().get(name)
    return found.dimension if found else "count"


def off(outcome: Outcome, at: Place) -> float | None:
    """Return by what share a variant is off the number that all were to have."""
    iso = outcome.question.iso
    if iso is None:
        return None
    found = outcome.variants.found(at, iso.name, iso.dimension)
    return float(Fraction(max(found.values)) / Fraction(iso.wanted)) - 1


def read_of(outcome: Outcome, price: Price, place: Place) -> Number:
    """Return what the limit of a condition reads of a variant."""
    limit = price.part.limit
    assert limit is not None
    found = outcome.variants.found(place, limit.name, limit.dimension)
    return max(found.values) if limit.sign.startswith("<") else min(found.values)


def plain(number: Number) -> float:
    """Return a number as an integer where it is one."""
    return int(number) if number == int(number) else float(number)
