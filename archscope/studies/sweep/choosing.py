"""Which variants meet a condition, which are on the Pareto front, and in which order they stand.

Pure functions of outcomes. A number that is unknown, or no more than a bound, decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from archscope.assertions import Dimension, Found, Number, Quantity
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.records import frozen
from archscope.studies.measures import measure, measures
from archscope.studies.sweep.outcomes import Outcome
from archscope.studies.where import Condition, Verdict, read_condition


@frozen
class Goal:
    """A number by which variants are ranked, and which end of it is better."""

    name: str
    """A measure or a field."""
    look: Callable[[Outcome], Found]
    """What is known of it, of one variant."""
    more: bool
    """Whether more of it is better."""
    is_measure: bool = True
    """Whether it is measured; else it is a field of the spec."""

    def of(self, outcome: Outcome) -> Number | None:
        """Return the number of one variant, along its worst axis; None where it is not known."""
        found = self.look(outcome)
        if not found.values or found.bound:
            return None
        return min(found.values) if self.more else max(found.values)


def switches_among(outcomes: Iterable[Outcome]) -> dict[str, bool]:
    """Return the fields that any of these variants has, and whether each is so or not."""
    found: dict[str, bool] = {}
    for outcome in outcomes:
        for name, value in outcome.fields.items():
            found[name] = found.get(name, True) and isinstance(value, bool)
    return found


def goal(text: str, fields: Sequence[str], *, ranked: bool = False) -> Goal:
    """Return what a word says of ranking: a measure or a field, `-` before it for the other end.

    A measure's better end is its own; of a field, and where variants are `ranked` in order, of what
    has no better end, less comes first. Raises `UsageError` with the nearest name.
    """
    word = text.strip().removeprefix("-")
    known = measures()
    name = same_word(word, known) or same_word(word, fields)
    if name is None:
        near = did_you_mean(word, [*known, *fields])
        raise UsageError(
            f"there is no measure and no field called {word!r} here.{near} `archscope list "
            "measures` names all measures"
        )
    if name not in known:
        more = text.strip().startswith("-")
        return Goal(
            name=name, look=lambda outcome: outcome.field(name), more=more, is_measure=False
        )
    of = known[name]
    if not of.quantity.better and not ranked:
        raise UsageError(
            f"{name}: neither more nor less of it is better, so it cannot rank variants"
        )
    more = (of.quantity.better == "more") != text.strip().startswith("-")
    return Goal(name=name, look=lambda outcome: outcome.of(name, of.dimension), more=more)


def front(outcomes: Sequence[Outcome], goals: Sequence[Goal]) -> frozenset[int]:
    """Return the places of those that no other is at least as good as in all and better in one.

    Those of which a number is not known exactly are not among them, nor do they beat any.
    """
    known = [(each.place, _signed(each, goals)) for each in outcomes]
    points = [(place, numbers) for place, numbers in known if None not in numbers]
    points.sort(key=lambda point: point[1])  # whoever beats another comes before it
    kept: list[tuple[int, tuple[Any, ...]]] = []
    for place, numbers in points:
        if not any(_beats(other, numbers) for _, other in kept):
            kept.append((place, numbers))
    return frozenset(place for place, _ in kept)


def _signed(outcome: Outcome, goals: Sequence[Goal]) -> tuple[Any, ...]:
    """Return the numbers of a variant so that less is better."""
    numbers = ((goal.of(outcome), goal.more) for goal in goals)
    return tuple(None if number is None else -number if more else number
                 for number, more in numbers)  # fmt: skip


def _beats(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def ranked(outcomes: Iterable[Outcome], by: Goal) -> list[Outcome]:
    """Return variants with the best first; those of which the number is not known come last."""
    known = [(by.of(each), each) for each in outcomes]
    best = sorted(
        (pair for pair in known if pair[0] is not None),
        key=lambda pair: (-pair[0] if by.more else pair[0], pair[1].place),  # type: ignore[operator]
    )
    return [each for _, each in best] + [each for number, each in known if number is None]


def read_where(text: str, fields: Sequence[str], switches: Sequence[str] = ()) -> Condition:
    """Return a condition over measures, and over fields where no measure is called so."""
    known = {name: each.quantity for name, each in measures().items()}
    for name in fields:
        dimensions: tuple[Dimension, ...] = ("switch",) if name in switches else ("count",)
        quantity = Quantity(name=name, dimensions=dimensions, read=_unread, help="a field")
        known.setdefault(name, quantity)
    return read_condition(text, known)


def _unread(report: Any, dimension: Dimension) -> Found:
    raise TypeError("a field is read of a spec")


def holds(condition: Condition, outcome: Outcome) -> Verdict:
    """Return whether a condition holds of a variant."""
    known = measures()

    def look(name: str, dimension: Dimension) -> Found:
        return outcome.of(name, dimension) if name in known else outcome.field(name)

    return condition.of(look)


def asked_by(condition: Condition) -> Mapping[str, tuple[Dimension, ...]]:
    """Return the measures that a condition reads, each with the dimensions that it reads it in."""
    found: dict[str, dict[Dimension, None]] = {}

    def look(name: str, dimension: Dimension) -> Found:
        if name in measures():
            found.setdefault(name, {})[dimension] = None
        return Found()

    condition.of(look)
    return {name: tuple(dimensions) for name, dimensions in found.items()}


def require_rate(condition: Condition) -> None:
    """Raise `UsageError` where a condition needs to know how many positions a second has."""
    for name, dimensions in asked_by(condition).items():
        if "time" in dimensions and measure(name).dimension != "time":
            raise UsageError(
                f"--where {condition.text!r}: {name} in seconds needs --sample-rate, e.g. 16kHz"
            )
