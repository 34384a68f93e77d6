"""What each element of a tensor holds, stored once where elements are alike.

A convolution's outputs in one row of the image all see the same rows of the input, whatever their
channel and column; so a pattern has, along each axis, one entry for all positions, or one for each,
or one for each class of positions (the parts of a concatenation). Entries are sets of input
positions, numbers of ways or whether there is any, as an algebra says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.sets.algebra import NUMBERS, Array, Numbers
from archscope.dependence.sets.axes import (
    Places,
    by_kinds,
    chosen,
    common_classes,
    cut,
    kinds_of,
    merge_axes,
    numbered,
    united,
)
from archscope.dependence.sets.links import Links, Taps
from archscope.dependence.sets.sets import Algebra, Sets, clip

Groups = Sequence[tuple[tuple[int, ...], tuple[int, ...]]]
"""The sizes of axes before and after, by parts of as many elements."""
LARGEST_UNION = 1 << 16
"""Entries that a union may have whatever its parts had."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Entries over the axes of a tensor; never written to."""

    shape: tuple[int, ...]
    """The tensor's own."""
    entries: Array
    """(entries along each axis...)."""
    places: tuple[Places, ...]
    positional: tuple[bool, ...] = ()
    """Along which axes positions, and not features, are told apart; of sets alone."""
    picked: bool = False
    """Whether one position of an axis was picked on the way, or a part of it was made one."""
    is_part: bool = False
    """Whether positions of the input were left out on the way; of sets alone."""
    algebra: Algebra = NUMBERS
    """What the entries are."""

    @property
    def sets(self) -> Sets:
        """What the entries are, where they are sets."""
        assert isinstance(self.algebra, Sets)
        return self.algebra

    def varies(self, axis: int) -> bool:
        """Return whether positions of an axis may differ."""
        return bool(self.entries.shape[axis] > 1)

    @cached_property
    def units(self) -> tuple[int, ...]:
        """The axes along which positions may differ."""
        return tuple(axis for axis, is_so in enumerate(self.positional) if is_so)

    @cached_property
    def name(self) -> int:
        """A number that is the same for patterns that hold the same over the same classes."""
        places = (None if each is None else each.tobytes() for each in self.places)
        return hash((self.entries.shape, self.entries.tobytes(), *places))

    @cached_property
    def everything(self) -> Array:
        """The union of all sets."""
        return self.sets.united(self.entries.reshape(-1), 0)

    def filled(self, axis: int) -> NDArray[np.bool_]:
        """Return which positions of an axis hold anything."""
        others = tuple(at for at in range(self.entries.ndim) if at != axis)
        held = np.asarray(self.algebra.held(self.entries).any(axis=others))
        return held[self.index(axis)]

    def index(self, axis: int) -> NDArray[np.int64]:
        """Return the entry of each position of an axis."""
        places = self.places[axis]
        if places is not None:
            return places
        size = self.shape[axis]
        return np.arange(size) if self.varies(axis) else np.zeros(size, dtype=np.int64)

    def at(self, unit: Sequence[int]) -> Array:
        """Return what one element holds, as an array of one entry."""
        found = tuple(int(self.index(axis)[place]) for axis, place in enumerate(unit))
        return np.asarray(self.entries[found]).reshape(1)

    def expanded(self, axis: int) -> Array:
        """Return the entries with each position of one axis its own."""
        return self.entries.take(self.index(axis), axis=axis)

    def permuted(self, order: Sequence[int]) -> Pattern:
        """Return the axes in another order."""
        return replace(
            self,
            shape=tuple(self.shape[axis] for axis in order),
            entries=self.entries.transpose(order),
            places=tuple(self.places[axis] for axis in order),
            positional=tuple(self.positional[axis] for axis in order) if self.positional else (),
        )

    def taken(self, axis: int, links: Links) -> Pattern:
        """Return what positions hold that read along an axis as `links` say."""
        if links.is_identity:
            return self
        if not self.varies(axis):
            return self._taken_alike(axis, links)
        cut_short = links.clipped if self.positional and self.positional[axis] else None
        if links.gathers is not None and self.places[axis] is not None and cut_short is None:
            return self._chosen(axis, links.gathers)
        if not isinstance(self.algebra, Sets):
            return self._taken_ways(axis, links)
        places = self.places[axis]
        own = np.moveaxis(self.entries if places is None else self.expanded(axis), axis, 0)
        entries = links.gathered(own, self.algebra)
        if cut_short is not None:
            entries = clip(entries, cut_short.reshape(-1, *[1] * (entries.ndim - 1)))
        return self.with_axis(axis, links.size, np.moveaxis(entries, 0, axis), None)

    def _taken_ways(self, axis: int, links: Links) -> Pattern:
        """Return the same of ways; all positions that have none share one entry."""
        own, of_each = np.moveaxis(self.entries, axis, 0), self.index(axis)
        held = np.asarray(own.any(axis=tuple(range(1, own.ndim))))
        reads = links.reading(held[of_each])
        outputs, places = np.flatnonzero(reads), None
        if len(outputs) < links.size - 1:
            places = np.full(links.size, len(outputs), dtype=np.int64)
            places[outputs] = np.arange(len(outputs))
            links = links.only(np.append(outputs, reads.argmin()))  # the last reads nothing
        if isinstance(links, Taps):
            links = links.among(of_each, held)
        else:
            own = own[of_each]
        entries = np.moveaxis(links.gathered(own, self.algebra), 0, axis)
        return self.with_axis(axis, len(reads), entries, places if len(outputs) else None)

    def _chosen(self, axis: int, source: NDArray[np.int64]) -> Pattern:
        """Return positions of an axis by number, -1 for nothing; what is alike stays one entry."""
        count = self.entries.shape[axis]
        places = np.where(source < 0, count, self.index(axis)[source])
        kept, places = numbered(places, count + 1)
        one_more = [(0, int(at == axis)) for at in range(self.entries.ndim)]
        entries = np.pad(self.entries, one_more, constant_values=self.algebra.nothing)
        entries = entries.take(kept, axis=axis)
        return self.with_axis(axis, len(source), entries, places if len(kept) > 1 else None)

    def _taken_alike(self, axis: int, links: Links) -> Pattern:
        taps = links.counts
        is_number = isinstance(self.algebra, Numbers)
        cut_short = links.clipped if self.positional and self.positional[axis] else None
        cut = np.zeros(len(taps), dtype=np.int64) if cut_short is None else cut_short.astype(int)
        # Of an axis of one position too there are windows that its ends cut short.
        keys = 2 * (taps if is_number else taps > 0) + cut
        kinds, places = np.unique(keys, return_inverse=True)
        along = [-1 if at == axis else 1 for at in range(self.entries.ndim)]
        entries = self.algebra.times(self.entries, (kinds // 2).reshape(along))
        if cut_short is not None:
            entries = clip(entries, (kinds % 2).reshape(along))
        return self.with_axis(axis, links.size, entries, places if len(kinds) > 1 else None)

    def mixed(self, axis: int, size: int, groups: int) -> Pattern:
        """Return an axis of `size` in which each position holds what its whole group held.

        Numbers are averaged: channels count as one.
        """
        if not self.varies(axis):
            return self.with_axis(axis, size, self.entries, None)
        if groups == 1:
            joined = self._joined(self.entries, axis, mean=True)
            return self.with_axis(axis, size, joined, None).without((axis,))
        apart = self.expanded(axis)
        shape = (*apart.shape[:axis], groups, -1, *apart.shape[axis + 1 :])
        apart = apart.reshape(shape)
        once = np.ones(apart.shape[axis + 1], dtype=np.int64)
        joined = self.algebra.reduced(apart, axis + 1, once, mean=True).squeeze(axis + 1)
        return self.with_axis(axis, size, joined, np.arange(size) // (size // groups)).compact(axis)

    def reduced(self, axes: Sequence[int]) -> Pattern:
        """Return each of some axes as one position that holds what all held."""
        entries, shape, places = self.entries, list(self.shape), list(self.places)
        for axis in axes:
            entries = self._joined(entries, axis, mean=False) if self.varies(axis) else entries
            shape[axis], places[axis] = 1, None
        found = self
        if entries is not self.entries or shape != list(self.shape):
            found = replace(self, shape=tuple(shape), entries=entries, places=tuple(places))
        return found.without(axes)

    def _joined(self, entries: Array, axis: int, *, mean: bool) -> Array:
        """Return entries, whose other axes may be reduced by now, without those of one axis."""
        counts = np.bincount(self.index(axis), minlength=entries.shape[axis])
        return self.algebra.reduced(entries, axis, counts, mean=mean)

    def spread(self, axes: Sequence[int], sizes: Sequence[int]) -> Pattern:
        """Return axes of size 1 as wide as given, all positions alike."""
        found = self
        for axis, size in zip(axes, sizes, strict=True):
            found = found.with_axis(axis, size, found.entries, None)
        return found

    def kept(self, mask: NDArray[np.bool_]) -> Pattern:
        """Return nothing where `mask` is False; it has size 1 along axes where it is alike."""
        if mask.all():
            return self
        entries, places = self.entries, list(self.places)
        for axis, size in enumerate(mask.shape):
            if size > 1 and (own := places[axis]) is not None:
                entries, places[axis] = entries.take(own, axis=axis), None
        entries = np.where(mask, entries, self.algebra.nothing)
        return replace(self, entries=entries, places=tuple(places))

    def where(self, other: Pattern) -> Pattern:
        """Return nothing where another pattern of the same tensor holds nothing."""
        held = other.algebra.held(other.entries)
        if held.all():
            return self
        mask = replace(other, entries=held.astype(np.int64))
        for axis in range(len(self.shape)):
            mask = mask.compact(axis)
        entries, held, places = aligned(self, mask)
        kept = np.where(held > 0, entries, self.algebra.nothing)
        return replace(self, entries=kept, places=places)

    def reshaped(self, shape: Sequence[int]) -> Pattern:
        """Return the elements, in their order, in another shape."""
        groups = cut(self.shape, tuple(shape))
        return self._by_classes(groups)._grouped(groups, shape)

    def _by_classes(self, groups: Groups) -> Pattern:
        """Return the same with what is alike told as such along axes that are to be split.

        Rows and columns were told apart as one axis, each row of the same set.
        """
        found, axis = self, 0
        for old, new in groups:
            if len(old) == 1 < len(new) and found.varies(axis):
                alike = found.compact(axis)
                found = alike if alike.varies(axis) else found
            axis += len(old)
        return found

    def _grouped(self, groups: Groups, shape: Sequence[int]) -> Pattern:
        flat = merge_axes(self.entries, [len(old) for old, _ in groups])
        sizes: list[int] = []
        places: list[Places] = []
        positional: list[bool] = []
        is_picked = self.picked
        start = 0
        for group, (old, new) in enumerate(groups):
            axes = range(start, start + len(old))
            start += len(old)
            picked, split, kept = self._regrouped(axes, new)
            flat = flat if picked is None else flat.take(picked, axis=group)
            sizes += split
            places += kept
            if old == new:
                positional += self.positional[axes.start : axes.stop]
            elif isinstance(self.algebra, Sets):
                is_so = any(self.positional[axis] for axis in axes)
                after = [is_so and entries > 1 for entries in split]
                positional += after
                is_picked = is_picked or (is_so and not any(after))
        return replace(
            self,
            shape=tuple(shape),
            entries=flat.reshape(sizes),
            places=tuple(places),
            positional=tuple(positional),
            picked=is_picked,
        )

    def _regrouped(self, axes: range, new: Sequence[int]) -> tuple[Places, list[int], list[Places]]:
        """Return how entries of merged axes are picked, and the entries and places after."""
        if not any(self.varies(axis) for axis in axes):
            return None, [1] * len(new), [None] * len(new)
        place = np.zeros((), dtype=np.int64)
        for axis in axes:
            place = place[..., None] * self.entries.shape[axis] + self.index(axis)
        place = place.reshape(tuple(new))
        if len(new) == 1:  # merged: positions that were alike stay so
            total = prod(self.entries.shape[axis] for axis in axes)
            own = len(place) == total and bool((place == np.arange(total)).all())
            return None, [total], [None if own else place]
        place, kept = by_kinds(place)
        return place.reshape(-1), list(place.shape), kept

    def united(self, other: Pattern) -> Pattern:
        """Return what either holds: the union of sets, the sum of numbers."""
        if self is other and isinstance(self.algebra, Sets):
            return self
        mine, others, places = _common(self, other)
        found = united(self.entries, mine, other.entries, others, self.algebra.unite)
        return self._with(other, found, places)

    def apart_as(self, other: Pattern) -> Pattern:
        """Return the union with what lies within this, whose positions alone are told apart."""
        a, b, places = aligned(self, other)
        return self._with(other, np.broadcast_to(a, np.broadcast_shapes(a.shape, b.shape)), places)

    def _with(self, other: Pattern, entries: Array, places: tuple[Places, ...]) -> Pattern:
        return replace(
            self,
            entries=entries,
            places=places,
            positional=tuple(map(any, zip(self.positional, other.positional, strict=True))),
            picked=self.picked or other.picked,
            is_part=self.is_part and other.is_part,
        )

    def multiplied(self, other: Pattern) -> Pattern:
        """Return the products of numbers, or where there is a way in both."""
        a, b, places = aligned(self, other)
        return replace(self, entries=a * b, places=places)

    def restored(self, axis: int) -> Pattern:
        """Return the same with an axis that tells positions apart, where one was picked before."""
        if not self.picked or not self.positional:
            return self
        positional = tuple(is_so or at == axis for at, is_so in enumerate(self.positional))
        return replace(self, positional=positional, picked=False)

    def covers(self, other: Pattern) -> bool:
        """Return whether every element's set has the other's in it."""
        if self is other:
            return True
        a, b, _ = aligned(self, other)
        return self.sets.cover(a, b)

    def widens(self, other: Pattern) -> bool:
        """Return whether a union would have to tell many more elements apart than either does."""
        together = prod(map(max, zip(self.entries.shape, other.entries.shape, strict=True)))
        if together <= LARGEST_UNION:
            return False
        return bool(together > max(self._unlike, other._unlike, LARGEST_UNION))

    @property
    def _unlike(self) -> int:
        """How many entries there are, less those that are the same all along an axis: what is
        skewed, as scores by distance are, may have its own entry for each pair of positions.
        """
        entries = self.entries
        for axis in range(entries.ndim):
            first = entries.take([0], axis)
            entries = first if entries.shape[axis] > 1 and (entries == first).all() else entries
        return int(entries.size)

    def compact(self, axis: int) -> Pattern:
        """Return the same with positions of an axis that are alike stored once."""
        count = self.entries.shape[axis]
        if not isinstance(self.algebra, Sets):
            return self
        first, kinds = self.kinds_along(axis)
        if len(first) == count:
            return self
        places = kinds[self.index(axis)]
        entries = self.entries.take(first, axis=axis)
        return self.with_axis(axis, self.shape[axis], entries, places if len(first) > 1 else None)

    def kinds_along(self, axis: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first entry along an axis of each kind, and the kind of each entry: equal
        where all that they hold is.
        """
        return kinds_of(np.moveaxis(self.entries, axis, 0))

    def with_axis(self, axis: int, size: int, entries: Array, places: Places) -> Pattern:
        """Return the same with one axis of another size, or of other entries and places."""
        return replace(
            self,
            shape=(*self.shape[:axis], size, *self.shape[axis + 1 :]),
            entries=entries,
            places=(*self.places[:axis], places, *self.places[axis + 1 :]),
        )

    def without(self, axes: Sequence[int]) -> Pattern:
        """Return the same with axes that tell no positions apart any more."""
        if not any(self.positional[axis] for axis in axes if self.positional):
            return self
        positional = tuple(is_so and at not in axes for at, is_so in enumerate(self.positional))
        is_picked = self.picked or (self.is_part and positional != self.positional)
        return replace(self, positional=positional, picked=is_picked)


def aligned(one: Pattern, two: Pattern) -> tuple[Array, Array, tuple[Places, ...]]:
    """Return the entries of two patterns on common classes of every axis."""
    mine, other, places = _common(one, two)
    return chosen(one.entries, mine), chosen(two.entries, other), places


def _common(one: Pattern, two: Pattern) -> tuple[tuple[Places, ...], ...]:
    """Return which entries of each pattern are of common classes, and their places."""
    a, b, sides = one.entries, two.entries, zip(one.places, two.places, strict=True)
    each = [common_classes(a, b, axis, *places) for axis, places in enumerate(sides)]
    mine, other, places = zip(*each, strict=True) if each else ((), (), ())
    return mine, other, places
