"""Entries of a pattern that are numbers of ways, or say whether there is any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Index = NDArray[np.int64]


LARGEST_WHOLE = 2.0**53
"""Below this each whole number is a float64, and a sum of some that is rounded is no less."""


class Numbers:
    """Numbers of ways, as float64: two become one by being added up."""

    kind = np.float64
    nothing = 0.0
    """The entry of an element that depends on nothing."""

    def held(self, entries: Array) -> Array:
        """Return which are of any way."""
        return np.asarray(entries != 0)

    def unite(self, one: Array, two: Array) -> Array:
        """Return the sums."""
        return np.asarray(one + two)

    def over_ranges(self, entries: Array, starts: Index, stops: Index) -> Array:
        """Return the sums over ranges: differences of running sums where these are whole numbers
        that float64 holds, else sums over powers of two, since differences lose digits.
        """
        if entries.sum() < LARGEST_WHOLE and (entries == np.rint(entries)).all():
            so_far = np.concatenate([np.zeros_like(entries[:1]), entries.cumsum(axis=0)])
            return np.asarray(so_far[stops] - so_far[starts])
        found = np.zeros((len(starts), *entries.shape[1:]))
        lengths, places, length, level = stops - starts, starts.copy(), 1, entries
        while (lengths >= length).any():
            has = lengths & length > 0
            found[has] += level[places[has]]
            places[has] += length
            level = level[:-length] + level[length:]
            length *= 2
        return found

    def times(self, entries: Array, counts: Array) -> Array:
        """Return the products."""
        return np.asarray(entries * counts)

    def reduced(self, entries: Array, axis: int, counts: Index, *, mean: bool) -> Array:
        """Return the sum, or the mean: features count as one."""
        weights = counts / counts.sum() if mean else counts.astype(np.float64)
        return np.expand_dims(np.moveaxis(entries, axis, -1) @ weights, axis)


class Presence:
    """Whether there is any way, as bool: an eighth of the memory, and far more is alike."""

    kind = np.bool_
    nothing = False
    """The entry of an element that depends on nothing."""

    def held(self, entries: Array) -> Array:
        """Return which are of any way."""
        return entries

    def unite(self, one: Array, two: Array) -> Array:
        """Return where there is any way in either."""
        return np.asarray(one | two)

    def over_ranges(self, entries: Array, starts: Index, stops: Index) -> Array:
        """Return whether there is any way within ranges."""
        so_far = np.zeros((len(entries) + 1, *entries.shape[1:]), dtype=np.int32)
        entries.cumsum(axis=0, out=so_far[1:])
        return np.asarray(so_far[stops] > so_far[starts])

    def times(self, entries: Array, counts: Array) -> Array:
        """Return what is read at all."""
        return np.asarray(entries & (counts > 0))

    def reduced(self, entries: Array, axis: int, counts: Index, *, mean: bool) -> Array:
        """Return whether there is any way along an axis."""
        return np.asarray(entries.take(np.flatnonzero(counts), axis).any(axis, keepdims=True))


NUMBERS = Numbers()
PRESENCE = Presence()
