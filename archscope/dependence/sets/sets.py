"""Sets of positions of an axis, each kept once, however far along the axis it lies.

Away from borders every output of a convolution sees the same window, one step further on. A set is
therefore a kind, which has its first position at 0, and where it begins; two sets are united once
for each pair of kinds and distance between them, whatever the number of positions. A run without
holes is told by its length alone, so that the prefixes that a recurrence or a causal mask makes are
united by arithmetic. An entry packs all into one integer: kind, first position, and whether the set
was cut short by a border.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from archscope.dependence.sets.algebra import Array, Index, Numbers, Presence

MANY = 1 << 16
"""Sets that are compared at a time: their arrays stay in the processor's cache."""
LARGEST_NUMBER = 1 << 62
"""Pairs of sets and distances up to which each is numbered at once."""
_CLIPPED = 1
_FIRST_BITS = 32
_KIND = _FIRST_BITS + 1
_HOLED = 1 << 29
"""The first kind of sets with holes; before it, a kind is the length of a run."""


def kinds(entries: Array) -> Index:
    """Return the kind of each set; 0 is the empty one."""
    return np.asarray(entries >> _KIND)


def firsts(entries: Array) -> Index:
    """Return the first position of each set; 0 for an empty one."""
    found = np.asarray(entries >> 1)
    found &= (1 << _FIRST_BITS) - 1
    return found


def are_holed(entries: Array) -> Array:
    """Return which sets have holes between their first and their last position."""
    return np.asarray(kinds(entries) >= _HOLED)


def are_clipped(entries: Array) -> Array:
    """Return which sets a border cuts short."""
    return (entries & _CLIPPED).astype(np.bool_)


def clip(entries: Array, where: Array) -> Array:
    """Return the same sets, marked as cut short where it is True."""
    return np.asarray(entries | where.astype(np.int64))


