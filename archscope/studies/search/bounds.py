"""Bounds on what is measured over a box of variants, from its corners.

A measure that never falls along an axis is least at the axis' lower end. Where nothing is known of
an axis of the box, or a corner is not a network, there is no bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Literal

from archscope.assertions import Dimension, Found
from archscope.errors import ArchscopeError, SpecError
from archscope.specs import fields
from archscope.specs.space import Trends
from archscope.studies.measures import measures
from archscope.studies.search.variants import Place, Variants
from archscope.studies.where import Condition

Box = tuple[tuple[int, int], ...]
"""The first and the last place on each axis."""
UNKNOWN = Found()
NAMES_LIMIT = 3
"""Names of a condition up to which all combinations of their bounds are looked at."""


class Bounds:
    """What is known of boxes of variants; what was looked at once is kept."""

    def __init__(self, variants: Variants) -> None:
        self.variants = variants
        self._trends: Trends = variants.space.trends(variants.possible)
        self._found: dict[tuple[object, ...], Found] = {}
        self.looked = 0
        """Variants that were looked at for some measure."""

    @property
    def whole(self) -> Box:
        """The box of all variants."""
        return tuple((0, len(axis.values) - 1) for axis in self.variants.axes)

    def least(self, box: Box, name: str, dimension: Dimension) -> Found:
        """Return a lower bound over a box; of a single variant, what is known of it."""
        return self._bound(box, name, dimension, least=True)

    def most(self, box: Box, name: str, dimension: Dimension) -> Found:
        """Return an upper bound over a box; of a single variant, what is known of it."""
        return self._bound(box, name, dimension, least=False)

    def trend(self, axis: str, name: str) -> int | None:
        """Return how a measure or a field goes with an axis; None where that is not known."""
        measure = measures().get(name)
        if measure is None:
            space = self.variants.space
            alone = {field.name for field in fields(self.variants.family.spec)}
            alone -= {*space.follows, *space.words}  # a number of a kind follows from the kind
            return 1 if axis == name else 0 if name in alone else None
        found = self._trends.get((axis, name))
        return self._trends.get((axis, f"{measure.analysis}.*")) if found is None else found

    def _bound(self, box: Box, name: str, dimension: Dimension, *, least: bool) -> Found:
        corner = self._corner(box, name, least=least)
        if corner is None:
            return UNKNOWN
        place, key = corner
        try:
            found = self._known(place, key, name, dimension)
        except SpecError:
            return UNKNOWN
        if all(first == last for first, last in box):
            return found
        bound: Literal["at least", "at most"] = "at least" if least else "at most"
        if not found.values or found.bound not in ("", bound):
            return UNKNOWN
        return replace(found, bound=bound)

    def _corner(self, box: Box, name: str, *, least: bool) -> tuple[Place, Place] | None:
        """Return where a measure is least or most, and the same without what changes nothing."""
        place, key = [], []
        for axis, (first, last) in zip(self.variants.axes, box, strict=True):
            trend = self.trend(axis.name, name)
            if first != last and trend != 0 and (trend is None or not axis.ordered):
                return None
            chosen = last if (trend == 1) != least and trend else first
            place.append(chosen)
            key.append(-1 if trend == 0 else chosen)
        return tuple(place), tuple(key)

    def _known(self, place: Place, key: Place, name: str, dimension: Dimension) -> Found:
        at = (name, dimension, key)
        if at not in self._found:
            self.looked += 1
            self._found[at] = self.variants.found(place, name, dimension)
        return self._found[at]

    def check(self, box: Box, names: tuple[str, ...]) -> None:
        """Raise `ArchscopeError` where a single variant is not what its family's space says.

        What is read of one variant may have been worked out for another that differs only in what
        changes nothing.
        """
        place = tuple(first for first, _ in box)
        for name in names:
            measure = measures().get(name)
            dimension = measure.dimension if measure else "count"
            taken, own = (
                self.least(box, name, dimension),
                self.variants.found(place, name, dimension),
            )
            if taken != own:
                raise ArchscopeError(
                    f"{self.variants.family.name}: {name} of {self.variants.text(place)} is "
                    f"{own.values}, and {taken.values} where the family says that it is the same"
                )

    def verdict(self, box: Box, condition: Condition) -> bool | None:
        """Return whether a condition holds of all variants of a box; None: of some, perhaps."""
        names = condition.names
        ways = product((True, False), repeat=len(names)) if len(names) <= NAMES_LIMIT else (
            (True,) * len(names),
            (False,) * len(names),
        )  # fmt: skip
        for way in ways:
            least = dict(zip(names, way, strict=True))
            found = condition.holds(self._look(box, least))
            if found is not None:
                return found
        return None

    def _look(self, box: Box, least: dict[str, bool]) -> Callable[[str, Dimension], Found]:
        return lambda name, dimension: self._bound(box, name, dimension, least=least[name])

    def splits(self, box: Box, names: tuple[str, ...]) -> tuple[Box, Box]:
        """Return a box in two halves, along an axis of which a measure is not known first."""
        wide = [at for at, (first, last) in enumerate(box) if first != last]
        axes = self.variants.axes

        def unknown(at: int) -> int:
            trends = [self.trend(axes[at].name, name) for name in names]
            ordered = axes[at].ordered
            return sum(t is None or (t != 0 and not ordered) for t in trends)

        def matters(at: int) -> bool:
            return any(self.trend(axes[at].name, name) != 0 for name in names)

        at = max(wide, key=lambda at: (unknown(at), matters(at), box[at][1] - box[at][0], -at))
        first, last = box[at]
        middle = (first + last) // 2
        halves = ((first, middle), (middle + 1, last))
        low, high = ((*box[:at], half, *box[at + 1 :]) for half in halves)
        return low, high
