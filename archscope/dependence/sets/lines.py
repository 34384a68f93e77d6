"""What a row of units sees along one axis of the input: window, step, holes, who shares what.

A set is the bits of a Python integer: bit i stands for position i.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise
from math import gcd

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.sets.sets import Sets, are_clipped, are_holed, firsts, kinds
from archscope.theory.metrics import longest_gap, streams

LONGEST_PERIOD = 128
"""Units after which a pattern of windows must repeat to be found, where some are left out."""
LONGEST_CYCLE = 4_096
"""The same where none is: a vocoder makes hundreds of samples of each frame."""
FEWEST_COPIES = 4
"""Units in a row whose windows are copies of one another, for the others to be cut short."""
FEWEST_TURNS = 3
"""Times that windows that go by turns must repeat, for others to be cut short."""
QUARTERS = 4
"""Parts of a row in each of which windows are wider than in the last, where they spread."""
EARLY = 4
"""Of how many units in a row those of the first of so many parts are the first few."""
SPREADING = 1 / 8
"""Positions by which windows are wider from unit to unit, at least, where they spread: the strides
of branches differ by more."""
UNITS_COMPARED = 1_024
"""Units that are compared one by one where their windows are not copies of one another."""


@dataclass(frozen=True, eq=False)
class Line:
    """Units in order, and what each sees of one axis."""

    size: int
    """Positions of the axis that is seen."""
    entries: NDArray[np.int64]
    """What each unit sees, as `algebra` knows it."""
    algebra: Sets
    in_order: bool = True
    """Whether the units lie in a row; else each kind of window is there once."""

    def seen(self, unit: int) -> int:
        """Return what a unit sees."""
        return self.algebra.bits(int(self.entries[unit]))

    @cached_property
    def sets(self) -> tuple[int, ...]:
        """What each unit sees."""
        return tuple(map(self.algebra.bits, self.entries.tolist()))

    @cached_property
    def clipped(self) -> tuple[bool, ...]:
        """Which units would see more, if the input did not end."""
        found: list[bool] = are_clipped(self.entries).tolist()
        return tuple(found)

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """What each unit sees, wherever it begins: equal for windows that are copies; 0: empty."""
        return kinds(self.entries)

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """The first position that each unit sees."""
        return firsts(self.entries)

    @cached_property
    def widths(self) -> NDArray[np.int64]:
        """The positions from the first to the last that each unit sees."""
        return self.algebra.widths(self.entries)

    @cached_property
    def interior(self) -> NDArray[np.int64]:
        """The units that no border cuts short, and that see anything.

        None where what is left of one that is cut short is wider than all of them: they are the few
        that look the other way. What comes round the ends has a hole. A mask cuts short without
        saying so (the first tokens under a window of attention); such are left out where all
        other windows are copies of one another, or of those some units before, and no narrower.
        """
        cut = are_clipped(self.entries)
        units = np.flatnonzero((self.kinds != 0) & ~cut)
        left = self.widths[cut & ~are_holed(self.entries)]
        if left.max(initial=0) > self.widths[units].max(initial=0):
            return units[:0]
        if not self.in_order or self._period(units) is not None:
            return units
        kept = self._copies(units)
        left = np.setdiff1d(units, kept)
        if self._ends_short(left, kept) or self._goes_round(left, kept) or self._cut(left, kept):
            return kept
        turns = (self._copies(units, each) for each in range(2, self._most_turns(units) + 1))
        rows = (each for each in turns if self._ends_short(np.setdiff1d(units, each), each))
        return next(rows, units)

    def _most_turns(self, units: NDArray[np.int64]) -> int:
        """Return after how many units windows may repeat; 0: none is there often enough."""
        most = np.unique(self.kinds[units], return_counts=True)[1].max(initial=0)
        return min(LONGEST_PERIOD, len(units) // FEWEST_TURNS) if most >= FEWEST_TURNS else 0

    def _ends_short(self, left: NDArray[np.int64], kept: NDArray[np.int64]) -> bool:
        """Return whether units that are not kept are at the ends, and see no more than others."""
        starts = self.firsts[left]
        at_ends = bool(((starts == 0) | (starts + self.widths[left] == self.size)).all())
        if not at_ends or len(kept) < FEWEST_COPIES:
            return False
        return int(self.widths[left].max(initial=0)) <= int(self.widths[kept].max())

    def _copies(self, units: NDArray[np.int64], period: int = 1) -> NDArray[np.int64]:
        """Return the longest run of units whose windows are copies of those some units before,
        each as far on as the last; empty where it is not long enough to tell.
        """
        found, starts = self.kinds[units], self.firsts[units]
        steps = starts[period:] - starts[:-period]
        steps = np.where(found[period:] == found[:-period], steps, 0)
        edges = np.flatnonzero(np.diff(steps, prepend=-1, append=-1))
        runs = [(b - a, -a) for a, b in pairwise(edges.tolist()) if steps[a] > 0]
        length, start = max(runs, default=(0, 0))
        if length < (FEWEST_TURNS - 1) * period * (period > 1) or not runs:
            return units[:0]
        return units[-start : length - start + period]

    @property
    def around(self) -> int:
        """How many units see what lies around the ends, as under circular padding; 0: none."""
        left = np.setdiff1d(np.flatnonzero(self.kinds), self.interior)
        return len(left) if self._goes_round(left, self.interior) else 0

    def _goes_round(self, left: NDArray[np.int64], kept: NDArray[np.int64]) -> bool:
        """Return whether units see what a copy there would, had the axis no end (circular padding).

        What passes one end then comes in at the other.
        """
        return self._are_copies(left, kept, comes_in=True)

    def _cut(self, left: NDArray[np.int64], kept: NDArray[np.int64]) -> bool:
        """Return whether units see what a copy there would, where it lies on the axis.

        As under a mask of every second place: the first few begin at the first place or the next.
        """
        return self._are_copies(left, kept, comes_in=False)

    def _are_copies(
        self, left: NDArray[np.int64], kept: NDArray[np.int64], *, comes_in: bool
    ) -> bool:
        if len(kept) < FEWEST_COPIES or not 0 < len(left) <= UNITS_COMPARED:
            return False
        first, second = kept[:2].tolist()
        step, rest = divmod(int(self.firsts[second] - self.firsts[first]), second - first)
        if rest or (np.diff(self.firsts[kept]) != step * np.diff(kept)).any():
            return False
        bits, everything = self.seen(first), (1 << self.size) - 1
        for unit in left.tolist():
            shift = step * (unit - first)
            copy = bits << shift if shift > 0 else bits >> -shift
            if comes_in:
                shift %= self.size
                copy = bits << shift | bits >> (self.size - shift)
            if self.seen(unit) != copy & everything:
                return False
        return True

    @cached_property
    def is_whole(self) -> bool:
        """Whether the windows of some units are known without a border."""
        return len(self.interior) > 0

    @cached_property
    def hulls(self) -> tuple[int, int]:
        """The smallest and the largest window of a unit in the interior, else of any."""
        widths = self.widths[self.interior] if len(self.interior) else self.widths
        return (int(widths.min()), int(widths.max())) if len(widths) else (0, 0)

    @cached_property
    def least(self) -> int:
        """The smallest window of a unit in the interior; 0 where one in between sees nothing."""
        units = self.interior
        inside = self.kinds[units[0] : units[-1]] if len(units) else units
        return self.hulls[0] if (inside != 0).all() else 0

    @cached_property
    def cycle(self) -> tuple[int, int] | None:
        """After how many units the windows repeat, and how far on; None where they do not."""
        return self._period(self.interior)

    def _period(self, units: NDArray[np.int64]) -> tuple[int, int] | None:
        found, starts = (_picked(each, units) for each in (self.kinds, self.firsts))
        for period in _periods(found, starts):
            shift = int(starts[period] - starts[0])
            alike = (found[period:] == found[:-period]).all()
            if alike and (starts[period:] - starts[:-period] == shift).all():
                row = shift * (len(units) // period)
                interleaved = period > 1 and row and self._apart(units[:period]) >= row
                return None if interleaved else (period, shift)
        return None

    def _apart(self, units: NDArray[np.int64]) -> int:
        """Return how far apart the parts are that some units look at, each or one after another.

        Where parts of an axis are interleaved that is as far as units go along one of them.
        """
        holed = units[are_holed(self.entries[units])]
        gaps = (longest_gap(self.seen(unit)) + 1 for unit in holed.tolist())
        return max([int(np.ptp(self.firsts[units])), *gaps])

    @property
    def jump(self) -> Fraction | None:
        """Positions from one unit to the next; None where there is no such number."""
        if self.cycle is None:
            return None
        period, shift = self.cycle
        units = self.interior  # not in a row where some in between see nothing
        for times in range(1, max(min(LONGEST_PERIOD, len(units) // 2) // period, 1) + 1):
            steps = units[times * period :] - units[: -times * period]
            if (steps == steps[0]).all():
                return Fraction(times * shift, int(steps[0]))
        return None

    @property
    def is_regular(self) -> bool:
        """Whether each unit of the interior sees what the one before does, one step further on."""
        apart = np.diff(self.interior)
        return self.cycle is not None and self.cycle[0] == 1 and bool((apart == 1).all())

    @property
    def goes_to_an_end(self) -> bool:
        """Whether units see up to one end, some more and some less, as running sums do.

        Of a loop that takes a state of some steps back each sees one of the first few.
        """
        units = np.flatnonzero(self.kinds)
        starts, widths = self.firsts[units], self.widths[units]
        if not len(units):
            return False
        ends = starts + widths
        step = int(np.abs(np.diff(widths)).max(initial=1)) if self.in_order else 1
        reaches = self.size - step < widths.max() and widths.min() < self.size
        if reaches and ((starts == 0).all() or (ends == self.size).all()):
            return True
        if not self.in_order or are_clipped(self.entries[units]).any():
            return False
        size = self.size
        return _go_on(starts, ends, size) or _go_on(size - ends[::-1], size - starts[::-1], size)

    @property
    def sees_first(self) -> bool:
        """Whether all units see back to the first position, and some less far on than others."""
        return self.goes_to_an_end and not self.firsts[self.kinds != 0].any()

    @property
    def spreads(self) -> bool:
        """Whether windows are wider from one quarter of the interior to the next, as those of
        branches whose strides differ: they look at places further and further apart."""
        if not self.in_order or self.cycle is not None or self.goes_to_an_end:
            return False
        quarters = np.array_split(self.widths[self.interior], QUARTERS)
        most = np.array([quarter.max(initial=0) for quarter in quarters])
        least = max(SPREADING * len(quarters[-1]), 1)
        steps = np.diff(most)
        return bool((steps >= least).all() or (steps <= -least).all())

    @property
    def jump_of_ends(self) -> Fraction | None:
        """Positions from one unit to the next of windows that all begin at the first position, by
        where they end; None where that goes on in no steps."""
        if not self.in_order or not self.sees_first or (self.kinds == 0).any():
            return None
        ends = self.widths[self.widths < self.size]
        for period in range(1, min(LONGEST_PERIOD, len(ends) // FEWEST_TURNS) + 1):
            steps = ends[period:] - ends[:-period]
            if steps[0] > 0 and (steps == steps[0]).all():
                return Fraction(int(steps[0]), period)
        return None

    def ends_alike(self, other: Line) -> bool:
        """Return whether the last few units end as far from the end of the axis as those of another
        axis, and nothing that they see goes by how many units there are."""
        number = min(len(self.entries), len(other.entries), UNITS_COMPARED)
        left = [one.size - (one.firsts + one.widths)[-number:] for one in (self, other)]
        return number > 0 and bool((left[0] == left[1]).all())

    @property
    def start(self) -> int | None:
        """The first position that unit 0 would see, negative inside padding; None: no such."""
        if self.cycle is None or not self.is_regular:
            return None
        unit = int(self.interior[0])
        return int(self.firsts[unit]) - unit * self.cycle[1]

    @cached_property
    def typical(self) -> int | None:
        """The unit nearest to the middle that has the largest window; None where none has any."""
        found = self.interior if len(self.interior) else np.flatnonzero(self.kinds)
        found = found[self.widths[found] == self.hulls[1]]
        if not len(found):
            return None
        return int(found[np.abs(2 * found - (len(self.entries) - 1)).argmin()])

    @property
    def streams(self) -> int | None:
        """Interleaved networks into which the units fall; 0: no two share a position."""
        if len(self.entries) < 2 or not len(self.interior):
            return None
        seeing = np.flatnonzero(self.kinds)
        if len(self.interior) == 1 < len(seeing):  # what borders left of windows may share some
            return 1 if len(seeing) <= UNITS_COMPARED and _shared(self, seeing) == 1 else None
        if self.cycle is not None and self.is_regular and self.cycle[1]:
            return streams(self.seen(int(self.interior[0])), self.cycle[1])
        spare = max((len(self.interior) - UNITS_COMPARED) // 2, 0)
        return _shared(self, self.interior[spare : len(self.interior) - spare])


def _go_on(starts: NDArray[np.int64], ends: NDArray[np.int64], size: int) -> bool:
    """Return whether units begin where the first few do, and each ends further on up to the end."""
    few = len(starts) // EARLY
    return (
        few > 0
        and bool(starts[few:].max() <= starts[:few].max() < size // EARLY)
        and bool((np.diff(ends) > 0).all())
        and bool(ends[-1] + few >= size)
    )


def _shared(line: Line, units: NDArray[np.int64]) -> int:
    """Return the common divisor of the distances between units that share a position."""
    starts, ends = line.firsts[units], line.firsts[units] + line.widths[units]
    seen = cache(line.seen)
    found = 0
    for apart in range(1, len(units)):
        distances = units[apart:] - units[:-apart]
        if found and not (distances % found).any():
            continue
        meet = (starts[apart:] < ends[:-apart]) & (starts[:-apart] < ends[apart:])
        for one in np.flatnonzero(meet).tolist():
            if seen(int(units[one])) & seen(int(units[one + apart])):
                found = gcd(found, int(distances[one]))
            if found == 1:
                return 1
    return found


def _periods(found: NDArray[np.int64], starts: NDArray[np.int64]) -> Iterator[int]:
    """Yield after how many units windows may repeat, from few on: some units do."""
    most = len(found) // 2
    if not most:
        return
    if found[1] == found[0] and starts[1] >= starts[0]:
        yield 1
    periods = np.arange(2, min(LONGEST_CYCLE, most) + 1)
    shifts = starts[periods] - starts[0]
    may = shifts >= 0
    for unit in (0, *(2**power for power in range((most - 1).bit_length()))):
        periods, shifts = periods[may], shifts[may]
        if not len(periods):
            return
        others = periods + unit
        may = (found[others] == found[unit]) & (starts[others] - starts[unit] == shifts)
    yield from periods[may].tolist()


def _picked(values: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the values of units, in rising order; without a copy where none is left out."""
    is_row = len(units) > 0 and units[-1] - units[0] == len(units) - 1
    return values[units[0] : units[-1] + 1] if is_row else values[units]
