"""The answer as rows and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from archscope.assertions import Found, Number, shown
from archscope.results import Headline, Note, Section
from archscope.specs import typed
from archscope.specs.space import is_number, number_of
from archscope.studies.measures import measures
from archscope.studies.search.answer import Best, Outcome, solved_axis
from archscope.studies.search.known import BYTES
from archscope.studies.search.optimum import Goal
from archscope.studies.search.reasons import Price, Ranked
from archscope.studies.search.rows import (
    CHOICES,
    CONSTRAINTS,
    ChoiceRow,
    ConstraintRow,
    Totals,
    axis_field,
    row_type,
    variants_of,
)
from archscope.studies.search.variants import Place, Variants
from archscope.studies.where import Condition

OWN_COLUMNS = ("params", "trainable", "macs", "flops", "rf", "coverage", "ahead", "causal")
"""What a row shows whether it was asked or not."""


def rows_of(outcome: Outcome) -> tuple[Any, ...]:
    """Return a row for each of the best variants, by closed forms alone."""
    return tuple(_row(outcome, n, each) for n, each in enumerate(outcome.top, start=1))


def sections_of(outcome: Outcome, rows: tuple[Any, ...]) -> tuple[Section, ...]:
    """Return the answer as sections, with the rows of its variants as they are known by now."""
    axes = {axis.name: axis.values for axis in outcome.variants.axes}
    found = variants_of(axes).filled(
        rows,
        totals=_totals(outcome),
        notes=tuple(_notes(outcome)),
        headline=tuple(_headline(outcome)),
    )
    constraints = CONSTRAINTS.filled(_constraint(outcome, price) for price in outcome.prices)
    choices = CHOICES.filled(_choice(outcome, best) for best in outcome.choices)
    return (found, *(section for section in (constraints, choices) if section.rows))


def _row(outcome: Outcome, number: int, found: Ranked) -> Any:
    variants, (at, rank) = outcome.variants, found
    known = variants.at(at)
    goal, census = outcome.question.goal, known.census
    names = dict.fromkeys(outcome.question.where.names if outcome.question.where else ())
    names |= {goal.name: None} if goal else {}
    axes = {axis.name for axis in variants.axes}
    also = [name for name in names if name not in OWN_COLUMNS and name not in axes]
    field = _integers(variants, at, "rf") if variants.family.outline else None
    shown = {axis.name: axis for axis in variants.axes if len(axis.values) > 1}
    return row_type(tuple(shown))(
        place=number,
        **{
            axis_field(name): _cell(value)
            for name, value in variants.said(at).items()
            if name in shown
        },
        variant=variants.text(at),
        model=variants.model(at),
        goal=_plain(goal.value(rank[0])) if goal else None,
        params=census.params if census else None,
        macs=census.macs if census else None,
        receptive_field=field,
        coverage=_share(variants, at) if field else None,
        ahead=_integers(variants, at, "ahead") if field else None,
        also=", ".join(f"{name} {_said(variants, at, name)}" for name in also),
        runs=census.runs if census else None,
        activation_bytes=BYTES * census.activations if census else None,
        off=_off(outcome, at),
    )


def _integers(variants: Variants, at: Place, name: str) -> tuple[int, ...] | None:
    found = variants.found(at, name, "positions")
    return None if found.bound or not found.values else tuple(map(int, found.values))


def _share(variants: Variants, at: Place) -> float | None:
    found = variants.found(at, "coverage", "share")
    return float(found.values[0]) if found.values and not found.bound else None


def _off(outcome: Outcome, at: Place) -> float | None:
    iso = outcome.question.iso
    if iso is None:
        return None
    found = outcome.variants.found(at, iso.name, iso.dimension)
    return float(Fraction(max(found.values)) / Fraction(iso.wanted)) - 1


def measured_text(outcome: Outcome, at: Place, name: str) -> str:
    """Return a measure of a variant in closed form in words, e.g. `streams 2`."""
    return f"{name} {_said(outcome.variants, at, name)}"


def _said(variants: Variants, at: Place, name: str, dimension: Any = None) -> str:
    """Return a number of a variant with its unit."""
    found: Found = variants.found(at, name, dimension or _dimension(name))
    if _dimension(name) == "switch" and found.values:
        return "yes" if all(found.values) else "no"
    each = " × ".join(shown(value, dimension or _dimension(name)) for value in found.values)
    return f"{found.bound} {each or 'unknown'}".strip()


def _dimension(name: str) -> Any:
    found = measures().get(name)
    return found.dimension if found else "count"


def _totals(outcome: Outcome) -> Totals:
    goal, trail = outcome.question.goal, outcome.trail
    proven = outcome.conflict.is_proven if outcome.conflict else trail.is_whole
    return Totals(
        variants=len(outcome.variants),
        looked=outcome.bounds.looked,
        impossible=len(trail.impossible),
        unknown=len(trail.unknown),
        goal=goal.name if goal else "",
        sense=goal.sense if goal else "",
        best=_plain(goal.value(outcome.top[0][1][0])) if goal and outcome.top else None,
        proven=proven,
    )


def _headline(outcome: Outcome) -> Iterator[Headline]:
    goal = outcome.question.goal
    if goal is None or not outcome.top:
        return
    value = goal.value(outcome.top[0][1][0])
    kind = "count" if isinstance(value, int) else "number"
    word = "Smallest" if goal.sense == "minimise" else "Largest"
    yield Headline(
        name=f"{word} {goal.name}",
        value=value if isinstance(value, int) else float(value),
        kind=kind,  # type: ignore[arg-type]
        detail=(outcome.variants.text(outcome.top[0][0]),),
    )


def _constraint(outcome: Outcome, price: Price) -> ConstraintRow:
    variants, goal = outcome.variants, outcome.question.goal
    at, rank = outcome.top[0]
    assert goal is not None
    names = ", ".join(f"{name} {_said(variants, at, name)}" for name in price.part.names)
    row = ConstraintRow(
        condition=price.part.text, best=names, binds=price.binds, goal=_plain(goal.value(rank[0]))
    )
    if price.without is not None:
        row = replace(
            row,
            goal_without=_plain(goal.value(price.without[1][0])),
            variant_without=variants.text(price.without[0]),
        )
    if price.relaxed is not None:
        place, found = price.relaxed
        row = replace(
            row,
            relaxed_to=_plain(_value(outcome, price, place)),
            goal_relaxed=_plain(goal.value(found[1])),
            variant_relaxed=variants.text(place),
        )
    return row


def _plain(number: Number) -> float:
    """Return a number as an integer where it is one."""
    return int(number) if number == int(number) else float(number)


def _value(outcome: Outcome, price: Price, place: Place) -> Number:
    limit = price.part.limit
    assert limit is not None
    found = outcome.variants.found(place, limit.name, limit.dimension)
    return max(found.values) if limit.sign.startswith("<") else min(found.values)


def _choice(outcome: Outcome, best: Best) -> ChoiceRow:
    goal, variants = outcome.question.goal, outcome.variants
    row = ChoiceRow(
        field=best.axis.name,
        value=_typed(best.axis.values[best.value]),
        goal=None,
        proven=best.proven,
    )
    if best.found is None or goal is None:
        return row
    at, rank = best.found
    census = variants.at(at).census
    return replace(
        row,
        goal=_plain(goal.value(rank[0])),
        variant=variants.text(at),
        params=census.params if census else None,
        macs=census.macs if census else None,
        receptive_field=_integers(variants, at, "rf") if variants.family.outline else None,
    )


def _cell(value: Any) -> int | float | str:
    """Return a value as a cell has it: a number, or as it is typed."""
    if is_number(value) and not isinstance(value, bool):
        return number_of(value)
    return _typed(value)


def _typed(value: Any) -> str:
    return ",".join(map(typed, value)) if isinstance(value, tuple) else typed(value)


def _notes(outcome: Outcome) -> Iterator[Note]:
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
        text = f"{' and '.join(edges)} of the space: a wider one may hold better"
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
    if price.relaxed is None or price.part.limit is None:
        return f"{price.part.text} binds: without it {goal.name} {moves} from {now} to {least}"
    to = shown(_value(outcome, price, price.relaxed[0]), price.part.limit.dimension)
    then = shown(goal.value(price.relaxed[1][1]), goal.dimension)
    what = f"with {to} {goal.name} {moves} from {now} to {then}"
    return f"{price.part.text} binds: {what}, without it to {least}"


def _edges(outcome: Outcome) -> Iterator[str]:
    """Yield the fields that have the smallest or the largest value there is to choose."""
    for axis, n in zip(outcome.variants.axes, outcome.top[0][0], strict=True):
        last = len(axis.values) - 1
        if axis.ordered and last and n in (0, last):
            end = "largest" if n else "smallest"
            yield f"{axis.name.replace('_', ' ')} {number_of(axis.values[n])} is the {end}"


def _of_none(outcome: Outcome) -> Iterator[Note]:
    variants, found = outcome.variants, outcome.conflict
    assert found is not None
    number = f"none of {len(variants):,} variants"
    said = tuple(_extremes(outcome))
    parts = " and ".join(part.text for part in found.parts)
    if found.is_proven:
        text = f"{number} has {parts}, proven" + (f": {said[0]}" if said else "")
    else:
        text = f"{number} is known to have {parts}; whether one has is open"
    yield Note(level="warning", text=text, details=said[1:])
    near = outcome.near
    if near is not None:
        misses = " and ".join(
            f"{part.text} by {_percent(by)} ({_read(variants, near.place, part)})"
            for part, by in near.misses
        )
        yield Note(
            level="info", text=f"nearest: {variants.text(near.place)}, which misses {misses}"
        )


def _extremes(outcome: Outcome) -> Iterator[str]:
    assert outcome.conflict is not None
    for part, (at, _), goal in outcome.conflict.extremes:
        others = [other.text for other in outcome.conflict.parts if other is not part]
        under = f" with {' and '.join(others)}" if others else ""
        word = {"minimise": "smallest", "maximise": "largest"}[goal.sense]
        if part.limit is not None and part.limit.sign == "==":
            word = "nearest"
        value = _said(outcome.variants, at, goal.name, goal.dimension)
        yield f"the {word} {goal.name}{under} is {value}"


def _read(variants: Variants, at: Place, part: Condition) -> str:
    """Return what a limit reads of a variant."""
    assert part.limit is not None
    return _said(variants, at, part.limit.name, part.limit.dimension)


def _percent(share: Number) -> str:
    text = f"{100 * float(share):.3g}%"
    return "nothing" if not share else text


def _of_series(outcome: Outcome) -> Iterator[Note]:
    iso = outcome.question.iso
    assert iso is not None
    wanted = shown(_plain(iso.wanted), iso.dimension)
    offs = [abs(off) for at, _ in outcome.top if (off := _off(outcome, at)) is not None]
    most = f"; the furthest is off by {_percent(max(offs))}" if offs else ""
    solved = outcome.variants.axes[solved_axis(outcome.variants, outcome.question)].name
    text = (
        f"each has the {solved.replace('_', ' ')} that brings {iso.name} nearest to {wanted}{most}"
    )
    yield Note(level="info", text=text)


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
            f"{len(trail.impossible):,} of the variants looked at are no networks, e.g. "
            f"{variants.text(at)}: {why.rstrip('.')}"
        )
        yield Note(level="info", text=text)
    if trail.cut_short:
        text = f"given up after {trail.cut_short[0]:,} steps; a smaller space is searched whole"
        yield Note(level="warning", text=text)
