"""Which module a weight belongs to, so that work goes to the module that holds its weights.

`MultiheadAttention` reads the weight of its `out_proj` without calling it; a weight that is tied
is held by two modules. The rule: the module that is running, if it holds the weight; otherwise the
first that does.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

Holders = tuple[str, ...]
"""Paths of the modules that hold one tensor, in the model's order."""


def held_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield each module's path with each parameter and saved buffer that it holds itself."""
    for path, module in model.named_modules():
        for tensor in module._parameters.values():
            if tensor is not None:
                yield path, tensor
        for name, buffer in module._buffers.items():
            if buffer is not None and name not in module._non_persistent_buffers_set:
                yield path, buffer


def holders_by_tensor(model: nn.Module) -> dict[int, Holders]:
    """Return the holders of each tensor, by its `id`."""
    found: dict[int, Holders] = {}
    for path, tensor in held_tensors(model):
        found[id(tensor)] = (*found.get(id(tensor), ()), path)
    return found


def owner(holders: Holders, running: str) -> str:
    """Return the module that work with a weight belongs to."""
    return running if running in holders else holders[0]
