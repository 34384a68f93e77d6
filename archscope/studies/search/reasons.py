"""Why the best is no better: which condition binds, and what relaxing it would gain."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.assertions import Number
from archscope.records import frozen
from archscope.studies.search.bounds import Bounds, Box
from archscope.studies.search.optimum import (
    Distance,
    Goal,
    Miss,
    Problem,
    Term,
    Trail,
    missed,
    ranked,
)
from archscope.studies.search.variants import Place
from archscope.studies.where import Condition

Ranked = tuple[Place, tuple[Number, ...]]
"""A variant, and what ranks it."""


def first(
    bounds: Bounds, problem: Problem, start: Box | None = None
) -> tuple[Ranked | None, Trail]:
    """Return the best variant, if there is one, and what the search came across."""
    trail = Trail()
    return next(ranked(bounds, problem, trail, start), None), trail


@frozen
class Price:
    """What one condition costs."""

    part: Condition
    """The condition."""
    binds: bool | None
    """Whether the best would be better without it; None: not known."""
    without: Ranked | None = None
    """The best without it, where it binds."""
    relaxed: Ranked | None = None
    """The variant that misses its limit by least, of those that are better."""
    is_proven: bool = True
    """Whether no variant that is not known in full may be better than these, or nearer."""


def prices(bounds: Bounds, problem: Problem, best: Ranked) -> Iterator[Price]:
    """Yield what each condition costs, given the best that meets them all."""
    better = (problem.terms[0], best[1][0])
    for part in problem.parts:
        others = _without(problem.parts, part)
        found, trail = first(bounds, Problem(parts=others, terms=problem.terms, better=better))
        if found is None:
            yield Price(part=part, binds=False if trail.is_whole else None)
            continue
        relaxed, is_proven = None, trail.is_whole
        if part.limit is not None:
            terms: tuple[Term, ...] = (Miss(limits=(part.limit,)), *problem.terms)
            nearer = Problem(parts=others, terms=terms, better=better)
            relaxed, trail = first(bounds, nearer)
            is_proven = is_proven and trail.is_whole
        yield Price(part=part, binds=True, without=found, relaxed=relaxed, is_proven=is_proven)


@frozen
class Conflict:
    """Conditions that no variant meets together; without any one of them some do."""

    parts: tuple[Condition, ...]
    """These."""
    extremes: tuple[tuple[Condition, Ranked, Goal], ...]
    """For each that is a limit, what the others leave of it at most, or at least, if known."""
    is_proven: bool
    """Whether all variants are decided."""


def conflict(bounds: Bounds, parts: tuple[Condition, ...]) -> Conflict:
    """Return conditions of these that cannot hold together, as few as taking one by one leaves."""
    core, proven = parts, True
    for part in parts:
        fewer = _without(core, part)
        found, trail = first(bounds, Problem(parts=fewer, terms=()))
        if found is None and trail.is_whole:
            core = fewer
    found, trail = first(bounds, Problem(parts=core, terms=()))
    proven = found is None and trail.is_whole
    return Conflict(parts=core, extremes=tuple(_extremes(bounds, core)), is_proven=proven)


def _extremes(
    bounds: Bounds, core: tuple[Condition, ...]
) -> Iterator[tuple[Condition, Ranked, Goal]]:
    for part in core:
        limit = part.limit
        if limit is None or limit.sign == "!=":
            continue
        sense = "minimise" if limit.sign.startswith("<") else "maximise"
        goal = Goal(name=limit.name, dimension=limit.dimension, sense=sense)  # type: ignore[arg-type]
        term: Term = goal
        if limit.sign == "==":
            term = Distance(name=limit.name, dimension=limit.dimension, wanted=limit.amount)
        found, trail = first(bounds, Problem(parts=_without(core, part), terms=(term,)))
        if found is not None and trail.is_whole:
            yield part, found, goal


@frozen
class Near:
    """The variant that misses the conditions by least."""

    place: Place
    misses: tuple[tuple[Condition, Number], ...]
    """What it misses, and by what share of the limit."""
    is_proven: bool
    """Whether no variant that is not known in full may come nearer."""


def nearest_miss(bounds: Bounds, problem: Problem) -> Near | None:
    """Return the variant that misses limits by least, as shares of them together.

    Conditions that are not limits must hold. None where no variant does.
    """
    limits = [(part, part.limit) for part in problem.parts if part.limit is not None]
    hard = tuple(part for part in problem.parts if part.limit is None)
    terms: tuple[Term, ...] = (Miss(limits=tuple(limit for _, limit in limits)), *problem.terms)
    found, trail = first(bounds, Problem(parts=hard, terms=terms))
    if found is None or not limits:
        return None
    box = tuple((at, at) for at in found[0])
    each = [(part, limit, missed(bounds, box, limit)) for part, limit in limits]
    broken = [(part, by) for part, limit, by in each if by or _at_edge(bounds, box, part)]
    return Near(place=found[0], misses=tuple(broken), is_proven=trail.is_whole)


def _at_edge(bounds: Bounds, box: Box, part: Condition) -> bool:
    """Return whether a limit is missed by nothing: it must not be reached, and is."""
    return bounds.verdict(box, part) is False


def _without(parts: tuple[Condition, ...], part: Condition) -> tuple[Condition, ...]:
    return tuple(other for other in parts if other is not part)
