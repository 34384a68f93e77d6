"""The receptive field of one value: along each axis of the input, and over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from itertools import product
from math import prod
from operator import lt

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Value
from archscope.dependence.sets.lines import Line
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import are_clipped, are_holed, firsts
from archscope.dependence.sets.terms import Terms, along
from archscope.theory.metrics import first

MOST_OUTPUTS = 1 << 22
"""Units over all axes up to which each is asked whether it sees anything."""
MOST_UNITS = 1 << 16
"""Units along an axis up to which each is looked at."""


@dataclass(frozen=True, eq=False)
class Field:
    """What the units of one value see; features are taken together."""

    value: Value
    terms: Terms
    """A union over `sizes` axes; not empty."""
    sizes: tuple[int, ...]
    """Positions of the input along each axis."""
    known: dict[tuple[int, int, int], list[Line]] = field(default_factory=dict)
    """Lines that other values share, by the size of the axis, how many entries, and their sum."""
    chosen: dict[int, int] | None = None
    """The unit, by axis of the value, that is looked back from, where the axes do not tell it."""

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """The sets along each axis of the input, features united."""
        found = []
        for axis in range(len(self.sizes)):
            pattern = _with_own_units(along(self.terms, axis))
            features = [at for at in range(len(pattern.shape)) if at not in pattern.units]
            found.append(pattern.reduced(features))
        return tuple(found)

    @property
    def together(self) -> tuple[int, ...]:
        """What all units see along each axis of the input, as the bits of a number."""
        each = (pattern.reduced(range(len(pattern.shape))) for pattern in self.patterns)
        return tuple(pattern.sets.bits(int(pattern.entries.reshape(-1)[0])) for pattern in each)

    @cached_property
    def unit_axes(self) -> tuple[int, ...]:
        """The axes of the value along which units differ."""
        return tuple(sorted({axis for pattern in self.patterns for axis in pattern.units}))

    def map_axis(self, axis: int) -> int | None:
        """Return the value's axis that goes along an axis of the input; None: no one alone."""
        return self._map_axes[axis]

    @cached_property
    def _map_axes(self) -> tuple[int | None, ...]:
        units = [pattern.units for pattern in self.patterns]
        shared = Counter(
            axis
            for own, pattern in zip(units, self.patterns, strict=True)
            for axis in own
            if len(own) == 1 or _differs(pattern, axis)
        )
        return tuple(own[0] if len(own) == 1 and shared[own[0]] == 1 else None for own in units)

    @cached_property
    def is_map(self) -> bool:
        """Whether each axis of the input has an axis of the value of its own."""
        return all(self.map_axis(axis) is not None for axis in range(len(self.sizes)))

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The units along each axis of the input."""
        return tuple(self._line(axis) for axis in range(len(self.sizes)))

    def _line(self, axis: int) -> Line:
        pattern, size = self.patterns[axis], self.sizes[axis]
        own = self.map_axis(axis)
        if own is None:  # tokens of several axes: each window once, in order
            entries = np.sort(pattern.entries, axis=None)  # np.unique takes five times as long
            entries = entries[np.diff(entries, prepend=-1) != 0]
            order = np.lexsort((pattern.sets.widths(entries), firsts(entries)))
            return Line(size, entries[order[:MOST_UNITS]], pattern.sets, in_order=False)
        entries = pattern.expanded(own).reshape(-1)
        alike = self.known.setdefault((size, len(entries), int(entries.sum())), [])
        for line in alike:
            if np.array_equal(line.entries, entries):
                return line
        alike.append(Line(size, entries, pattern.sets))
        return alike[-1]

    @property
    def is_narrow(self) -> bool:
        """Whether, along some axis, no unit sees from its first to its last position."""
        return any(one.hulls[1] < size for one, size in zip(self.lines, self.sizes, strict=True))

    @property
    def is_whole(self) -> bool:
        """Whether some unit's window along each axis is known without a border, if there is any."""
        return all(one.is_whole for one in self.lines) or self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether no unit sees anything, and that not because the input ends."""
        return not any(line.kinds.any() or all(line.clipped) for line in self.lines)

    def maps_alike(self, larger: Field) -> bool:
        """Return whether a field of a larger input has a larger map, as it has behind windows.

        Adaptive pooling makes a map of one size of any input: its windows grow with the input. So
        does a constant grid, which picks other places of a larger one.
        """
        if self.value.shape == larger.value.shape and all(map(lt, self.sizes, larger.sizes)):
            return False
        for axis in range(len(self.sizes)):
            own, other = self.map_axis(axis), larger.map_axis(axis)
            if own is None or other is None:
                return True
            if self.sizes[axis] == larger.sizes[axis]:
                continue
            if self.value.shape[own] == larger.value.shape[other] > 1:
                return False
        return True

    @cached_property
    def typical(self) -> dict[int, int]:
        """A unit in the middle, by axis of the value, that sees as much as any."""
        if self.chosen is not None:
            return self.chosen
        found = self._of_lines() if self.is_map else self._widest()
        sees = self._is_product or any(True for _ in self.products(found))
        return found if sees else self._nearest_that_sees(found)

    def _of_lines(self) -> dict[int, int]:
        found = {}
        for axis in range(len(self.sizes)):
            own, unit = self.map_axis(axis), self.lines[axis].typical
            assert own is not None
            found[own] = unit if unit is not None else 0
        return found

    @cached_property
    def _is_product(self) -> bool:
        """Whether a unit sees something where, along each axis by itself, some feature does."""
        shared = range(len(self.value.shape))
        return self.is_map and all(
            sum(pattern.varies(axis) for pattern in term.sets) < 2 and len(self.terms) == 1
            for term in self.terms
            for axis in shared
        )

    def _nearest_that_sees(self, unit: dict[int, int]) -> dict[int, int]:
        """Return the unit that sees anything nearest to one that, of a union, is in no product."""
        seeing = self._seeing()
        if seeing is None or not seeing[0].any():
            return unit
        places = np.argwhere(seeing[0])
        off = np.abs(places - [unit[axis] for axis in self.unit_axes]).sum(axis=1)
        return dict(zip(self.unit_axes, map(int, places[off.argmin()]), strict=True))

    def _widest(self) -> dict[int, int]:
        """Return the unit nearest to the middle among those that see most, of tokens.

        Of those that no border cuts short, where these see no less than what is left of others.
        """
        shape = tuple(self.value.shape[axis] for axis in self.unit_axes)
        volume, cut, round_ = np.ones(shape), np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for pattern in self.patterns:
            features = tuple(a for a in range(len(pattern.shape)) if a not in self.unit_axes)
            at = np.ix_(
                *(
                    pattern.index(own) if own in pattern.units else [0] * size
                    for own, size in zip(self.unit_axes, shape, strict=True)
                )
            )
            entries = pattern.entries.squeeze(features)
            volume = volume * pattern.sets.widths(entries)[at]
            cut = cut | are_clipped(entries)[at]
            round_ = round_ | (are_clipped(entries) & are_holed(entries))[at]
        off = sum(
            np.abs(np.arange(size) - (size - 1) / 2).reshape(
                [-1 if own == place else 1 for place in range(len(shape))]
            )
            / size
            for own, size in enumerate(shape)
        )
        if volume[cut & ~round_].max(initial=0) > volume[~cut].max(initial=0):
            cut = round_
        order = np.lexsort((np.broadcast_to(off, shape).ravel(), -volume.ravel(), cut.ravel()))
        best = np.unravel_index(int(order[0]), shape)
        return dict(zip(self.unit_axes, map(int, best), strict=True))

    def row(self, axis: int, unit: dict[int, int]) -> Line:
        """Return what one unit sees along one axis of the input."""
        pattern = self.patterns[axis]
        own = pattern.units
        at = [unit.get(place, 0) if place in own else 0 for place in range(len(pattern.shape))]
        return Line(self.sizes[axis], pattern.at(at), pattern.sets)

    @property
    def outputs(self) -> int:
        """How many units there are."""
        return prod(self.value.shape[axis] for axis in self.unit_axes)

    @cached_property
    def blind(self) -> tuple[int, int] | None:
        """How many units see nothing at all, and how many of them lie amid others that do see (all,
        where none does); None where that is only bounded, or too many to ask.

        Amid others means that, whichever way one goes along each axis, there is one that sees.
        """
        seeing = self._seeing()
        if seeing is None:
            return None
        seen = prod(int(one.sum()) for one in seeing)
        amid = prod(int(_amid(one).sum()) for one in seeing) if seen else self.outputs
        return self.outputs - seen, amid - seen

    def _seeing(self) -> list[NDArray[np.bool_]] | None:
        """Return which units see anything: along each axis by itself, or over all together."""
        if self.is_exact and self._is_product:
            return [line.kinds != 0 for line in self.lines]
        if self.outputs > MOST_OUTPUTS or not self.is_exact:
            return None
        seeing = np.zeros(tuple(self.value.shape[a] for a in self.unit_axes), dtype=np.bool_)
        for term in self.terms:
            filled = reduce(np.logical_and, (self._filled(pattern) for pattern in term.sets))
            features = tuple(a for a in range(filled.ndim) if a not in self.unit_axes)
            seeing = seeing | filled.any(axis=features)
        return [seeing]

    def _filled(self, pattern: Pattern) -> NDArray[np.bool_]:
        """Return which elements see anything, with size 1 along axes where all are alike."""
        found: NDArray[np.bool_] = pattern.sets.held(pattern.entries)
        for axis in range(found.ndim):
            if pattern.varies(axis):
                found = found.take(pattern.index(axis), axis=axis)
        return found

    @property
    def is_exact(self) -> bool:
        """Whether what a unit sees over all axes together is known, and not only bounded."""
        return len(self.sizes) == 1 or all(term.exact for term in self.terms)

    def count(self, unit: dict[int, int]) -> int:
        """Return how many positions a unit sees over all axes."""
        products = list(dict.fromkeys(self.products(unit)))
        if len(products) == 1:
            return prod(seen.bit_count() for seen in products[0])
        return int(self.over_all(unit)[1].sum())

    def over_all(self, unit: dict[int, int]) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
        """Return the first position of a unit's window along each axis, and which it sees."""
        rows = list(self.products(unit))
        starts, ends = [], []
        for axis in range(len(self.sizes)):
            together = reduce(lambda a, b: a | b, (sets[axis] for sets in rows), 0)
            starts.append(first(together) if together else 0)
            ends.append(together.bit_length())
        seen = np.zeros([b - a for a, b in zip(starts, ends, strict=True)], dtype=np.bool_)
        for sets in rows:
            masks = [_bools(s >> a, b - a) for s, a, b in zip(sets, starts, ends, strict=True)]
            seen |= reduce(np.logical_and.outer, masks)
        return tuple(starts), seen

    def products(self, unit: dict[int, int]) -> Iterator[tuple[int, ...]]:
        """Yield the sets of each term, for each kind of features."""
        for term in self.terms:
            axes = range(len(term.sets[0].shape))
            kinds = [_kinds(term.sets, axis, unit.get(axis)) for axis in axes]
            held = [
                p.entries[np.ix_(*(p.index(axis)[kinds[axis]] for axis in axes))] for p in term.sets
            ]
            rows = np.stack(held, axis=-1).reshape(-1, len(held))
            for row in dict.fromkeys(map(tuple, rows.tolist())):  # in the order of the features
                sets = [p.sets.bits(entry) for p, entry in zip(term.sets, row, strict=True)]
                if all(sets):
                    yield tuple(sets)


