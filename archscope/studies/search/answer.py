"""Asks the question: the best variants, why they are no better, and the best of each choice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from archscope.records import frozen
from archscope.studies.search.bounds import Bounds, Box
from archscope.studies.search.optimum import (
    Problem,
    Trail,
    ranked,
)
from archscope.studies.search.question import Question, problem_of
from archscope.studies.search.reasons import (
    Conflict,
    Near,
    Price,
    Ranked,
    conflict,
    first,
    nearest_miss,
    prices,
)
from archscope.studies.search.series import series
from archscope.studies.search.variants import Axis, Variants


@frozen
class Best:
    """The best of one value of a field."""

    axis: Axis
    value: int
    """The number of the value on its axis."""
    found: Ranked | None
    proven: bool


@frozen
class Outcome:
    """The answer."""

    bounds: Bounds
    """What was worked out for it."""
    question: Question
    top: tuple[Ranked, ...]
    """The best variants, the best first."""
    trail: Trail
    prices: tuple[Price, ...] = ()
    """What each condition costs; empty where nothing meets them."""
    conflict: Conflict | None = None
    """What cannot be met together; None where something meets all."""
    near: Near | None = None
    """What misses the conditions by least, where nothing meets them."""
    choices: tuple[Best, ...] = ()
    """The best of each value of the fields whose values have no order."""

    @property
    def variants(self) -> Variants:
        return self.bounds.variants


def solved(variants: Variants, question: Question) -> Outcome:
    """Return the answer to a question about variants."""
    bounds = Bounds(variants)
    trail = Trail()
    if question.iso is not None:
        top = series(bounds, question, trail)
        return Outcome(bounds=bounds, question=question, top=top, trail=trail)
    problem = problem_of(question, variants.family)
    top = tuple(islice(_unlike(bounds, ranked(bounds, problem, trail)), question.top))
    if not top:
        return Outcome(
            bounds=bounds,
            question=question,
            top=(),
            trail=trail,
            conflict=conflict(bounds, problem.parts),
            near=nearest_miss(bounds, problem),
        )
    return Outcome(
        bounds=bounds,
        question=question,
        top=top,
        trail=trail,
        prices=tuple(prices(bounds, problem, top[0])),
        choices=tuple(_choices(bounds, problem)),
    )


def _unlike(bounds: Bounds, found: Iterator[Ranked]) -> Iterator[Ranked]:
    """Yield variants but for those that are the network of one before, in other words."""
    seen: set[Any] = set()
    for at, rank in found:
        spec = bounds.variants.at(at).spec
        if spec not in seen:
            seen.add(spec)
            yield at, rank


def _choices(bounds: Bounds, problem: Problem) -> Iterator[Best]:
    for number, axis in enumerate(bounds.variants.axes):
        if axis.ordered or not 1 < len(axis.values) < len(bounds.variants):
            continue
        for value in range(len(axis.values)):
            box = _with(bounds.whole, number, value)
            found, trail = first(bounds, problem, box)
            yield Best(axis=axis, value=value, found=found, proven=trail.is_whole)


def _with(box: Box, axis: int, value: int) -> Box:
    return (*box[:axis], (value, value), *box[axis + 1 :])
