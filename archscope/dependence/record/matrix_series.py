"""Matrices that are sums of powers of another, as an inverse is: zero where no power leads."""

from __future__ import annotations

import numpy as np

from archscope.dependence.record.element_moves import Mask

SERIES = frozenset(("linalg_inv_ex", "matrix_exp", "linalg_matrix_exp"))
"""Operators that make such matrices of those in the last two axes (by Cayley and Hamilton)."""
MOST_ROWS = 1 << 11
"""Rows of a matrix up to which its powers are followed."""


def led_to(zero: Mask, size: int) -> Mask | None:
    """Return where powers of matrices of so many rows, the zeroth among them, are not all zero.

    `zero` is where the matrices are, in the last two of its axes; the answer, (size, size), is that
    of all of them together. None where that is everywhere, or the matrices are too large.
    """
    if size > MOST_ROWS:
        return None
    some = ~np.broadcast_to(zero, (*zero.shape[:-2], size, size))
    found = some.reshape(-1, size, size).any(axis=0) | np.eye(size, dtype=np.bool_)
    length = 1
    while length < size:  # paths of at most twice as many steps each time
        counts = found.astype(np.float32)
        found, length = counts @ counts > 0, 2 * length
    return None if found.all() else found
