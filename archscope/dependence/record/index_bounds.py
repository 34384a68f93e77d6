"""Refuses constant numbers of elements beyond an axis, of which shapes alone say nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

_ALONG = frozenset(
    (
        *("index_select", "index_add", "index_copy", "index_fill", "index_reduce"),
        *("gather", "scatter", "scatter_add", "scatter_reduce"),
    )
)
"""Operators that read or write elements along one axis, by number: (self, axis, numbers, ...)."""
_BY_AXIS = frozenset(("index", "index_put"))
"""Operators that have numbers for each of the first axes: (self, numbers, ...)."""

_TABLES = frozenset(("embedding", "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"))
"""Operators that read rows of a table by number: (table, numbers, ...)."""


def refuse_beyond(name: str, args: Sequence[Any]) -> None:
    """Raise `IndexError`, as the operator would, where a number lies beyond the axis it counts."""
    for axis, numbers in _numbered(name, args):
        size = args[0].shape[axis] if args[0].dim() else 1
        if numbers.is_meta or not numbers.numel():
            continue
        least, most = map(int, numbers.aminmax())
        if most >= size or least < -size:
            wrong = most if most >= size else least
            raise IndexError(
                f"index {wrong} is out of bounds for dimension {axis} with size {size}"
            )


def _numbered(name: str, args: Sequence[Any]) -> Iterator[tuple[int, Tensor]]:
    if name in _TABLES:
        yield 0, args[1]
    elif name in _ALONG and isinstance(args[2], Tensor):
        yield args[1], args[2]
    elif name in _BY_AXIS and not any(_is_mask(each) for each in args[1]):
        yield from ((axis, each) for axis, each in enumerate(args[1]) if each is not None)


def _is_mask(numbers: Tensor | None) -> bool:
    return numbers is not None and numbers.dtype in (torch.bool, torch.uint8)
