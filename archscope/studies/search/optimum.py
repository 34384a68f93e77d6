"""Branch and bound: the variants that meet conditions, the best first, and none left out.

Boxes of variants wait in the order of a bound on the best that they may hold. A box whose bounds
break a condition is dropped, any other is halved; the first single variant whose turn comes is the
best there is, the next one the second best. What a family says of its measures decides how many are
looked at, never which is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from fractions import Fraction
from heapq import heappop, heappush
from math import inf
from typing import Literal, Protocol

from archscope.assertions import Dimension, Found, Number
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.studies.search.bounds import Bounds, Box
from archscope.studies.search.variants import Place
from archscope.studies.where import Condition, Limit

WORK_LIMIT = 200_000
"""Boxes that a search looks at, at most (a few minutes)."""


class Term(Protocol):
    """A number by which variants are ranked; smaller is better."""

    @property
    def names(self) -> tuple[str, ...]:
        """What it is read from."""

    def least(self, bounds: Bounds, box: Box) -> Number:
        """Return a lower bound over a box; -inf where none is known."""

    def unknown(self, bounds: Bounds, box: Box) -> str:
        """Return what is not known of a single variant; empty where `least` is exact."""


@frozen
class Goal:
    """A measure or a field that is to be small, or large; of several axes the worst counts."""

    name: str
    dimension: Dimension
    sense: Literal["minimise", "maximise"] = "minimise"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def least(self, bounds: Bounds, box: Box) -> Number:
        return -inf if (found := self.found(bounds, box)) is None else self.rank(found)

    def unknown(self, bounds: Bounds, box: Box) -> str:
        return _unknown(bounds, box, self.name, self.dimension)

    def found(self, bounds: Bounds, box: Box) -> Found | None:
        """Return the best that a box may hold; None where nothing is known."""
        small = self.sense == "minimise"
        look = bounds.least if small else bounds.most
        found = look(box, self.name, self.dimension)
        told = found.bound in ("", "at least" if small else "at most")
        return found if found.values and told else None

    def rank(self, found: Found) -> Number:
        """Return what it ranks by."""
        return max(found.values) if self.sense == "minimise" else -min(found.values)

    def value(self, rank: Number) -> Number:
        """Return the number that has a rank."""
        return rank if self.sense == "minimise" else -rank


@frozen
class Miss:
    """By how much limits are missed, each as a share of itself, all together."""

    limits: tuple[Limit, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(limit.name for limit in self.limits)

    def least(self, bounds: Bounds, box: Box) -> Number:
        return sum((missed(bounds, box, limit) for limit in self.limits), Fraction(0))

    def unknown(self, bounds: Bounds, box: Box) -> str:
        found = (_unknown(bounds, box, one.name, one.dimension) for one in self.limits)
        return "; ".join(filter(None, found))


def _unknown(bounds: Bounds, box: Box, name: str, dimension: Dimension) -> str:
    """Return what is not known exactly of a single variant; empty where it is."""
    found = bounds.least(box, name, dimension)
    return "" if found.values and not found.bound else why_unknown(name, found)


def why_unknown(name: str, found: Found) -> str:
    """Return that a measure is not known exactly, and why, in a clause."""
    because = f", because {found.why}" if found.why else ""
    return f"{name} is {'no more than a bound' if found.values else 'unknown'}{because}"


def missed(bounds: Bounds, box: Box, limit: Limit) -> Fraction:
    """Return by what share of itself a limit is missed over a box at least."""
    name, dimension, amount = limit.name, limit.dimension, limit.amount
    scale = abs(Fraction(amount)) or Fraction(1)
    over, under = Fraction(0), Fraction(0)
    if limit.sign in ("<", "<=", "=="):
        least = bounds.least(box, name, dimension)
        if least.values and least.bound != "at most":
            over = max(Fraction(max(least.values)) - Fraction(amount), Fraction(0))
    if limit.sign in (">", ">=", "=="):
        most = bounds.most(box, name, dimension)
        if most.values and most.bound != "at least":
            under = max(Fraction(amount) - Fraction(min(most.values)), Fraction(0))
    return max(over, under) / scale


@frozen
class Distance:
    """How far a measure is from a number."""

    name: str
    dimension: Dimension
    wanted: Number

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def least(self, bounds: Bounds, box: Box) -> Number:
        limit = Limit(name=self.name, dimension=self.dimension, sign="==", amount=self.wanted)
        return missed(bounds, box, limit)

    def unknown(self, bounds: Bounds, box: Box) -> str:
        return _unknown(bounds, box, self.name, self.dimension)


@frozen
class Problem:
    """What is wanted of variants."""

    parts: tuple[Condition, ...]
    """What must hold, all of it."""
    terms: tuple[Term, ...]
    """What they are ranked by, the first before the others; of equals the first in the space."""
    better: tuple[Term, Number] | None = None
    """A term that must be smaller than a number."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that is measured for it."""
        read = [name for part in self.parts for name in part.names]
        read += [name for term in self.terms for name in term.names]
        read += self.better[0].names if self.better else ()
        return tuple(dict.fromkeys(read))


