"""What to do where a batch does not fit: free, and find the largest that does."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from archscope.subject import Inputs


def largest_that_fits(failed: int, fits: Callable[[int], bool]) -> int | None:
    """Return the largest power of two below `failed` for which `fits` says yes, None for none.

    What fits is taken to fit in smaller batches too, so that halving finds it.
    """
    batch = 1 << (max(failed, 1).bit_length() - 1)
    if batch == failed:
        batch //= 2
    while batch and not fits(batch):
        batch //= 2
    return batch or None


def batch_size(inputs: Inputs, axis: int | None = 0) -> int | None:
    """Return the size of the first tensor among the inputs along an axis, None for none."""
    leaves = tree_leaves((inputs.args, dict(inputs.kwargs)))
    tensors = [
        leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.ndim and not leaf.is_nested
    ]
    return int(tensors[0].shape[axis]) if tensors and axis is not None else None


def first_of_batch(inputs: Inputs, batch: int, axis: int = 0) -> Inputs:
    """Return the inputs with only the first `batch` items of every tensor that is that long."""
    whole = batch_size(inputs, axis)

    def cut(leaf: Any) -> Any:
        is_batched = isinstance(leaf, Tensor) and leaf.ndim > axis and leaf.shape[axis] == whole
        return leaf.narrow(axis, 0, batch) if is_batched else leaf

    return Inputs(args=tree_map(cut, inputs.args), kwargs=tree_map(cut, dict(inputs.kwargs)))


def with_batch(inputs: Inputs, batch: int, axis: int = 0) -> Inputs:
    """Return the inputs with a batch of another size: cut, or the same items over and over."""
    whole = batch_size(inputs, axis)
    if whole is None or batch <= whole:
        return first_of_batch(inputs, batch, axis)

    def repeated(leaf: Any) -> Any:
        if not (isinstance(leaf, Tensor) and leaf.ndim > axis and leaf.shape[axis] == whole):
            return leaf
        items = torch.arange(batch, device=leaf.device) % whole
        return leaf.index_select(axis, items)

    return Inputs(
        args=tree_map(repeated, inputs.args), kwargs=tree_map(repeated, dict(inputs.kwargs))
    )


def free(device: torch.device) -> None:
    """Give an accelerator's memory back that nothing refers to any more."""
    if device.type != "cpu":
        gc.collect()
        getattr(torch.get_device_module(device), "empty_cache", lambda: None)()
