"""What a forward really keeps, without anything of archscope's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def kept(model: nn.Module, *args: Any) -> int:
    """Return the bytes that autograd keeps of one call on the CPU, parameters left out."""
    left_out = {each.untyped_storage()._cdata for each in model.parameters()}
    found: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        for part in _parts(tensor):
            found[part.untyped_storage()._cdata] = part.detach()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = model(*args)
    sizes = {key: each.untyped_storage().nbytes() for key, each in found.items()}
    del outputs
    return sum(size for key, size in sizes.items() if key not in left_out)


def _parts(tensor: Tensor) -> tuple[Tensor, ...]:
    return (tensor._indices(), tensor._values()) if tensor.is_sparse else (tensor,)
