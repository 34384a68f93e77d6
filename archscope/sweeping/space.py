"""Which variants a sweep has: the product of its axes, some of them paired."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from math import prod
from typing import Any

from archscope.errors import UsageError, did_you_mean
from archscope.records import frozen
from archscope.sweeping.axes import Axis

MOST = 10_000
"""Variants that a sweep has without being told how many: they take minutes to hours."""


@frozen
class Space:
    """All combinations of some axes, the last axis changing first."""

    axes: tuple[Axis, ...]
    """Each with its values; of a sweep of one variant none."""
    zipped: tuple[str, ...] = ()
    """Axes that go together: their first values are one combination, then their second."""
    limit: int | None = None
    """The first so many combinations."""
    sample: int | None = None
    """So many combinations, drawn at random, each at most once."""
    seed: int = 0
    """What the draw begins with."""

    def __post_init__(self) -> None:
        known = {axis.name: axis for axis in self.axes}
        strange = next((name for name in self.zipped if name not in known), None)
        if strange is not None:
            near = did_you_mean(strange, list(known))
            raise UsageError(
                f"--zip: {strange} is not an axis here; axes are {', '.join(known)}.{near} If a "
                "field is a list itself, separate its values by ;: 8;16;32."
            )
        lengths = {name: len(known[name].values) for name in self.zipped}
        if len(set(lengths.values())) > 1:
            each = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise UsageError(f"--zip: the axes need equally many values; there are {each}")
        if self.limit is None and self.sample is None and self.size > MOST:
            raise UsageError(
                f"{self.size:,} variants are more than {MOST:,}, which take minutes to hours; draw "
                "some with --sample N, or take the first with --limit N, all with "
                f"--limit {self.size}"
            )

    @property
    def _parts(self) -> tuple[tuple[Axis, ...], ...]:
        """The axes that go together, where the first of them stands, and each other alone."""
        pairs = tuple(axis for axis in self.axes if axis.name in self.zipped)
        parts = [pairs if axis in pairs else (axis,) for axis in self.axes]
        return tuple(dict.fromkeys(parts))

    @property
    def size(self) -> int:
        """How many combinations there are, before any limit."""
        return prod(len(part[0].values) for part in self._parts)

    def combinations(self) -> Iterator[Mapping[str, Any]]:
        """Yield the value on every axis, of each combination that is taken."""
        chosen: Iterator[Sequence[int]]
        if self.sample is not None and self.sample < self.size:
            chosen = map(self._at, sorted(self._drawn()))
        else:
            chosen = product(*(range(len(part[0].values)) for part in self._parts))
        for places in islice(chosen, self.limit):
            found = {
                axis.name: axis.values[place]
                for place, part in zip(places, self._parts, strict=True)
                for axis in part
            }
            yield {axis.name: found[axis.name] for axis in self.axes}

    def _drawn(self) -> set[int]:
        """Return the numbers of the combinations that the draw takes."""
        draw, found = random.Random(self.seed), set[int]()
        if self.sample is not None and 2 * self.sample > self.size:
            return set(draw.sample(range(self.size), self.sample))
        while len(found) < (self.sample or 0):
            found.add(draw.randrange(self.size))  # a range may have more than 2^63 numbers
        return found

    def _at(self, number: int) -> Sequence[int]:
        """Return the place on each part of the combination of a number."""
        places = []
        for part in reversed(self._parts):
            number, place = divmod(number, len(part[0].values))
            places.append(place)
        return places[::-1]

    @property
    def taken(self) -> int:
        """How many combinations are taken."""
        most = [each for each in (self.limit, self.sample) if each is not None]
        return min([self.size, *most])
