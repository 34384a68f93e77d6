"""The inputs of a model with the studied one of another size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.argument_names import input_tensors
from archscope.subject import Inputs


def resized(
    inputs: Inputs, exam: Examination, sizes: tuple[int, ...], *, together: bool = False
) -> Inputs:
    """Return the inputs with the studied one of another size, without data.

    With `together` others are too, along axes that were as long as one of its axes of positions;
    one that held a single number everywhere, as a mask that hides nothing, keeps it.
    """
    studied = input_tensors(inputs)[exam.input]
    before = [studied.shape[axis] for axis in exam.axes]

    def other(leaf: Any) -> Any:
        if leaf is studied:
            shape = list(studied.shape)
            for axis, size in zip(exam.axes, sizes, strict=True):
                shape[axis] = size
            return torch.empty(shape, dtype=leaf.dtype, device="meta")
        return _with(leaf, before, sizes) if together and isinstance(leaf, Tensor) else leaf

    return Inputs(args=tree_map(other, inputs.args), kwargs=tree_map(other, dict(inputs.kwargs)))


def _with(tensor: Tensor, before: list[int], after: tuple[int, ...]) -> Tensor:
    """Return a tensor with axes that were so long in a row as long as others."""
    shape = list(tensor.shape)
    fits = range(len(shape) - len(before), -1, -1)
    start = next((at for at in fits if shape[at : at + len(before)] == before), None)
    if start is None:
        return tensor
    shape[start : start + len(before)] = after
    if not tensor.is_meta and bool((tensor == tensor.reshape(-1)[0]).all()):
        return torch.full(shape, tensor.reshape(-1)[0].item(), dtype=tensor.dtype)
    return torch.empty(shape, dtype=tensor.dtype, device="meta")
