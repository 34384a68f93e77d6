"""How evenly a stack's paths fall on the phases of its own rates, and the most even of schedules.

Coverage asks whether a position is seen; ripple asks whether every 2nd, 3rd, ... position is seen
more often than the others, which shows as a faint grid.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import inf

from archscope.theory.combs import Comb, combs, reach
from archscope.theory.layers import Stack

RIPPLE_LIMIT = 1 << 22
"""Additions up to which `find_ripple` answers (under a second)."""
DIGITS = 12
"""Decimals of a ripple: equal ones differ in their last bits."""
COMPARED_LIMIT = 400
"""Schedules that `find_smoothest` compares at most."""
COMPARED_WORK = 1 << 21
"""Additions that it may make in comparing (about 0.3 s)."""


def find_ripple(stack: Stack) -> float | None:
    """Return how unevenly the paths fall on the phases of the stack's own rates; 0 is even.

    The largest total-variation distance, over the effective rates m, between the share of the paths
    that each position modulo m gets and the share of the window that it is. None where it takes
    more than `RIPPLE_LIMIT` additions.
    """
    teeth = combs(stack)
    return None if _work(teeth) > RIPPLE_LIMIT else _ripple(teeth)


def _ripple(teeth: tuple[Comb, ...], most: float = inf) -> float:
    """Return the ripple; where it is seen to be more than `most`, what was seen until then."""
    found = 0.0
    for rate in sorted({comb.rate for comb in teeth}):  # the least work first
        found = max(found, _phase_distance(teeth, rate))
        if round(found, DIGITS) > most:
            break
    return found


def find_smoothest(
    made: Callable[[tuple[int, ...]], Stack], schedules: Iterator[tuple[int, ...]]
) -> tuple[tuple[int, ...] | None, int]:
    """Return the schedule of least ripple in the stack made of it, and how many were compared.

    Compares the first `COMPARED_LIMIT`, fewer where they are wide; None where there are none.
    """
    first = next(schedules, None)
    if first is None:
        return None, 0
    work = _work(combs(made(first)))
    others = list(islice(schedules, min(COMPARED_LIMIT - 1, COMPARED_WORK // (work + 1))))
    if not others:
        return first, 1

    least: tuple[float, tuple[int, ...]] = (inf, ())
    smoothest = first
    for dilations in (first, *others):
        teeth = combs(made(dilations))
        seen = 1.0 if _work(teeth) > RIPPLE_LIMIT else _ripple(teeth, least[0])
        ripple = round(seen, DIGITS)
        steepness = tuple(-rate for rate in dilations)  # of equals the steepest
        if (ripple, steepness) < least:
            least, smoothest = (ripple, steepness), dilations
    return smoothest, 1 + len(others)


def _work(teeth: Iterable[Comb]) -> int:
    teeth = tuple(teeth)
    return sum({comb.rate for comb in teeth}) * sum(comb.taps for comb in teeth)


def _phase_distance(teeth: tuple[Comb, ...], period: int) -> float:
    phases = [1] + [0] * (period - 1)
    for comb in teeth:
        if comb.rate % period:
            turns = (tap * comb.rate % period for tap in range(comb.taps))
            copies = [phases[period - turn :] + phases[: period - turn] for turn in turns]
            phases = list(map(sum, zip(*copies, strict=True)))
    total, hull = sum(phases), reach(teeth)
    whole, rest = divmod(hull, period)
    box = (whole + (phase < rest) for phase in range(period))
    apart = sum(abs(have * hull - want * total) for have, want in zip(phases, box, strict=True))
    return apart / (2 * total * hull)
