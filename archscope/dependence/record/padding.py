"""Which token is padding: a model that asks where it is, is told that there is none.

Masks against padding and position numbers that count the other tokens would make every output
depend on every token, if only on whether it is padding; and they would hide that the rest of the
mask is a constant, such as that of causal attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from archscope.running.attributes import stated

TRUE_OF_TOKENS = {"ne": True, "eq": False, "gt": True}
"""Comparisons with the padding, and what they say of a token that is none."""


def padding_of(model: nn.Module) -> frozenset[int]:
    """Return the numbers that stand for padding: 0 by custom, and what the model calls so."""
    return frozenset((0, *_named(model)))


def _named(model: nn.Module) -> Iterator[int]:
    for module in model.modules():
        holders: list[Any] = [module, stated(module, "config")]
        for holder in holders:
            for name, value in getattr(holder, "__dict__", {}).items():
                if "pad" in name and type(value) is int and _is_token(name):
                    yield value


def _is_token(name: str) -> bool:
    return name == "pad" or any(part in name for part in ("idx", "token", "id", "index"))
