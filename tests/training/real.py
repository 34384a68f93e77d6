"""What a forward really keeps, without anything of archscope's."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn


class _Packed:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def kept(model: nn.Module, *args: Any) -> int:
    """Return the bytes that graphs hold after one call on the CPU, parameters left out."""
    weights = (part for each in model.parameters() for part in _parts(each))
    left_out = {part.untyped_storage()._cdata for part in weights}
    held: WeakSet[_Packed] = WeakSet()

    def pack(tensor: Tensor) -> _Packed:
        packed = _Packed(tensor)
        held.add(packed)
        return packed

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed.tensor):
        outputs = model(*args)
    storages = (part.untyped_storage() for each in held for part in _parts(each.tensor))
    sizes = {each._cdata: each.nbytes() for each in storages}
    del outputs
    return sum(size for key, size in sizes.items() if key not in left_out)


def _parts(tensor: Tensor) -> tuple[Tensor, ...]:
    if hasattr(tensor, "__tensor_flatten__"):
        names, _ = tensor.__tensor_flatten__()
        return tuple(part for name in names for part in _parts(getattr(tensor, name)))
    return (tensor._indices(), tensor._values()) if tensor.is_sparse else (tensor,)
