"""Metrics of a set of positions and of the distribution of paths over it, defined once.

A set is the bits of one Python integer (`bits`) and has at least one position; `jump` is how many
positions lie from one output to the next. Paths are pairs of a position and their number, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from math import ceil, exp, floor, gcd, log, sqrt
from typing import Any, NamedTuple

from archscope.theory.bits import longest_run, ones, positions, spread


class Columns(NamedTuple):
    """Positions and numbers of paths as two arrays of numpy, which a million positions need."""

    positions: Any
    numbers: Any


Paths = Sequence[tuple[int, float]] | Columns
"""Positions, ascending, with the number of paths from each, or a share of all."""

ROUNDING = 1e-12
"""Share of all paths that may be lost where a share of them is held."""


def first(seen: int) -> int:
    """Return the first position of a set."""
    return (seen & -seen).bit_length() - 1


def hull(seen: int) -> int:
    """Return the number of positions from the first to the last; 0 for none.

    >>> hull(0b10100), hull(0)
    (3, 0)
    """
    return seen.bit_length() - first(seen) if seen else 0


@lru_cache(maxsize=1024)
def streams(seen: int, jump: int) -> int:
    """Return the number of interleaved networks that outputs with shifted copies of a set form.

    The greatest common divisor of all distances between outputs that share a position (Wang & Ji
    2018): 1 is one network, 0 means that no two outputs share any.

    >>> streams(0b10101, 1), streams(0b111, 3)
    (2, 0)
    """
    if seen & seen >> jump:  # neighbours share a position: the divisor of all distances is 1
        return 1
    if jump == 1:
        return _divisor(seen)
    nearest: dict[int, int] = {}
    found = 0
    for position in positions(seen):
        found = gcd(found, position - nearest.setdefault(position % jump, position))
        if found == jump:
            break
    return found // jump


def _divisor(seen: int) -> int:
    """Return the greatest common divisor of the distances within a set; 0 for one position."""
    inside = seen >> first(seen)
    found, left = 0, inside ^ 1
    while left:  # what lies at no multiple of the divisor so far
        found = gcd(found, first(left))
        left = inside & ~spread(1, -(-inside.bit_length() // found), found)
    return found


def overlap(seen: int, jump: int) -> float:
    """Return the overlap of what two neighbouring outputs see (Jaccard index)."""
    other = seen << jump
    return (seen & other).bit_count() / (seen | other).bit_count()


def input_use(seen: int, jump: int) -> float:
    """Return the share of all positions that any output sees.

    >>> input_use(0b1001, 2), input_use(0b10100, 2)
    (1.0, 0.5)
    """
    while seen.bit_length() > jump:  # the rest of a division, by halves
        half = -(-seen.bit_length() // (2 * jump)) * jump
        seen = seen >> half | seen & ones(half)
    return seen.bit_count() / jump


def runs(seen: int) -> list[tuple[int, int]]:
    """Return the first and the last position of each run of neighbours.

    >>> runs(0b1101001)
    [(0, 0), (3, 3), (5, 6)]
    """
    found, start = [], 0
    while seen:
        skipped = first(seen)
        start, seen = start + skipped, seen >> skipped
        length = first(~seen)
        found.append((start, start + length - 1))
        start, seen = start + length, seen >> length
    return found


def longest_gap(seen: int) -> int:
    """Return the length of the longest gap between two positions of a set."""
    inside = seen >> first(seen)
    return longest_run(inside ^ ones(inside.bit_length()))


def solid_core(seen: int) -> int:
    """Return the length of the run of positions through the centre, or nearest to it."""
    inside = seen >> first(seen)
    middle = (inside.bit_length() - 1) / 2
    before = (inside & ones(floor(middle) + 1)).bit_length() - 1
    after = ceil(middle) + first(inside >> ceil(middle))
    nearest = min(middle - before, after - middle)
    return max(_run(inside, at) for at in (before, after) if abs(at - middle) == nearest)


def _run(seen: int, at: int) -> int:
    """Return how many neighbours of a set lie around one of its positions, itself among them."""
    return first(~(seen >> at)) + at - (ones(at) & ~seen).bit_length()


def mean(paths: Paths) -> float:
    """Return the mean position over all paths."""
    if isinstance(paths, Columns):
        return float((paths.positions * paths.numbers).sum() / paths.numbers.sum())
    total = sum(number for _, number in paths)
    return sum(position * number for position, number in paths) / total


def standard_deviation(paths: Paths) -> float:
    """Return the standard deviation of paths: the theoretical effective receptive field."""
    middle = mean(paths)
    return sqrt(_sum(paths, lambda position, share: (position - middle) ** 2 * share))


def entropy(numbers: Iterable[float]) -> float:
    """Return the entropy of the shares of some numbers of paths, in nats."""
    known = [number for number in numbers if number]
    total = sum(known)
    shares = (number / total for number in known)  # of a thousand layers some are too small
    return -sum(share * log(share) for share in shares if share)


def uniformity(paths: Paths, hull: int) -> float:
    """Return exp(entropy) / window: 1 if all positions have equally many paths.

    >>> uniformity(((0, 1), (2, 1)), 3)
    0.6666666666666666
    """
    return exp(_entropy(paths)) / hull


def held_width(paths: Paths, share: float = 0.95) -> int:
    """Return the size of the smallest central window that holds a given share of paths.

    The middle is a position or half-way between two, so that the window is odd or even.

    >>> held_width(((0, 1), (1, 8), (2, 1)), 0.8), held_width(((0, 1), (1, 1)))
    (1, 2)
    """
    doubled = round(2 * mean(paths))
    if isinstance(paths, Columns):
        import numpy as np

        away = abs(2 * paths.positions - doubled)
        within = np.bincount(away, _shares_of(paths)).cumsum()
        return int(np.argmax(within >= min(share - ROUNDING, within[-1]))) + 1
    found: dict[int, float] = {}
    for position, part in _shares(paths):
        distance = abs(2 * position - doubled)
        found[distance] = found.get(distance, 0.0) + part
    held = 0.0
    for distance in sorted(found):
        held += found[distance]
        if held >= share - ROUNDING:
            return distance + 1
    return max(found) + 1


def _entropy(paths: Paths) -> float:
    if not isinstance(paths, Columns):
        return entropy(number for _, number in paths)
    import numpy as np

    shares = _shares_of(paths)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def _sum(paths: Paths, part: Callable[[Any, Any], Any]) -> float:
    """Return the sum of something of each position and its share of all paths."""
    if isinstance(paths, Columns):
        return float(part(paths.positions, _shares_of(paths)).sum())
    return float(sum(part(position, share) for position, share in _shares(paths)))


def _shares_of(paths: Columns) -> Any:
    return paths.numbers / paths.numbers.sum()


def _shares(paths: Iterable[tuple[int, float]]) -> Iterable[tuple[int, float]]:
    total = sum(number for _, number in paths)
    return ((position, number / total) for position, number in paths if number)
