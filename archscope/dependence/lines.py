"""What a row of units sees along one axis of the input: window, step, holes, who shares what.

A set is the bits of a Python integer: bit i stands for position i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import gcd

import numpy as np

from archscope.dependence.patterns import Array
from archscope.theory.bits import longest_run, ones, positions

LONGEST_PERIOD = 128
"""Units after which a pattern of windows must repeat to be found."""
FEWEST_COPIES = 4
"""Units in a row whose windows are copies of one another, for the others to be cut short."""
UNITS_COMPARED = 1_024
"""Units that are compared one by one where their windows are not copies of one another."""


@dataclass(frozen=True, eq=False)
class Line:
    """Units in order, and what each sees of one axis."""

    size: int
    """Positions of the axis that is seen."""
    sets: tuple[int, ...]
    """What each unit sees."""
    clipped: tuple[bool, ...]
    """Which units would see more, if the input did not end."""

    @cached_property
    def interior(self) -> tuple[int, ...]:
        """The units that no border cuts short, and that see anything.

        A mask cuts short without saying so (the first tokens under a window of attention); such are
        left out where all other windows are copies of one another.
        """
        units = [unit for unit, seen in enumerate(self.sets) if seen and not self.clipped[unit]]
        if len(units) < FEWEST_COPIES or self._period(units) is not None:
            return tuple(units)
        kept = self._copies(units)
        left = set(units) - set(kept)
        at_ends = all(self.sets[u] & 1 or self.sets[u] >> self.size - 1 for u in left)
        return tuple(kept if at_ends and len(kept) >= FEWEST_COPIES else units)

    def _copies(self, units: Sequence[int]) -> list[int]:
        """Return the longest run of units whose windows are copies, each as far on as the last."""
        best: list[int] = []
        run: list[int] = []
        step = 0
        for unit, later in pairwise(units):
            shift = first(self.sets[later]) - first(self.sets[unit])
            if shift > 0 and self.sets[later] == self.sets[unit] << shift:
                run = [*run, later] if run and shift == step else [unit, later]
                step = shift
            else:
                run = []
            best = run if len(run) > len(best) else best
        return best

    @cached_property
    def is_whole(self) -> bool:
        """Whether the windows of some units are known without a border."""
        return bool(self.interior)

    @cached_property
    def hulls(self) -> tuple[int, int]:
        """The smallest and the largest window of a unit in the interior, else of any."""
        units = self.interior[: self.cycle[0]] if self.cycle is not None else self.interior
        widths = [hull(self.sets[unit]) for unit in units or range(len(self.sets))]
        return min(widths, default=0), max(widths, default=0)

    @cached_property
    def cycle(self) -> tuple[int, int] | None:
        """After how many units the windows repeat, and how far on; None where they do not."""
        return self._period(self.interior)

    def _period(self, units: Sequence[int]) -> tuple[int, int] | None:
        for period in range(1, min(LONGEST_PERIOD, len(units) // 2) + 1):
            shift = first(self.sets[units[period]]) - first(self.sets[units[0]])
            if shift >= 0 and all(
                self.sets[later] == self.sets[unit] << shift
                for unit, later in zip(units, units[period:], strict=False)
            ):
                return period, shift
        return None

    @property
    def jump(self) -> Fraction | None:
        """Positions from one unit to the next; None where there is no such number."""
        return None if self.cycle is None else Fraction(self.cycle[1], self.cycle[0])

    @property
    def start(self) -> int | None:
        """The first position that unit 0 would see, negative inside padding; None: no such."""
        if self.cycle is None or self.cycle[0] != 1:
            return None
        unit = self.interior[0]
        return first(self.sets[unit]) - unit * self.cycle[1]

    @cached_property
    def typical(self) -> int | None:
        """The unit nearest to the middle that has the largest window; None where none has any."""
        middle = (len(self.sets) - 1) / 2
        found = list(self.interior) or [unit for unit, seen in enumerate(self.sets) if seen]
        if self.cycle is None or self.cycle[0] > 1:
            found = [unit for unit in found if hull(self.sets[unit]) == self.hulls[1]]
        return min(found, key=lambda unit: (abs(unit - middle), unit), default=None)

    @property
    def streams(self) -> int | None:
        """Interleaved networks into which the units fall; 0: no two share a position."""
        if len(self.sets) < 2 or not self.interior:
            return None
        if self.cycle is not None and self.cycle[0] == 1 and self.cycle[1]:
            return streams(self.sets[self.interior[0]], self.cycle[1])
        return _shared(self.size, [self.sets[unit] for unit in self.interior])


def line(size: int, rows: Array) -> Line:
    """Return a line of the rows of a pattern, (units, words), the mark of the border in each."""
    mark = 64 * rows.shape[-1] - 1
    width, inside = 8 * rows.shape[-1], ones(mark)
    raw = np.ascontiguousarray(rows).tobytes()
    starts = range(0, len(raw), width)
    numbers = [int.from_bytes(raw[at : at + width], "little") for at in starts]
    clipped = (rows[..., -1] >> np.uint64(63)).astype(np.bool_).reshape(-1).tolist()
    return Line(size, tuple(number & inside for number in numbers), tuple(clipped))


def first(seen: int) -> int:
    """Return the first position of a set that is not empty."""
    return (seen & -seen).bit_length() - 1


def hull(seen: int) -> int:
    """Return how many positions lie from the first to the last of a set."""
    return seen.bit_length() - first(seen) if seen else 0


def streams(seen: int, jump: int) -> int:
    """Return into how many networks units fall that see `seen`, `jump` positions from each other.

    The greatest common divisor of all distances between units that share a position (Wang & Ji
    2018): 1 is one network, 0 means that no two units share any.
    """
    nearest: dict[int, int] = {}
    found = 0
    for position in positions(seen):
        found = gcd(found, position - nearest.setdefault(position % jump, position))
    return found // jump


def overlap(seen: int, jump: int) -> float:
    """Return the share of what either of two neighbours sees that both see (Jaccard)."""
    other = seen << jump
    return (seen & other).bit_count() / (seen | other).bit_count()


def input_use(seen: int, jump: int) -> float:
    """Return the share of positions that any unit sees."""
    return len({position % jump for position in positions(seen)}) / jump


def longest_gap(seen: int) -> int:
    """Return how many positions the longest hole between two of a set has."""
    inside = seen >> first(seen) if seen else 0
    return longest_run(inside ^ ones(inside.bit_length()))[1]


def solid_core(seen: int) -> int:
    """Return the length of the run of positions through the centre, or nearest to it."""
    where = positions(seen >> first(seen))
    middle = where[-1] / 2
    edges = [0, *(at for at in range(1, len(where)) if where[at] > where[at - 1] + 1), len(where)]
    runs = [(where[a], where[b - 1]) for a, b in pairwise(edges)]
    nearest = min(max(start - middle, middle - end, 0) for start, end in runs)
    return max(
        end - start + 1 for start, end in runs if max(start - middle, middle - end, 0) == nearest
    )


def _shared(size: int, sets: Sequence[int]) -> int | None:
    """Return the common divisor of the distances between units that share a position."""
    spare = max((len(sets) - UNITS_COMPARED) // 2, 0)
    chosen = sets[spare : len(sets) - spare]
    width = size // 8 + 1
    packed = np.frombuffer(b"".join(s.to_bytes(width, "little") for s in chosen), dtype=np.uint8)
    seen = np.unpackbits(packed.reshape(len(chosen), width), axis=1, bitorder="little")
    places, units = seen.T.nonzero()
    apart = np.diff(units)[np.diff(places) == 0]
    return int(np.gcd.reduce(apart)) if len(apart) else 0
