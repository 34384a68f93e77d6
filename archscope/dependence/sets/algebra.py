"""Entries of a pattern that are numbers: two become one by being added up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Index = NDArray[np.int64]


class Numbers:
    """Numbers of ways, as float64."""

    nothing = 0.0
    """The entry of an element that depends on nothing."""

    def unite(self, one: Array, two: Array) -> Array:
        """Return the sums."""
        return np.asarray(one + two)

    def over_ranges(self, entries: Array, starts: Index, stops: Index) -> Array:
        """Return the sums over ranges: each added up by itself, since differences lose digits."""
        ended = np.concatenate([entries, np.zeros((1, *entries.shape[1:]))])
        bounds = np.stack([starts, stops], axis=1).reshape(-1)
        found = np.add.reduceat(ended, bounds, axis=0)[::2]
        found[stops <= starts] = 0
        return np.asarray(found)

    def times(self, entries: Array, counts: Array) -> Array:
        """Return the products."""
        return np.asarray(entries * counts)

    def reduced(self, entries: Array, axis: int, counts: Index, *, mean: bool) -> Array:
        """Return the sum, or the mean: features count as one."""
        weights = counts / counts.sum() if mean else counts.astype(np.float64)
        return np.expand_dims(np.tensordot(entries, weights, axes=(axis, 0)), axis)


NUMBERS = Numbers()
