"""What a counter left behind in the network that it was asked of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
)


def state(model: nn.Module) -> Mapping[str, Any]:
    """Return what has to be as it was: numbers, modes, hooks, attributes, random state."""
    modules = dict(model.named_modules())
    return {
        "weights or buffers": {k: v.detach().clone() for k, v in model.state_dict().items()},
        "training mode": {name: module.training for name, module in modules.items()},
        "hooks": {name: [len(getattr(m, h, ())) for h in _HOOKS] for name, m in modules.items()},
        "attributes": {name: sorted(vars(module)) for name, module in modules.items()},
        "requires_grad": [parameter.requires_grad for parameter in model.parameters()],
        "gradients": [parameter.grad is None for parameter in model.parameters()],
        "random state": torch.get_rng_state(),
    }


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the words for what differs."""
    return [word for word, value in before.items() if not _same(value, after[word])]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, torch.Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    return bool(one == other)
