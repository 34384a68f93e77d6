"""Tensors without data, in the shapes and orders of axes that torch's operators give them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def empty(shape: Sequence[int], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return a contiguous meta tensor of `shape`."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return torch.empty_strided(
        tuple(shape), tuple(reversed(strides)), dtype=dtype or like.dtype, device="meta"
    )


def laid_out_as(x: Tensor, dtype: torch.dtype) -> Tensor | None:
    """Return an empty tensor without gaps whose axes lie in memory in the same order as in `x`."""
    if x.is_contiguous():
        return empty(x.shape, x, dtype)
    strides = x.stride()
    if 0 in strides:  # an expanded axis has no order of its own
        return None
    dense, step = [0] * x.ndim, 1
    for axis in sorted(range(x.ndim), key=lambda axis: (strides[axis], -axis)):
        dense[axis] = step
        step *= max(x.shape[axis], 1)
    return torch.empty_strided(x.shape, dense, dtype=dtype, device="meta")


def empty_broadcast(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor | None:
    """Return an empty tensor of the common shape of two operands; None: torch orders its axes."""
    shape = broadcast(a.shape, b.shape)
    if shape == list(a.shape):  # the first operand decides on the order of axes
        return laid_out_as(a, dtype)
    if a.is_contiguous() and b.is_contiguous():
        return empty(shape, a, dtype)
    return None


def broadcast(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Return the common shape of two operands, aligned at their last axes."""
    rank = max(len(a), len(b))
    left = [1] * (rank - len(a)) + list(a)
    right = [1] * (rank - len(b)) + list(b)
    for m, n in zip(left, right, strict=True):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}): "
                f"shapes {tuple(a)} and {tuple(b)} cannot be broadcast together"
            )
    return [n if m == 1 else m for m, n in zip(left, right, strict=True)]
