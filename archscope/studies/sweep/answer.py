"""The answer of a sweep: outcomes as rows, with what a condition and a ranking say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from archscope import specs
from archscope.assertions import Dimension, Found
from archscope.records import frozen
from archscope.results import Headline, Note, Section
from archscope.studies.sweep.choosing import Goal, front, holds, ranked
from archscope.studies.sweep.outcomes import CENSUS, Outcome
from archscope.studies.sweep.rows import Layout, Measured, axis_field, groups_of, variants_of
from archscope.studies.where import Condition

_MOST_REASONS = 5
"""Reasons that a note gives, the most frequent first."""
_FAR = 0.25
"""A found value that misses what was wanted by more is told."""


@frozen
class Choice:
    """Which variants are shown, and in which order."""

    where: Condition | None = None
    """What must hold of them; None: nothing."""
    pareto: tuple[Goal, ...] = ()
    """The numbers whose front is marked."""
    sort: Goal | None = None
    """The number by which they stand, best first; None: as they were made."""


def sections(layout: Layout, found: Iterable[Outcome], choice: Choice) -> tuple[Section, ...]:
    """Return the rows of those variants of which the condition is not false, and their groups.

    Those of which nothing is known yet have none.
    """
    outcomes = sorted(found, key=lambda outcome: outcome.place)
    kept, marks, notes = outcomes, {}, []
    if choice.where is not None:
        verdicts = {each.place: holds(choice.where, each) for each in outcomes}
        kept = [each for each in outcomes if verdicts[each.place].holds is not False]
        marks = {place: _mark(verdict.holds, verdict.why) for place, verdict in verdicts.items()}
        notes.append(_of_condition(choice.where, [v.holds for v in verdicts.values()]))
    notes = [*_failures(kept), *notes, *_of_no_axis(layout)]
    kept = [each for each in kept if each.answers or each.refused]
    notes += [*_uncounted(kept), *_of_what_is_far(kept)]
    sure = [each for each in kept if not marks.get(each.place)]
    best = front(sure, choice.pareto) if choice.pareto else None
    if best is not None:
        notes.append(_of_front(sure, choice.pareto, best))
    if choice.sort is not None:
        kept = ranked(kept, choice.sort)
    rows = [_row(layout, each, marks.get(each.place, ""), best) for each in kept]
    made = variants_of(layout).filled(
        rows,
        notes=tuple(notes),
        headline=tuple(_headlines(outcomes, sure, best, choice)),
    )
    groups = groups_of(layout).filled(_groups(layout, kept)) if layout.group else None
    return (made,) if groups is None else (groups, made)


def _mark(verdict: bool | None, why: str) -> str:
    """Return what a row says of a condition that is not known to hold; empty where it holds."""
    return "" if verdict else f"unknown: {why}"


def _row(layout: Layout, outcome: Outcome, mark: str, best: frozenset[int] | None) -> Any:
    values = {axis_field(axis): _plain(outcome.value(axis)) for axis in layout.names}
    for each in layout.measured:
        found = outcome.of(each.measure, each.dimension)
        field = layout.field_of(each)
        values[field] = _value(found, each)
        values[f"{field}_is"] = found.bound or ("exact" if found.values else "unknown")
    unknown = (
        each for each in layout.measured if not outcome.of(each.measure, each.dimension).values
    )
    whys = (f"{each.heading}: {outcome.of(each.measure, each.dimension).why}" for each in unknown)
    roads = {a.analysis: a.road for a in outcome.answers if a.road}
    return variants_of(layout).row_type(
        number=outcome.place + 1,
        **values,
        residual=outcome.residual,
        pareto=None if best is None else outcome.place in best,
        holds=mark,
        reason=outcome.reason or ("not asked yet" if outcome.status == "open" else "; ".join(whys)),
        status=outcome.status,
        road="; ".join(f"{name}: {road}" for name, road in roads.items()),
        model=outcome.command,
    )


def _plain(value: Any) -> Any:
    """Return a value as a cell holds it: a number, a switch or a text; a list as it is typed."""
    if isinstance(value, list | tuple):
        return specs.listed(value)
    return value if isinstance(value, int | float | str | None) else str(value)


def _value(found: Found, each: Measured) -> Any:
    """Return what is known as a cell holds it: one number where there is one axis."""
    if each.dimension == "switch":
        return bool(all(found.values)) if found.values else None
    values = tuple(_number(value, each.dimension) for value in found.values)
    return (values[0] if len(values) == 1 else values) if values else None


def _number(value: Any, dimension: Dimension) -> int | float:
    if isinstance(value, Fraction):
        whole = value.denominator == 1 and dimension not in ("time", "share")
        return int(value) if whole else float(value)
    return float(value) if dimension in ("time", "share") else value


def _of_no_axis(layout: Layout) -> Iterator[Note]:
    if not layout.names:
        text = (
            "no field has several values: write a range 4:16 or a list 6,12,24; if the field is a "
            "list itself, separate the values by ;, e.g. 8;16;32"
        )
        yield Note(level="info", text=text)


def _failures(outcomes: Sequence[Outcome]) -> Iterator[Note]:
    """Say how many variants failed, why most of them did, and how many are not asked yet."""
    failed = [each for each in outcomes if each.status == "failed"]
    if failed:
        reasons = Counter(each.reason for each in failed).most_common()
        details = [f"{count:,} × {reason}" for reason, count in reasons[:_MOST_REASONS]]
        more = len(reasons) - _MOST_REASONS
        yield Note(
            level="warning",
            text=f"{_variants(len(failed))} of {len(outcomes):,} failed",
            details=(*details, *([f"and {more:,} other reasons"] if more > 0 else [])),
        )
    waiting = sum(each.status == "open" for each in outcomes)
    if waiting:
        yield Note(level="warning", text=f"{_variants(waiting)} of {len(outcomes):,} not asked yet")


def _uncounted(outcomes: Sequence[Outcome]) -> Iterator[Note]:
    """Say of how many rows no engine has counted anything."""
    told = sum(any(answer.road == CENSUS for answer in each.answers) for each in outcomes)
    if told:
        text = (
            f"{_variants(told)} counted only in closed form, because a condition ruled them out; "
            "without it both engines count them"
        )
        yield Note(level="info", text=text)


def _of_what_is_far(outcomes: Sequence[Outcome]) -> Iterator[Note]:
    """Say where the nearest value of a field is not near: the field may not change the measure."""
    missed = [off for each in outcomes if (off := each.residual) is not None and abs(off) > _FAR]
    if missed:
        text = (
            f"{_variants(len(missed))} can come no nearer to what --iso asks; the furthest is off "
            f"by {max(missed, key=abs):+,.0%}"
        )
        yield Note(level="warning", text=text)


def _of_condition(condition: Condition, verdicts: Sequence[bool | None]) -> Note:
    counts = Counter(verdicts)
    said = [f"it holds of {counts[True]:,} of {_variants(len(verdicts))}"]
    if counts[None]:
        said.append(f"of {counts[None]:,} that is not known")
    if counts[False]:
        said.append(f"{counts[False]:,} {'is' if counts[False] == 1 else 'are'} left out")
    return Note(
        level="ok" if counts[True] else "warning", text=f"{condition.text}: {', '.join(said)}"
    )


def _of_front(outcomes: Sequence[Outcome], goals: Sequence[Goal], best: frozenset[int]) -> Note:
    ends = ", ".join(f"{'most' if each.more else 'least'} {each.name}" for each in goals)
    unsure = sum(any(goal.of(each) is None for goal in goals) for each in outcomes)
    aside = f"; {_variants(unsure)} without exact values are not ranked"
    level = "info" if best else "warning"
    return Note(
        level=level,  # type: ignore[arg-type]
        text=f"{_variants(len(best))} on the Pareto front of {ends}{aside if unsure else ''}",
    )


def _variants(count: int) -> str:
    return f"{count:,} variant{'s' * (count != 1)}"


def _headlines(
    outcomes: Sequence[Outcome],
    sure: Sequence[Outcome],
    best: frozenset[int] | None,
    choice: Choice,
) -> Iterator[Headline]:
    failed = sum(each.status == "failed" for each in outcomes)
    yield Headline(name="Variants", value=len(outcomes), kind="count", order=10)
    if failed:
        yield Headline(name="Failed", value=failed, kind="count", level="warning", order=20)
    if choice.where is not None:
        met = Headline(name="Meet the condition", value=len(sure), kind="count", order=30)
        yield met
    if best is not None:
        yield Headline(name="On the Pareto front", value=len(best), kind="count", order=40)


def _groups(layout: Layout, outcomes: Sequence[Outcome]) -> Iterator[Any]:
    """Yield a row for each value of the field that variants are grouped by."""
    found: dict[Any, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(_plain(outcome.value(layout.group)), []).append(outcome)
    for value, members in found.items():
        ends: dict[str, Any] = {}
        for each in layout.measured:
            cells = (_value(outcome.of(each.measure, each.dimension), each) for outcome in members)
            known = [cell for cell in cells if cell is not None]
            field = layout.field_of(each)
            ends |= {f"least_{field}": min(known, default=None)}
            ends |= {f"most_{field}": max(known, default=None)}
        yield groups_of(layout).row_type(
            **{axis_field(layout.group): value},
            number=len(members),
            failed=sum(each.status == "failed" for each in members),
            **ends,
        )