def _amid(seeing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which units see, or have one that sees whichever way one goes along each axis."""
    found = np.ones_like(seeing)
    for turned in product((False, True), repeat=seeing.ndim):
        ways = tuple(slice(None, None, -1 if back else 1) for back in turned)
        reached = seeing[ways]
        for axis in range(seeing.ndim):
            reached = np.logical_or.accumulate(reached, axis=axis)
        found &= reached[ways]
    return found


def has_units(field: Field | None) -> bool:
    """Return whether units differ along each axis of the input."""
    return field is not None and all(pattern.units for pattern in field.patterns)


def _kinds(sets: Sequence[Pattern], axis: int, unit: int | None) -> list[int]:
    """Return one position of each kind along an axis, or the unit's own."""
    if unit is not None:
        return [unit]
    if not any(pattern.varies(axis) for pattern in sets):
        return [0]
    key = np.zeros(1, dtype=np.int64)
    for pattern in sets:
        key = key * pattern.entries.shape[axis] + pattern.index(axis)
    _, places = np.unique(key, return_index=True)
    found: list[int] = places.tolist()
    return found


def _bools(seen: int, size: int) -> NDArray[np.bool_]:
    width = size // 8 + 1
    packed = np.frombuffer((seen & ((1 << size) - 1)).to_bytes(width, "little"), dtype=np.uint8)
    return np.unpackbits(packed, bitorder="little")[:size].astype(np.bool_)


def _with_own_units(pattern: Pattern) -> Pattern:
    """Return a pattern with units along those axes alone along which sets differ, where there are
    such: bins were told apart as frames were that were one axis with them for a while.
    """
    if len(pattern.units) < 2:
        return pattern
    own = [axis for axis in pattern.units if _differs(pattern, axis)]
    positional = tuple(axis in own for axis in range(len(pattern.shape)))
    return replace(pattern, positional=positional) if own else pattern


def _differs(pattern: Pattern, axis: int) -> bool:
    """Return whether two places of an axis hold different sets, of which none is empty."""
    held = pattern.algebra.held(pattern.entries)
    most = np.where(held, pattern.entries, pattern.entries.min()).max(axis=axis)
    least = np.where(held, pattern.entries, pattern.entries.max()).min(axis=axis)
    return bool((least < most).any())
