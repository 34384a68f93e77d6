"""Operators that choose the largest of some numbers, as a router chooses experts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def _topk(scores: Tensor, k: int, dim: int = -1, *_: Any, **__: Any) -> tuple[int, int]:
    return _size(scores, dim), k


def _largest(scores: Tensor, dim: int | None = None, *_: Any, **__: Any) -> tuple[int, int]:
    return (scores.numel() if dim is None else _size(scores, dim)), 1


def _size(scores: Tensor, dim: int) -> int:
    return scores.shape[dim] if scores.dim() else 1


CHOICES: dict[str, Callable[..., tuple[int, int]]] = {
    "aten::topk": _topk,
    "aten::argmax": _largest,
    "aten::max": _largest,
}
"""Of how many numbers, and how many are chosen, by the operator's arguments; the surest first."""
