"""How many operators run one after the other in a forward pass, beside those that only look."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import torch

_MADE_OF_NOTHING = frozenset({"_unsafe_view", "_reshape_alias", "empty", "empty_strided"})
"""Operators that touch no element, and whose schemas do not say so."""


def launches(operators: Iterable[tuple[str, int]]) -> int:
    """Return how often operators are called that work, given each with its calls.

    A view gives what is there another shape and runs nothing on a card; all others start at least
    one kernel there.

    >>> launches([("aten::mm", 3), ("aten::transpose", 5)])
    3
    """
    return sum(calls for name, calls in operators if not _is_view(name))


@cache
def _is_view(name: str) -> bool:
    space, _, operator = name.partition("::")
    if operator in _MADE_OF_NOTHING:
        return True
    packet: Any = getattr(getattr(torch.ops, space, None), operator, None)
    if packet is None:
        return False
    return any(getattr(packet, one).is_view for one in packet.overloads())
