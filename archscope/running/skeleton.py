"""Modules of the names, shapes and number types that a file lists, without memory and without a
forward: what is asked of parameters alone can be asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from archscope.stored.tensors import Held

Make = Callable[[str], nn.Module]
"""Makes the module at a path."""


def skeleton(
    held: Iterable[Held],
    root: nn.Module | None = None,
    make: Make = lambda path: nn.Module(),
) -> nn.Module:
    """Return modules whose parameters and buffers have no values; a tie is one parameter.

    A packed weight is a parameter of its own shape that is not trained. All below `root` are made
    by `make`, of their paths.
    """
    root = nn.Module() if root is None else root
    made: dict[str, Tensor] = {}
    for each in held:
        if each.role == "scale":
            continue
        tensor = made[each.same_as] if each.same_as in made else _tensor(each)
        made[each.entry.name] = tensor
        name = each.stands_for or each.entry.name
        path, _, last = name.rpartition(".")
        _put(submodule(root, path, make), last or "tensor", tensor)
    return root


def _tensor(held: Held) -> Tensor:
    dtype = getattr(torch, held.entry.dtype, None)
    if not isinstance(dtype, torch.dtype) or dtype.is_complex:
        dtype = torch.float32 if not isinstance(dtype, torch.dtype) else dtype
    shape = held.shape or held.entry.shape
    tensor = torch.empty(shape, dtype=dtype, device="meta")
    if held.role == "buffer":
        return tensor
    trains = held.role == "parameter" and held.entry.trains and dtype.is_floating_point
    return nn.Parameter(tensor, requires_grad=trains)


def submodule(root: nn.Module, path: str, make: Make) -> nn.Module:
    """Return the module at a path; it, and all above it, are made where they are not there."""
    module, at = root, ""
    for part in path.split(".") if path else ():
        at = f"{at}.{part}" if at else part
        found = module._modules.get(part)
        if found is None:
            found = make(at)
            module._modules[part] = found
        module = found
    return module


def _put(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Give a module a tensor under any name that a file may have."""
    held = module._parameters if isinstance(tensor, nn.Parameter) else module._buffers
    held[name] = tensor  # type: ignore[assignment]
