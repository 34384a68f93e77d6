"""The network that something else holds: a pipeline, a trainer, a wrapper that is not a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from torch import nn

from archscope.errors import UsageError

_HOLDERS = ("model", "module", "module_", "net", "network", "lightning_module")
"""How attributes are called that hold the network of a trainer or a pipeline."""


def held_network(
    value: Any, name_one: Callable[[str], str] = lambda name: f"give its {name}"
) -> tuple[nn.Module, str]:
    """Return the network that a value is or holds, and in which attribute: `""` for itself.

    A pipeline, a trainer, or a dictionary runs a network without being a module. Raises
    `UsageError` where it holds none, or several: `name_one` says how one of them is named.
    """
    if isinstance(value, nn.Module):
        return value, ""
    if type(value).__module__.startswith("torch.export") and hasattr(value, "module"):
        return value.module(), "module()"  # what it holds takes the weights as arguments
    held = networks_in(value)
    named = [name for name in _HOLDERS if name in held]
    if len(held) == 1 or len(named) == 1:
        (name,) = named if len(named) == 1 else held
        return held[name], name
    if isinstance(value, type) and issubclass(value, nn.Module):
        name = value.__name__
        raise UsageError(f"the class {name}, not an instance of it; write {name}(...)")
    if not held:
        raise UsageError(f"{_kind(value)}, not a torch.nn.Module")
    raise UsageError(
        f"{_kind(value)}, which holds several networks: {', '.join(held)}; "
        f"{name_one(next(iter(held)))}"
    )


def networks_in(value: Any) -> dict[str, nn.Module]:
    """Return the networks among a value's attributes or items, without the parts of others."""
    own = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
    found = {str(name): item for name, item in own.items() if isinstance(item, nn.Module)}
    for name in () if isinstance(value, Mapping | type) else _HOLDERS:
        try:
            item = getattr(value, name, None)
        except Exception:  # a property of the user's
            continue
        if isinstance(item, nn.Module):
            found.setdefault(name, item)
    learn = {n: m for n, m in found.items() if next(m.parameters(), None) is not None}
    found = learn or found  # a loss is a module too
    outer: dict[str, nn.Module] = {}
    for name, module in found.items():
        others = [other for other in found.values() if other is not module]
        inside = any(part is module for other in others for part in other.modules())
        if not inside and all(module is not other for other in outer.values()):
            outer[name] = module
    return outer


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    word = "module" if isinstance(value, ModuleType) else type(value).__name__
    return f"{'an' if word[:1] in 'aeiouAEIOU' else 'a'} {word}"