@frozen
class Trail:
    """What a search came across, filled as it goes."""

    impossible: list[tuple[Place, str]] = field(default_factory=list)
    """Variants that are not networks, and why."""
    unknown: list[tuple[Place, str]] = field(default_factory=list)
    """Variants of which it is not known whether they meet the conditions, and why."""
    cut_short: list[int] = field(default_factory=list)
    """How many boxes were looked at where the search was given up; empty: it was not."""

    @property
    def is_whole(self) -> bool:
        """Whether all variants are decided, so that what was not found is not there."""
        return not self.unknown and not self.cut_short


def is_single(box: Box) -> bool:
    """Return whether a box is one variant."""
    return all(first == last for first, last in box)


def ranked(
    bounds: Bounds, problem: Problem, trail: Trail, start: Box | None = None
) -> Iterator[tuple[Place, tuple[Number, ...]]]:
    """Yield the variants of a box that meet a problem, and what ranks them, the best first."""
    names = problem.names
    waiting: list[tuple[tuple[Number, ...], Place, Box, tuple[Condition, ...]]] = []
    work = 0

    def wait(box: Box, parts: tuple[Condition, ...]) -> None:
        """Let a box wait for its turn, with the conditions that not all of it meets."""
        if problem.better is not None:
            term, limit = problem.better
            if term.least(bounds, box) >= limit:
                return
        verdicts = [bounds.verdict(box, part) for part in parts]
        if False not in verdicts:
            left = tuple(p for p, holds in zip(parts, verdicts, strict=True) if holds is None)
            rank = tuple(term.least(bounds, box) for term in problem.terms)
            heappush(waiting, (rank, tuple(first for first, _ in box), box, left))

    wait(bounds.whole if start is None else start, problem.parts)
    while waiting:
        rank, place, box, parts = heappop(waiting)
        if is_single(box):
            if _decided(bounds, problem, trail, place, box):
                yield place, rank
            continue
        for half in bounds.splits(box, names):
            wait(half, parts)
        work += 1
        if work > WORK_LIMIT:
            trail.cut_short.append(work)
            return


def _decided(bounds: Bounds, problem: Problem, trail: Trail, place: Place, box: Box) -> bool:
    """Return whether a variant is known to be one of those wanted; else note why it is not."""
    try:
        bounds.variants.at(place)
    except SpecError as error:
        trail.impossible.append((place, str(error)))
        return False
    bounds.check(box, problem.names)
    for part in problem.parts:
        verdict = part.of(lambda name, dimension: bounds.least(box, name, dimension))
        if verdict.holds is not True:
            trail.unknown.append((place, verdict.why or f"{part.text} is not known"))
            return False
    terms = (*problem.terms, *(problem.better[:1] if problem.better else ()))
    unknown = next(filter(None, (term.unknown(bounds, box) for term in terms)), "")
    if unknown:
        trail.unknown.append((place, unknown))
    return not unknown
