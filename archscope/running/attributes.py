"""Reads what a module holds under a name, without running a property or lookup of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


def stated(module: nn.Module, name: str) -> Any:
    """Return an attribute, or a method; None where there is none, or only running code tells it."""
    own = vars(module)
    if name in own:
        return own[name]
    for held in _HELD:
        if held in own and name in own[held]:
            return own[held][name]
    for kind in type(module).__mro__:
        if name in vars(kind):
            value = vars(kind)[name]
            if isinstance(value, FunctionType):
                return value.__get__(module)
            return None if hasattr(type(value), "__get__") else value
    return None


_HELD = ("_parameters", "_buffers", "_modules")


def part_of(model: nn.Module, path: str) -> nn.Module:
    """Return the module at a path, as `get_submodule` does."""
    for name in path.split(".") if path else ():
        part = model._modules[name]
        assert part is not None
        model = part
    return model


def parameters_of(model: nn.Module) -> Iterator[Tensor]:
    """Yield every parameter once: a network's own `parameters()` may tell only some of them."""
    return _tensors_of(model, "_parameters")


def buffers_of(model: nn.Module) -> Iterator[Tensor]:
    """Yield every buffer once, as `parameters_of` does parameters."""
    return _tensors_of(model, "_buffers")


def _tensors_of(model: nn.Module, kind: str) -> Iterator[Tensor]:
    seen: set[int] = set()
    for module in _modules_of(model, seen):
        for tensor in getattr(module, kind).values():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield tensor


def _modules_of(module: nn.Module, seen: set[int]) -> Iterator[nn.Module]:
    if id(module) not in seen:
        seen.add(id(module))
        yield module
        for child in module._modules.values():
            if child is not None:
                yield from _modules_of(child, seen)
