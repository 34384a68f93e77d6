"""Which positions of one axis each position of another reads: windows, slices, masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import prod
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.sets.algebra import Array, Index
from archscope.dependence.sets.axes import PART
from archscope.dependence.sets.sets import Algebra

SPARSE_TAPS = 8
"""Taps up to which links are followed one by one; neighbours beyond that are held as ranges."""
LONG = 1 << 12
"""Output positions from which on it is less work to leave out copies than to ask where ends are."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Taps:
    """Which positions of one axis each position of another reads: a few."""

    reads: int
    """Positions of the axis that is read."""
    index: Index
    """What each output position reads, (outputs, taps); -1 for nothing."""
    clipped: Mask | None = field(default=None, kw_only=True)
    """Which output positions would read beyond the border, if there were anything; None: none."""
    endless: tuple[int, int] | None = field(default=None, kw_only=True)
    """What output 0 would read first, and how much further on the next, if axes had no ends; None:
    there is no such."""

    @property
    def size(self) -> int:
        """Output positions."""
        return len(self.index)

    @property
    def counts(self) -> Index:
        """How many positions each output position reads."""
        return np.asarray((self.index >= 0).sum(axis=1))

    @property
    def gathers(self) -> Index | None:
        """What each output position reads, -1 for nothing, where none reads more than one."""
        return self.index[:, 0] if self.index.shape[1] == 1 else None

    @cached_property
    def span(self) -> int:
        """From the first to the last that an output position reads, at most."""
        last = self.index.max(axis=1, initial=-1)
        first = np.where(self.index < 0, self.reads, self.index).min(axis=1, initial=self.reads)
        return max(int((last - first).max(initial=-1)) + 1, 0)

    @cached_property
    def is_identity(self) -> bool:
        """Whether each position reads itself alone."""
        if self.clipped is not None or self.gathers is None or self.size != self.reads:
            return False
        return bool((self.gathers == np.arange(self.size)).all())

    @cached_property
    def transposed(self) -> Links:
        """The opposite relation: by which positions each one is read."""
        found = self._by_tap()
        if found is not None:
            return Taps(self.size, found)
        outputs, taps = (self.index >= 0).nonzero()
        return _from_pairs(self.index[outputs, taps], outputs, self.reads, self.size)

    def _by_tap(self) -> Index | None:
        """Return the opposite index where each tap moves on with the outputs, as in a window, and
        most positions are read by each: no pair need be sorted. None where it is not so.
        """
        taps = self.index.shape[1]
        found = np.full((taps, self.reads), -1, dtype=np.int64)
        for tap in range(taps):
            outputs = np.flatnonzero(self.index[:, tap] >= 0)
            places = self.index[outputs, tap]
            if (places[1:] <= places[:-1]).any():
                return None
            found[tap, places] = outputs
        return found.T if self.counts.sum() > (taps - 1) * self.reads else None

    @cached_property
    def _even(self) -> slice | None:
        """The outputs, neighbours all, of which each tap moves on evenly; None: not known."""
        if self.size < max(LONG, 1) or self.endless is None or self.endless[1] <= 0:
            return None
        if self.clipped is None:
            return slice(0, self.size)
        inside = np.flatnonzero(~self.clipped)
        if 2 * len(inside) < self.size or np.ptp(inside) >= len(inside):
            return None
        return slice(int(inside[0]), int(inside[-1]) + 1)

    def gathered(self, entries: Array, algebra: Algebra) -> Array:
        """Return what output positions hold, of what each that is read holds, along axis 0."""
        nothing = np.full((1, *entries.shape[1:]), algebra.nothing, entries.dtype)
        if (even := self._even) is None:
            if (self.index < 0).any():
                entries = np.concatenate([entries, nothing])  # the last is that of -1
            return self._gathered_in_parts(entries, algebra)
        assert self.endless is not None
        ends = zip(self.index[even.start], self.index[even.stop - 1], strict=True)
        step = self.endless[1]
        parts = (entries[first : last + 1 : step] for first, last in ends)
        found = np.empty((self.size, *entries.shape[1:]), entries.dtype)
        found[even] = reduce(algebra.unite, parts)  # of what lies in a row no copies are made
        rest = np.r_[: even.start, even.stop : self.size]
        taps = (self.index[rest, tap] for tap in range(self.index.shape[1]))
        alone = (-1, *[1] * (entries.ndim - 1))
        held = (np.where(tap.reshape(alone) < 0, nothing, entries[tap]) for tap in taps)
        found[rest] = reduce(algebra.unite, held)
        return found

    def _gathered_in_parts(self, entries: Array, algebra: Algebra) -> Array:
        """Return the same a few outputs at a time: what each tap reads stays in the cache."""
        each = max(PART // max(prod(entries.shape[1:]), 1), 1)
        if self.size <= each:
            return reduce(algebra.unite, (entries[tap] for tap in self.index.T))
        found = np.empty((self.size, *entries.shape[1:]), entries.dtype)
        for first in range(0, self.size, each):
            part = slice(first, first + each)
            found[part] = reduce(algebra.unite, (entries[tap[part]] for tap in self.index.T))
        return found

    def reading(self, held: Mask) -> Mask:
        """Return which output positions read any of some positions."""
        return np.asarray((np.append(held, False)[self.index]).any(axis=1))

    def only(self, outputs: Index) -> Links:
        """Return the same with fewer output positions."""
        return Taps(self.reads, self.index[outputs])

    def among(self, places: Index, held: Mask) -> Links:
        """Return the same where `places` says which of some entries each position that is read has,
        and `held` which of these hold anything.
        """
        nothing = -1 if held.all() else int(held.argmin())
        return Taps(len(held), np.where(self.index < 0, nothing, places[self.index]))


@dataclass(frozen=True, eq=False)
class Ranges:
    """The same, where each output position reads a few ranges of neighbours."""

    gathers = None
    is_identity = False
    reads: int
    """Positions of the axis that is read."""
    starts: Index
    """The first position of each range, (outputs, ranges)."""
    stops: Index
    """The position after the last; the start where there is no such range."""
    clipped: Mask | None = field(default=None, kw_only=True)
    """Which output positions would read beyond the border, if there were anything; None: none."""
    endless: tuple[int, int] | None = field(default=None, kw_only=True)
    """What output 0 would read first, and how much further on the next, if axes had no ends; None:
    there is no such."""

    @property
    def size(self) -> int:
        """Output positions."""
        return len(self.starts)

    @property
    def counts(self) -> Index:
        """How many positions each output position reads."""
        return np.asarray((self.stops - self.starts).sum(axis=1))

    @cached_property
    def span(self) -> int:
        """From the first to the last that an output position reads, at most."""
        first = np.where(self.starts < self.stops, self.starts, self.reads).min(axis=1)
        last = np.where(self.starts < self.stops, self.stops, 0).max(axis=1)
        return max(int((last - first).max(initial=0)), 0)

    @cached_property
    def transposed(self) -> Links:
        """The opposite relation: by which positions each one is read."""
        starts, stops = self.starts.reshape(-1), self.stops.reshape(-1)
        if len(starts) > self.size or (np.diff(starts) < 0).any() or (np.diff(stops) < 0).any():
            return from_matrix(self._matrix().T)
        first, last = (
            np.bincount(ends, minlength=self.reads)[: self.reads].cumsum()
            for ends in (stops, starts)
        )
        return ranges(self.size, first, np.maximum(first, last))

    def _matrix(self) -> Mask:
        steps = np.zeros((self.size, self.reads + 1), dtype=np.int8)
        outputs = np.arange(self.size)
        for column in range(self.starts.shape[1]):
            steps[outputs, self.starts[:, column]] += 1
            steps[outputs, self.stops[:, column]] -= 1
        return np.asarray(steps.cumsum(axis=1, dtype=np.int8)[:, :-1] > 0)

    def gathered(self, entries: Array, algebra: Algebra) -> Array:
        """Return what output positions hold, of what each that is read holds, along axis 0."""
        columns = zip(self.starts.T, self.stops.T, strict=True)
        return reduce(
            algebra.unite, [algebra.over_ranges(entries, first, last) for first, last in columns]
        )

    def reading(self, held: Mask) -> Mask:
        """Return which output positions read any of some positions."""
        before = np.concatenate([[0], held.cumsum()])
        return np.asarray((before[self.stops] > before[self.starts]).any(axis=1))

    def only(self, outputs: Index) -> Links:
        """Return the same with fewer output positions."""
        return Ranges(self.reads, self.starts[outputs], self.stops[outputs])


Links = Taps | Ranges
"""A relation between the positions of two axes."""


def ranges(
    reads: int,
    starts: Index,
    stops: Index,
    clipped: Mask | None = None,
    endless: tuple[int, int] | None = None,
) -> Ranges:
    """Return the relation in which each output position reads one range."""
    return Ranges(reads, starts[:, None], stops[:, None], clipped=clipped, endless=endless)


def _from_pairs(outputs: Index, reads: Index, size: int, width: int) -> Links:
    """Return the relation in which `outputs[n]` reads `reads[n]`, of axes as long as given.

    What one output reads comes in order.
    """
    order = np.argsort(outputs, kind="stable")
    outputs, reads = outputs[order], reads[order]
    index = np.full((size, _most(outputs, size)), -1, dtype=np.int64)
    index[outputs, _number(outputs, size)] = reads
    return Taps(width, index)


def _most(outputs: Index, size: int) -> int:
    return max(int(np.bincount(outputs, minlength=size).max(initial=0)), 1)


def _number(outputs: Index, size: int) -> Index:
    """Return of each of some numbers in order the how manieth of its like it is."""
    counts = np.bincount(outputs, minlength=size)
    return np.asarray(np.arange(len(outputs)) - np.repeat(np.cumsum(counts) - counts, counts))


_KNOWN: WeakValueDictionary[tuple[tuple[int, ...], bytes], Links] = WeakValueDictionary()
"""Relations that are in use, by their matrices: every layer of a model has the same mask."""


def from_matrix(matrix: Mask) -> Links:
    """Return the relation in which output i reads j where `matrix[i, j]`."""
    key = (matrix.shape, np.packbits(matrix).tobytes())
    found = _KNOWN.get(key)
    if found is None:
        found = _as_ranges(matrix)
        if found is None:
            outputs, reads = _nonzero(matrix)
            found = _from_pairs(outputs, reads, *matrix.shape)
        _KNOWN[key] = found
    return found


def _nonzero(matrix: Mask) -> tuple[Index, Index]:
    """Return the rows and columns of what is True: NumPy's own takes ten times as long."""
    rows, columns = np.divmod(np.flatnonzero(matrix), matrix.shape[1] or 1)
    return rows, columns


def _as_ranges(matrix: Mask) -> Ranges | None:
    """Return a relation of many taps as ranges, where these are fewer by far."""
    taps = int(matrix.sum(axis=1).max(initial=0))
    if taps <= SPARSE_TAPS:
        return None
    padded = np.pad(matrix, ((0, 0), (1, 1)))
    before, after = padded[:, :-1], padded[:, 1:]
    outputs, first = _nonzero(after & ~before)
    _, last = _nonzero(before & ~after)
    most = _most(outputs, len(matrix))
    if 4 * most > taps:
        return None
    starts, stops = np.zeros((2, len(matrix), most), dtype=np.int64)
    number = _number(outputs, len(matrix))
    starts[outputs, number], stops[outputs, number] = first, last
    return Ranges(matrix.shape[1], starts, stops)


def so_far(size: int, *, backward: bool = False) -> Links:
    """Return the relation in which each position reads itself and all before it, or all after."""
    own = np.arange(size)
    if backward:
        return ranges(size, own, np.full_like(own, size))
    return ranges(size, np.zeros_like(own), own + 1)


def window(
    reads: int, size: int, *, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Links:
    """Return what a convolution or pool reads along one axis."""
    first = np.arange(size) * stride - padding
    if kernel > SPARSE_TAPS and dilation == 1:
        last = first + kernel
        beyond = (first < 0) | (last > reads)
        starts, stops = first.clip(0, reads), last.clip(0, reads)
        clipped = beyond if beyond.any() else None
        return ranges(reads, starts, stops, clipped, (-padding, stride))
    index = _of_taps(first, np.arange(kernel) * dilation)
    return _clip(reads, index, endless=(-padding, stride))


def transposed_window(
    reads: int, size: int, *, taps: Index, stride: int, padding: int, dilation: int
) -> Links:
    """Return what a transposed convolution reads: output o reads (o + padding - t d) / stride."""
    steps = _of_taps(np.arange(size) + padding, -taps * dilation)
    whole, rest = np.divmod(steps, stride)
    return _clip(reads, np.where(rest == 0, whole, 0), wanted=rest == 0)


def _of_taps(first: Index, taps: Index) -> Index:
    """Return the sums, (outputs, taps), those of each tap in a row in memory."""
    return np.add.outer(taps, first).T


def gather(reads: int, index: Sequence[int] | NDArray[np.int64]) -> Links:
    """Return the relation in which output i reads `index[i]` alone; -1 reads nothing."""
    return Taps(reads, np.asarray(index, dtype=np.int64).reshape(-1, 1))


def shifted(reads: int, size: int, first: int, step: int = 1) -> Links:
    """Return the relation in which output i reads first + i step; beyond the border nothing."""
    return _clip(reads, (first + np.arange(size) * step)[:, None], endless=(first, step))


def parts(reads: int, size: int) -> Links:
    """Return what adaptive pooling reads: parts that may overlap and differ in size."""
    number = np.arange(size)
    first = number * reads // size
    last = -(-(number + 1) * reads // size) - 1
    index = first[:, None] + np.arange(int((last - first).max()) + 1)
    return Taps(reads, np.where(index <= last[:, None], index, -1))


def rolled(size: int, shift: int) -> Links:
    """Return what a roll reads; what comes round from the other end counts as beyond the border."""
    source = np.arange(size) - shift % size
    back = size - shift % size
    wrapped = source < 0 if shift % size <= back else source >= 0
    return Taps(size, (source % size)[:, None], clipped=wrapped)


def _clip(
    reads: int,
    index: Index,
    wanted: Mask | None = None,
    endless: tuple[int, int] | None = None,
) -> Links:
    """Return what is read of an index, new and used up, that goes beyond the border.

    The taps of an output lie in a row, either way; away from the border nothing is looked at.
    """
    near, far = index[:, 0], index[:, -1]
    out = (np.minimum(near, far) < 0) | (np.maximum(near, far) >= reads)
    rows = np.flatnonzero(out) if wanted is None else np.arange(len(index))
    part = index[rows]
    inside = (part >= 0) & (part < reads)
    there = inside if wanted is None else wanted & inside
    out[rows] = (~inside if wanted is None else wanted & ~inside).any(axis=1)
    taps = index.shape[1]
    part = np.where(there, part, -1)
    if len(rows) == len(index) and not there.all(axis=1).any():  # as many are kept as any has
        part = np.take_along_axis(part, np.argsort(~there, axis=1, kind="stable"), axis=1)
        taps = max(int(there.sum(axis=1).max(initial=0)), 1)
    index[rows] = part
    return Taps(reads, index[:, :taps], clipped=out if out.any() else None, endless=endless)
