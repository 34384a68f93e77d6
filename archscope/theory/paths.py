"""How many paths lead from each input position to one output: the theoretical effective field.

With linear layers and independent weights the expected squared gradient is proportional to the
number of paths. Counts are exact Python integers; all counts of a window are one large integer
whose base-2^w digits they are, so that a layer costs a few shifts and additions.
"""

from collections.abc import Iterable
from math import exp, prod, sqrt

from archscope.records import frozen
from archscope.theory.combs import Comb, combs, common_rate, groups, reach
from archscope.theory.layers import Stack
from archscope.theory.metrics import entropy, held_width

DIGITS_LIMIT = 1 << 29
"""Bits that may be added up for all counts of a window (under a second)."""
POSITIONS_LIMIT = 1 << 18
"""Positions that may be listed with their counts."""


@frozen
class Paths:
    """The number of paths per position of one output's window, in a few numbers."""

    total: int
    """All paths from the input to one output: the product of all kernels."""
    smallest: int
    """Fewest paths from a position that is seen; 1, since the window's end has one path only."""
    largest: int | None
    """Most paths from one position."""
    sd: float
    """Standard deviation of the position of a path's start, in input positions."""
    uniformity: float | None
    """exp(entropy of the counts) / window: 1 where each position has as many paths."""
    width_95: int | None
    """Positions in the smallest centred window that holds 95% of all paths."""
    unknown: tuple[str, ...]
    """Names of the fields that are None because they were out of reach."""
    reason: str
    """Why, or an empty string."""


def paths(stack: Stack, *, limit: int = DIGITS_LIMIT, positions: int = POSITIONS_LIMIT) -> Paths:
    """Return the path counts of a stack without up-sampling, in a few numbers.

    A number that takes more than `limit` bits to be added up, or the counts of more than so many
    `positions`, is None and named in `unknown`.

    >>> from archscope.theory.layers import dilated
    >>> paths(dilated((1, 2, 4))).total
    27
    """
    teeth = combs(stack)
    hull = reach(teeth)
    counted = _count(teeth, limit, positions)
    listed = None if counted is None else _merged(counted, positions)
    largest = None if counted is None else prod(max(group.counts) for group in counted)
    uniformity = None if counted is None else _uniformity(counted, hull)
    width = None if listed is None else held_width(listed)
    fields = {"largest": largest, "uniformity": uniformity, "width_95": width}
    unknown = tuple(name for name, value in fields.items() if value is None)
    return Paths(
        total=prod(comb.taps for comb in teeth),
        smallest=1,
        largest=largest,
        sd=standard_deviation(teeth),
        uniformity=uniformity,
        width_95=width,
        unknown=unknown,
        reason=f"counting each of {hull} positions is out of reach" if unknown else "",
    )


def path_counts(stack: Stack, *, limit: int = DIGITS_LIMIT) -> tuple[int, ...] | None:
    """Return the number of paths from each position of the window, holes as 0, or None if too many.

    >>> from archscope.theory.layers import dilated
    >>> path_counts(dilated((2, 2)))
    (1, 0, 2, 0, 3, 0, 2, 0, 1)
    """
    teeth = combs(stack)
    counted = _count(teeth, limit, POSITIONS_LIMIT)
    listed = None if counted is None else _merged(counted, POSITIONS_LIMIT)
    if listed is None or reach(teeth) > POSITIONS_LIMIT:
        return None
    counts = [0] * reach(teeth)
    for position, number in listed:
        counts[position] = number
    return tuple(counts)


def standard_deviation(teeth: Iterable[Comb]) -> float:
    """Return the standard deviation of where a path starts, in input positions.

    Variances of uniform combs add up: sum of (k^2 - 1) / 12 (d J)^2 (Luo et al. 2016, section 2).
    """
    return sqrt(sum((comb.taps**2 - 1) * comb.rate**2 for comb in teeth) / 12)


@frozen
class _Counts:
    """The path counts of one group of combs, on its own grid."""

    scale: int
    """Input positions between neighbouring counts."""
    counts: tuple[int, ...]
    """Paths per cell, holes as 0."""


def _count(teeth: tuple[Comb, ...], limit: int, positions: int) -> list[_Counts] | None:
    found = []
    for group in groups(teeth):
        counts = _group_counts(group, limit, positions)
        if counts is None:
            return None
        found.append(counts)
    return found


def _group_counts(teeth: list[Comb], limit: int, positions: int) -> _Counts | None:
    scale = common_rate(teeth)
    cells = (reach(teeth) - 1) // scale + 1
    size = (prod(comb.taps for comb in teeth).bit_length() + 7) // 8
    if cells > positions or cells * size * 8 * len(teeth) > limit:
        return None
    number = 1
    for comb in teeth:
        number = _repeated_sum(number, comb.taps, comb.rate // scale * size * 8)
    data = number.to_bytes(cells * size, "little")
    counts = (int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size))
    return _Counts(scale=scale, counts=tuple(counts))


def _repeated_sum(number: int, copies: int, shift: int) -> int:
    # number * (1 + x + ... + x^(copies-1)) at x = 2^shift, by the binary digits of `copies`.
    total, done = number, 1
    for digit in f"{copies:b}"[1:]:
        total += total << done * shift
        done *= 2
        if digit == "1":
            total = number + (total << shift)
            done += 1
    return total


def _merged(counted: list[_Counts], positions: int) -> list[tuple[int, int]] | None:
    # Every position with paths and their number, ascending; coarser groups come last.
    if prod(len(group.counts) - group.counts.count(0) for group in counted) > positions:
        return None
    listed = [(0, 1)]
    for group in counted:
        listed = [
            (cell * group.scale + position, paths * number)
            for cell, number in enumerate(group.counts)
            if number
            for position, paths in listed
        ]
    return listed


def _uniformity(counted: list[_Counts], hull: int) -> float:
    # Positions of different groups are independent, so that their entropies add up.
    return exp(sum(entropy(group.counts) for group in counted)) / hull
