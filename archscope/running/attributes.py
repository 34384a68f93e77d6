"""Reads what a module holds under a name, without running a property or lookup of the user's."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from torch import nn


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
