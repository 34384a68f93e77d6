"""Variants with one thing in common: for each choice of the others, the nearest to a target."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, product
from math import prod

from archscope.assertions import Number
from archscope.errors import SpecError, UsageError
from archscope.studies.nearest import nearest
from archscope.studies.search.bounds import Bounds
from archscope.studies.search.optimum import Distance, Problem, Trail, why_unknown
from archscope.studies.search.question import Question, problem_of
from archscope.studies.search.reasons import Ranked
from archscope.studies.search.variants import Place, Variants

SERIES_LIMIT = 2_000
"""Variants of all other axes up to which an axis is solved for each."""


def series(bounds: Bounds, question: Question, trail: Trail) -> tuple[Ranked, ...]:
    """Return, for every choice on the other axes, the value of one axis that comes nearest.

    What is not a network, and what is not known, goes into the `trail`.
    """
    assert question.iso is not None
    variants = bounds.variants
    at = solved_axis(variants, question)
    problem = problem_of(question, variants.family)
    others = [range(last + 1) if n != at else (0,) for n, (_, last) in enumerate(bounds.whole)]
    if prod(map(len, others)) > SERIES_LIMIT:
        raise UsageError(
            f"{prod(map(len, others)):,} choices on the other axes are too many; up to "
            f"{SERIES_LIMIT:,} are solved one by one"
        )
    found = []
    for place in product(*others):
        alike = _alike_at(bounds, question.iso, place, at, trail)
        if alike is not None:
            found.append(alike)
    return tuple(islice(_met(bounds, problem, question, found, trail), question.top))


def _alike_at(bounds: Bounds, iso: Distance, place: Place, at: int, trail: Trail) -> Place | None:
    """Return the variant that comes nearest of those that differ from a place on one axis alone."""
    variants = bounds.variants

    def there(n: int) -> Place:
        return (*place[:at], n, *place[at + 1 :])

    def evaluate(n: int) -> Number | None:
        bounds.looked += 1
        try:
            told = variants.found(there(n), iso.name, iso.dimension)
        except SpecError as error:
            trail.impossible.append((there(n), str(error)))
            return None
        if not told.values or told.bound:
            trail.unknown.append((there(n), why_unknown(iso.name, told)))
            return None
        return max(told.values)

    last = len(variants.axes[at].values) - 1
    monotone = bounds.trend(variants.axes[at].name, iso.name) in (1, -1)
    best = nearest(Fraction(iso.wanted), 0, last, evaluate, monotone=monotone)
    return None if best is None else there(best.value)


def _met(
    bounds: Bounds, problem: Problem, question: Question, places: list[Place], trail: Trail
) -> Iterator[Ranked]:
    """Yield those of some variants that meet the conditions, the best first."""
    kept: list[Ranked] = []
    for place in places:
        box = tuple((n, n) for n in place)
        if problem.parts:
            verdicts = [bounds.verdict(box, part) for part in problem.parts]
            if False in verdicts:
                continue
            if None in verdicts:
                trail.unknown.append((place, "a condition is not known of it"))
                continue
        rank = (question.goal.least(bounds, box),) if question.goal else ()
        kept.append((place, rank))
    yield from sorted(kept, key=lambda each: each[1]) if question.goal else kept


def solved_axis(variants: Variants, question: Question) -> int:
    """Return the number of the axis that is chosen for every choice on the others."""
    ordered = [axis for axis in variants.axes if axis.ordered and len(axis.values) > 1]
    found = [number for number, axis in enumerate(variants.axes) if axis.name == question.solve]
    if not found or not variants.axes[found[0]].ordered:
        names = ", ".join(axis.name for axis in ordered)
        what = f"--solve {question.solve}" if question.solve else "--iso"
        flag = f"--{question.solve.replace('_', '-') or 'FIELD'}"
        raise UsageError(
            f"{what}: no values of it are given; add a range, e.g. {flag} 8:64:8, or name with "
            f"--solve another numeric field; there are {names}"
        )
    return found[0]
