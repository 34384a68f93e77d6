"""What stands for the tensors of a network in a step: copies with their data, or shapes alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from archscope.errors import ForwardError
from archscope.running.twin import own
from archscope.training.fake import is_small
from archscope.training.preparation import cast


def with_data(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Return a copy with data, in another number type where that is asked for."""
    made = own(tensor)
    kind = cast(tensor, dtype)
    if kind is tensor.dtype:
        return made
    moved = made.detach().to(kind)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(moved, requires_grad=tensor.requires_grad)
    return moved.requires_grad_(tensor.requires_grad and tensor.is_leaf)


def without_data(tensor: Tensor, fake: Any, dtype: torch.dtype | None) -> Tensor:
    """Return a tensor on the CPU that has a shape, strides and a number type, and no data.

    Raises `ForwardError` for a sparse one: how much it stores is data.
    """
    if tensor.is_nested:
        raise ForwardError("a tensor is nested: what a step on such keeps is told by no kernel")
    if tensor.is_inference() and tensor.requires_grad:
        raise ForwardError("its weights were made in torch.inference_mode(): none can be trained")
    if tensor.layout is not torch.strided:
        raise ForwardError(
            f"a tensor of {tuple(tensor.shape)} is sparse: what it takes depends on what it holds, "
            "so the network is needed with its data"
        )
    kind = cast(tensor, dtype)
    if tensor.is_meta or not tensor.is_cpu or kind is not tensor.dtype:
        made = fake.shaped(tensor, kind)
    elif is_small(tensor) and tensor.is_contiguous() and type(tensor) is Tensor:
        made = fake.known(tensor)
    else:
        made = fake.from_tensor(tensor, static_shapes=True).detach()
    is_parameter = isinstance(tensor, nn.Parameter)
    if is_parameter:
        made._is_param = True  # as nn.Parameter marks what is of a class of its own
    trains: bool = tensor.requires_grad and (is_parameter or tensor.is_leaf)
    stands_in: Tensor = made.requires_grad_(trains)
    return stands_in
