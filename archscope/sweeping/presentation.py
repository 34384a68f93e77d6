"""What to show of a sweep, in the user's words, and which measures that needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from archscope.columns import Kind
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.records import frozen
from archscope.studies import measures
from archscope.studies.sweep.choosing import asked_by, goal, require_rate
from archscope.studies.sweep.rows import Layout, Measured, axis_field
from archscope.sweeping.conditions import condition_of


@frozen
class Wish:
    """Which variants are shown and how, in the user's words."""

    where: str | None = None
    """A condition, e.g. `params < 100k and rf >= 1s`."""
    pareto: tuple[str, ...] = ()
    """Numbers whose front is marked."""
    sort: str | None = None
    """The number by which they stand, best first."""
    group: str | None = None
    """The field that they are grouped by."""
    plot: tuple[str, ...] = ()
    """What a page draws: the number to the right, the number upwards, the colour."""


def measures_of(wish: Wish, fields: Mapping[str, bool], rate: str | None) -> tuple[str, ...]:
    """Return the measures that a wish names; raises `UsageError` where it cannot be granted."""
    names: list[str] = []
    if wish.where is not None:
        condition = condition_of(wish.where, fields)
        if rate is None:
            require_rate(condition)
        names += asked_by(condition)
    goals = [goal(word, tuple(fields)) for word in wish.pareto]
    goals += [goal(wish.sort, tuple(fields), ranked=True)] if wish.sort else []
    drawn = (same_word(word, measures.measures()) for word in wish.plot)
    ranked = (each.name for each in goals if each.is_measure)
    return (*names, *ranked, *(name for name in drawn if name is not None and name not in fields))


def check_wish(wish: Wish, layout: Layout, fields: Collection[str]) -> None:
    """Raise `UsageError` where variants cannot be grouped or drawn by what a wish names."""
    group = None if wish.group is None else same_word(wish.group, (*layout.names, *fields))
    if wish.group is not None and group is None:
        near = did_you_mean(wish.group, [*layout.names, *fields])
        raise UsageError(f"--group {wish.group}: there is no such field here.{near}")
    plotted(wish, layout)


def plotted(wish: Wish, layout: Layout) -> list[str]:
    """Return the fields of rows that a page draws; raises `UsageError` for what is none."""
    if len(wish.plot) not in (0, 2, 3):
        raise UsageError("--plot takes two names or three: x,y or x,y,colour")
    known = _fields_by_word(layout)
    for word in wish.plot:
        if same_word(word, known) is None:
            near = did_you_mean(word, list(known))
            raise UsageError(f"--plot {word}: it is neither an axis nor a measure here.{near}")
    return plotted_fields(wish.plot, layout)


def plotted_fields(words: Iterable[str], layout: Layout) -> list[str]:
    """Return the fields of rows that words name, those that name one."""
    known = _fields_by_word(layout)
    names = (same_word(word.strip().removeprefix("-"), known) for word in words)
    return [known[name] for name in names if name is not None]


def _fields_by_word(layout: Layout) -> dict[str, str]:
    known = {name: axis_field(name) for name in layout.names}
    return known | {each.heading: layout.field_of(each) for each in layout.measured}


def layout_of(
    axes: Sequence[tuple[str, Kind]], names: Sequence[str], rate: str | None, group: str | None
) -> Layout:
    """Return what the rows of a sweep have fields for: its axes, and measures by their names."""
    measured = []
    for each in measures.chosen(names):
        measured.append(Measured(measure=each.name, dimension=each.dimension))
        in_time = "time" in each.quantity.dimensions and each.dimension != "time"
        if in_time and rate is not None:
            measured.append(Measured(measure=each.name, dimension="time"))
    return Layout(axes=tuple(axes), measured=tuple(measured), group=group or "")
