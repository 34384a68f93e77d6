"""Which positions of one axis each position of another reads: windows, slices, masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SPARSE_TAPS = 64
"""Taps up to which links are followed one by one; more are held as a matrix."""


@dataclass(frozen=True, eq=False)
class Links:
    """A relation between the positions of two axes."""

    reads: int
    """Positions of the axis that is read."""
    index: NDArray[np.int64]
    """What each output position reads, (outputs, taps); -1 for nothing."""
    clipped: NDArray[np.bool_] | None = None
    """Which output positions would read beyond the border, if there were anything; None: none."""

    @property
    def size(self) -> int:
        """Output positions."""
        return len(self.index)

    @property
    def is_gather(self) -> bool:
        """Whether no output position reads more than one."""
        return bool(self.index.shape[1] <= 1)

    @cached_property
    def is_identity(self) -> bool:
        """Whether each position reads itself alone."""
        if self.clipped is not None or not self.is_gather or self.size != self.reads:
            return False
        return bool((self.index[:, 0] == np.arange(self.size)).all())

    @cached_property
    def matrix(self) -> NDArray[np.bool_]:
        """The same as a matrix, (outputs, reads)."""
        found = np.zeros((self.size, self.reads + 1), dtype=np.bool_)
        np.put_along_axis(found, np.where(self.index < 0, self.reads, self.index), True, axis=1)
        return found[:, :-1]

    @cached_property
    def is_prefix(self) -> bool:
        """Whether each position reads itself and all before it."""
        same = self.size == self.reads
        return same and bool((self.matrix == np.tri(self.size, dtype=np.bool_)).all())

    @cached_property
    def transposed(self) -> Links:
        """The opposite relation: by which positions each one is read."""
        outputs, taps = (self.index >= 0).nonzero()
        return _from_pairs(self.index[outputs, taps], outputs, self.reads, self.size)


def _from_pairs(
    outputs: NDArray[np.int64], reads: NDArray[np.int64], size: int, width: int
) -> Links:
    """Return the relation in which `outputs[n]` reads `reads[n]`, of axes as long as given."""
    order = np.lexsort((reads, outputs))
    outputs, reads = outputs[order], reads[order]
    counts = np.bincount(outputs, minlength=size)
    index = np.full((size, max(int(counts.max(initial=0)), 1)), -1, dtype=np.int64)
    index[outputs, np.arange(len(outputs)) - np.repeat(np.cumsum(counts) - counts, counts)] = reads
    return Links(width, index)


def from_matrix(matrix: NDArray[np.bool_]) -> Links:
    """Return the relation in which output i reads j where `matrix[i, j]`."""
    outputs, reads = matrix.nonzero()
    return _from_pairs(outputs, reads, *matrix.shape)


def window(
    reads: int, size: int, *, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Links:
    """Return what a convolution or pool reads along one axis."""
    first = np.arange(size)[:, None] * stride - padding
    return _clip(reads, first + np.arange(kernel) * dilation)


def transposed_window(
    reads: int, size: int, *, kernel: int, stride: int, padding: int, dilation: int
) -> Links:
    """Return what a transposed convolution reads: output o reads (o + padding - t d) / stride."""
    steps = np.arange(size)[:, None] + padding - np.arange(kernel) * dilation
    whole, rest = np.divmod(steps, stride)
    return _clip(reads, np.where(rest == 0, whole, 0), wanted=rest == 0)


def gather(reads: int, index: Sequence[int] | NDArray[np.int64]) -> Links:
    """Return the relation in which output i reads `index[i]` alone; -1 reads nothing."""
    return Links(reads, np.asarray(index, dtype=np.int64).reshape(-1, 1))


def shifted(reads: int, size: int, first: int, step: int = 1) -> Links:
    """Return the relation in which output i reads first + i step; beyond the border nothing."""
    return _clip(reads, (first + np.arange(size) * step)[:, None])


def parts(reads: int, size: int) -> Links:
    """Return what adaptive pooling reads: parts that may overlap and differ in size."""
    number = np.arange(size)
    first = number * reads // size
    last = -(-(number + 1) * reads // size) - 1
    index = first[:, None] + np.arange(int((last - first).max()) + 1)
    return Links(reads, np.where(index <= last[:, None], index, -1))


def rolled(size: int, shift: int) -> Links:
    """Return what a roll reads; what comes round from the other end counts as beyond the border."""
    source = np.arange(size) - shift % size
    back = size - shift % size
    wrapped = source < 0 if shift % size <= back else source >= 0
    return Links(size, (source % size)[:, None], wrapped)


def _clip(reads: int, index: NDArray[np.int64], wanted: NDArray[np.bool_] | None = None) -> Links:
    wanted = np.ones_like(index, dtype=np.bool_) if wanted is None else wanted
    inside = (index >= 0) & (index < reads)
    beyond: NDArray[np.bool_] = np.asarray((wanted & ~inside).any(axis=1))
    index = np.where(wanted & inside, index, -1)
    # Taps that no output has are left out; a tap that is missing moves to the end.
    order = np.argsort(index < 0, axis=1, kind="stable")
    index = np.take_along_axis(index, order, axis=1)
    taps = max(int((index >= 0).sum(axis=1).max(initial=0)), 1)
    return Links(reads, index[:, :taps], beyond if beyond.any() else None)
