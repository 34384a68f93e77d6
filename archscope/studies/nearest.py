"""The integer at which a measure comes nearest to what is wanted: `params=124M`.

Bisection over the integers that make a network, where the measure only grows or only shrinks along
them; else all of them are looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from archscope.assertions import Number
from archscope.records import frozen

_NEAR = 4096
"""Integers beside one that makes no network which are tried in its place."""


@frozen
class Point:
    """An integer, and the measure there."""

    value: int
    number: Number


Evaluate = Callable[[int], Number | None]
"""The measure at an integer; None where no network can be made of it."""


def nearest(
    wanted: Fraction, low: int, high: int, evaluate: Evaluate, *, monotone: bool = True
) -> Point | None:
    """Return the integer from `low` to `high` that comes nearest, of equals the first; None: none.

    Where the measure is not `monotone` along them each is looked at.

    >>> nearest(Fraction(50), 1, 100, lambda n: n * n)
    Point(value=7, number=49)
    """
    search = _Search(wanted, low, high, evaluate)
    if not monotone:
        every = filter(None, map(search.at, range(low, high + 1)))
        return min(every, key=search.misses, default=None)
    first = search.near(low, 1)
    if first is None:
        return None
    below, above = search.bracket(first)
    while above is not None:
        middle = search.between(below.value, above.value)
        if middle is None:
            break
        if search.is_below(middle.number):
            below = middle
        else:
            above = middle
    return min([below] if above is None else [below, above], key=search.misses)


class _Search:
    def __init__(self, wanted: Fraction, low: int, high: int, evaluate: Evaluate) -> None:
        self._wanted, self._low, self._high, self._evaluate = wanted, low, high, evaluate
        self._known: dict[int, Number | None] = {}
        self._falls = False

    def at(self, value: int) -> Point | None:
        """Return the measure at a value; None where no network can be made of it."""
        if value not in self._known:
            self._known[value] = self._evaluate(value)
        number = self._known[value]
        return None if number is None else Point(value=value, number=number)

    def misses(self, point: Point) -> Fraction:
        """Return by how much a point misses what is wanted."""
        return abs(Fraction(point.number) - self._wanted)

    def near(self, value: int, step: int, end: int | None = None) -> Point | None:
        """Return the first value in a direction that makes a network, before an end."""
        for tried in range(_NEAR):
            one = value + tried * step
            if one == end or not self._low <= one <= self._high:
                return None
            found = self.at(one)
            if found is not None:
                return found
        return None

    def is_below(self, number: Number) -> bool:
        """Return whether the measure lies on the side of small values."""
        return number > self._wanted if self._falls else number < self._wanted

    def bracket(self, first: Point) -> tuple[Point, Point | None]:
        """Return two values between which the measure is met; None: it is met nowhere above."""
        below = first
        while True:
            above = self.near(2 * below.value + 1, 1) or self.near(self._high, -1, below.value)
            if above is None:
                return below, None
            if below is first:
                self._falls = above.number < first.number
                if not self.is_below(first.number):
                    return first, None
            if not self.is_below(above.number):
                return below, above
            below = above

    def between(self, low: int, high: int) -> Point | None:
        """Return a value between two, the nearest to their middle that makes a network."""
        middle = (low + high) // 2
        return self.near(middle, -1, low) or self.near(middle + 1, 1, high)
