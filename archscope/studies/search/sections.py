"""The answer as rows and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archscope.results import Headline, Note, Section
from archscope.specs import typed
from archscope.specs.space import is_number, number_of
from archscope.studies.search.answer import Best, Outcome
from archscope.studies.search.closed_form import BYTES
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
from archscope.studies.search.sentences import notes, off, plain, read_of, said
from archscope.studies.search.variants import Place, Variants

OWN_COLUMNS = ("params", "trainable", "macs", "rf", "coverage", "ahead", "causal")
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
        notes=(*notes(outcome), *_disagreements(rows), *_unbuilt(rows)),
        headline=tuple(_headline(outcome)),
    )
    constraints = CONSTRAINTS.filled(_constraint(outcome, price) for price in outcome.prices)
    choices = CHOICES.filled(_choice(outcome, best) for best in outcome.choices)
    return (found, *(section for section in (constraints, choices) if section.rows))


def _unbuilt(rows: tuple[Any, ...]) -> Iterator[Note]:
    """Say where what is shown was not all built."""
    built = sum(bool(row.verified) for row in rows)
    if 0 < built < len(rows):
        text = f"{built:,} of {len(rows):,} were built and verified; --verify builds them all"
        yield Note(level="info", text=text)


def _disagreements(rows: tuple[Any, ...]) -> Iterator[Note]:
    """Yield a warning where something that was built is not what closed forms say."""
    differ = [row for row in rows if row.verified.startswith("no")]
    if differ:
        first = differ[0]
        text = (
            f"{len(differ)} of {len(rows)} variants differ from their closed forms, so the proof "
            f"is not certain; e.g. {first.variant}: {first.verified}"
        )
        yield Note(level="warning", text=text)


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
        goal=plain(goal.value(rank[0])) if goal else None,
        params=census.params if census else None,
        macs=census.macs if census else None,
        receptive_field=field,
        coverage=_share(variants, at) if field else None,
        ahead=_integers(variants, at, "ahead") if field else None,
        also=", ".join(f"{name} {said(variants, at, name)}" for name in also),
        runs=census.runs if census else None,
        activation_bytes=BYTES * census.activations if census else None,
        off=off(outcome, at),
    )


def _integers(variants: Variants, at: Place, name: str) -> tuple[int, ...] | None:
    found = variants.found(at, name, "positions")
    return None if found.bound or not found.values else tuple(map(int, found.values))


def _share(variants: Variants, at: Place) -> float | None:
    found = variants.found(at, "coverage", "share")
    return float(found.values[0]) if found.values and not found.bound else None


def measured_text(outcome: Outcome, at: Place, name: str) -> str:
    """Return a measure of a variant in closed form in words, e.g. `streams 2`."""
    return f"{name} {said(outcome.variants, at, name)}"


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
        best=plain(goal.value(outcome.top[0][1][0])) if goal and outcome.top else None,
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
    names = ", ".join(f"{name} {said(variants, at, name)}" for name in price.part.names)
    row = ConstraintRow(
        condition=price.part.text,
        best=names,
        binds=price.binds,
        goal=plain(goal.value(rank[0])),
        proven=price.is_proven and price.binds is not None,
    )
    if price.without is not None:
        row = replace(
            row,
            goal_without=plain(goal.value(price.without[1][0])),
            variant_without=variants.text(price.without[0]),
        )
    if price.relaxed is not None:
        place, found = price.relaxed
        row = replace(
            row,
            relaxed_to=plain(read_of(outcome, price, place)),
            goal_relaxed=plain(goal.value(found[1])),
            variant_relaxed=variants.text(place),
        )
    return row


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
        goal=plain(goal.value(rank[0])),
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