def _in_parts(one: Array, two: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the elements of two arrays of one shape, so many at a time."""
    if one.size <= MANY:
        yield one, two
        return
    parts = np.nditer([one, two], flags=["external_loop", "buffered"], order="K", buffersize=MANY)
    yield from parts


def _runs_over(entries: Array, starts: Index, stops: Index) -> Array | None:
    """Return the unions over ranges of sets that are runs, each of which begins and ends no earlier
    than the one before it and touches that; None where some are not so.
    """
    last = kinds(entries)
    if last.size == 0 or not last.all() or last.max() >= _HOLED:
        return None
    first = firsts(entries)
    last += first
    if not all(bool((one[1:] >= one[:-1]).all()) for one in (first, last)):
        return None
    if (first[1:] > last[:-1]).any():
        return None
    held = stops > starts
    starts, stops = np.where(held, starts, 0), np.where(held, stops, 1)
    first, last = first[starts], last[stops - 1]
    found = (last - first) << _KIND | first << 1 | _clipped_over(entries, starts, stops)
    return np.where(held.reshape(-1, *[1] * (found.ndim - 1)), found, 0)


def _clipped_over(entries: Array, starts: Index, stops: Index) -> Array:
    """Return whether a border cuts any set of a range short, as entries say it."""
    before = np.zeros((len(entries) + 1, *entries.shape[1:]), dtype=np.int64)
    (entries & _CLIPPED).cumsum(axis=0, out=before[1:])
    return np.asarray(before[stops] > before[starts], dtype=np.int64)


class Sets:
    """All sets that one walk over a graph has come across."""

    nothing = 0
    """The entry of an element that depends on nothing."""

    def __init__(self) -> None:
        self._bits: list[int] = []
        self._kinds: dict[int, int] = {}
        self._widths = np.zeros(1, dtype=np.int64)
        self._unions: dict[tuple[int, int, int], int] = {}
        self._subsets: dict[tuple[int, int, int], bool] = {}
        self._ranged: dict[tuple[object, ...], Array] = {}

    def single(self, positions: Index) -> Index:
        """Return the sets of one position each."""
        return np.asarray(1 << _KIND | positions.astype(np.int64) << 1)

    def bits(self, entry: int) -> int:
        """Return a set as the bits of an integer."""
        return self._of_kind(entry >> _KIND) << (entry >> 1 & (1 << _FIRST_BITS) - 1)

    def _of_kind(self, kind: int) -> int:
        return (1 << kind) - 1 if kind < _HOLED else self._bits[kind - _HOLED]

    def widths(self, entries: Array) -> Index:
        """Return how many positions lie from the first to the last of each set."""
        found = kinds(entries)
        holed = found >= _HOLED
        if holed.any():
            found = np.where(holed, self._widths[np.where(holed, found - _HOLED, 0)], found)
        return found

    def held(self, entries: Array) -> Array:
        """Return which hold any position; one that a border cuts short may hold none."""
        return np.asarray(kinds(entries) != 0)

    def unite(self, one: Array, two: Array) -> Array:
        """Return the unions."""
        one, two = np.broadcast_arrays(one, two)
        found = np.where(one == 0, two, one)
        differ = (one != two) & (one != 0) & (two != 0)
        if differ.any():
            found[differ] = self._united(one[differ], two[differ])
        return found

    def _united(self, one: Index, two: Index) -> Index:
        a, b = kinds(one), kinds(two)
        start, other = firsts(one), firsts(two)
        if not (a.all() and b.all()):  # of what a border left nothing of
            start, other = np.where(a == 0, other, start), np.where(b == 0, start, other)
        first = np.minimum(start, other)
        found = np.maximum(start + a, other + b) - first  # as it is of runs that touch
        holed = (a >= _HOLED) | (b >= _HOLED) | (found > a + b)
        if holed.any():
            a, b, apart = a[holed], b[holed], (other - start)[holed]
            later = apart < 0
            a, b = np.where(later, b, a), np.where(later, a, b)
            found[holed] = self._looked_up(a, b, np.abs(apart))
        return np.asarray(found << _KIND | first << 1 | (one | two) & _CLIPPED)

    def _looked_up(self, a: Index, b: Index, apart: Index) -> Index:
        """Return the kinds of unions in which there are, or may be, holes."""
        places, inverse = self._distinct(a, b, apart)
        keys = zip(a[places].tolist(), b[places].tolist(), apart[places].tolist(), strict=True)
        made = [self._unions.get(key) or self._union(key) for key in keys]
        return np.asarray(np.array(made, dtype=np.int64)[inverse])

    def _distinct(self, a: Index, b: Index, apart: Index) -> tuple[Index, Index]:
        """Return one place of each case, and the case of each place."""
        longest = max(int(each[each < _HOLED].max(initial=0)) for each in (a, b)) + 1
        a, b = (np.where(each < _HOLED, each, each - _HOLED + longest) for each in (a, b))
        count, span = longest + len(self._bits), int(apart.max()) + 1
        if count * count * span < LARGEST_NUMBER:
            key = np.ravel_multi_index((a, b, apart), (count, count, span))
        else:
            pairs = np.ravel_multi_index((a, b), (count, count))
            _, pair = np.unique(pairs, return_inverse=True)
            key = np.ravel_multi_index((pair, apart), (len(pair), span))
        _, places, inverse = np.unique(key, return_index=True, return_inverse=True)
        return places, inverse

    def _union(self, key: tuple[int, int, int]) -> int:
        one, two, apart = key
        found = self._unions[key] = self._kind(self._of_kind(one) | self._of_kind(two) << apart)
        return found

    def _kind(self, bits: int) -> int:
        if not bits & (bits + 1):
            return bits.bit_length()
        place = self._kinds.setdefault(bits, len(self._bits))
        if place == len(self._bits):
            self._bits.append(bits)
            if place >= len(self._widths):
                self._widths = np.concatenate([self._widths, np.zeros_like(self._widths)])
            self._widths[place] = bits.bit_length()
        return _HOLED + place

    def cover(self, one: Array, two: Array) -> bool:
        """Return whether each set of `one` has in it that of `two` at its place, and its mark."""
        one, two = np.broadcast_arrays(one, two)
        return all(self._cover(*some) for some in _in_parts(one, two))

    def _cover(self, one: Array, two: Array) -> bool:
        differ = (one != two) & (two != 0)
        if not differ.any():
            return True
        one, two = one[differ], two[differ]
        offset = firsts(two) - firsts(one)
        filled = kinds(two) != 0
        outside = (offset < 0) | (offset + self.widths(two) > self.widths(one))
        if (filled & outside).any() or (two & ~one & _CLIPPED).any():
            return False
        holed = filled & (kinds(one) >= _HOLED)
        a, b, offset = kinds(one)[holed], kinds(two)[holed], offset[holed]
        if not len(a):
            return True
        places, _ = self._distinct(a, b, offset)
        keys = zip(a[places].tolist(), b[places].tolist(), offset[places].tolist(), strict=True)
        return all(map(self._is_subset, keys))

    def _is_subset(self, key: tuple[int, int, int]) -> bool:
        found = self._subsets.get(key)
        if found is None:
            one, two, offset = key
            found = self._subsets[key] = not (self._of_kind(two) << offset & ~self._of_kind(one))
        return found

    def over_ranges(self, entries: Array, starts: Index, stops: Index) -> Array:
        """Return the unions over ranges: of neighbours that make one run from its ends alone, else
        of two that overlap and are a power of two long each.
        """
        runs = _runs_over(entries, starts, stops)
        if runs is not None:
            return runs
        key = (entries.shape, entries.tobytes(), starts.tobytes(), stops.tobytes())
        if key not in self._ranged:  # every layer of a model attends to what the first did
            self._ranged[key] = self._over_ranges(entries, starts, stops)
        return self._ranged[key]

    def _over_ranges(self, entries: Array, starts: Index, stops: Index) -> Array:
        lengths = stops - starts
        found = np.zeros((len(starts), *entries.shape[1:]), dtype=np.int64)
        length, level = 1, entries
        while (lengths >= length).any():
            fit = (lengths >= length) & (lengths < 2 * length)
            if fit.any():
                found[fit] = self.unite(level[starts[fit]], level[stops[fit] - length])
            if len(level) > length:
                level = self.unite(level[:-length], level[length:])
            length *= 2
        return found

    def times(self, entries: Array, counts: Array) -> Array:
        """Return the sets that are read at all."""
        return np.where(counts > 0, entries, 0)

    def reduced(self, entries: Array, axis: int, counts: Index, *, mean: bool) -> Array:
        """Return the union of all along an axis."""
        return self.united(entries, axis)

    def united(self, entries: Array, axis: int) -> Array:
        """Return the union of all along an axis, which stays with one entry."""
        moved = np.moveaxis(entries, axis, 0)
        while len(moved) > 1:
            half = len(moved) // 2
            pairs = self.unite(moved[: 2 * half : 2], moved[1::2])
            moved = np.concatenate([pairs, moved[2 * half :]])
        return np.moveaxis(moved, 0, axis)


Algebra = Numbers | Presence | Sets
"""What the entries of a pattern are, and how two become one."""
