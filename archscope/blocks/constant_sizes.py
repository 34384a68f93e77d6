"""How many elements an operator is about to make, so that a constant too large is never made."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

_PRODUCTS = frozenset(("mm", "bmm", "addmm", "baddbmm", "outer", "ger", "kron"))


def size_of(name: str, args: Any, kwargs: Any, tensors: list[Tensor]) -> int:
    """Return how many elements the result of an operator has; 0 where that cannot be told."""
    if not tensors:
        return _asked_for(name, args, kwargs)
    shape = tensors[0].shape
    if name == "repeat":
        return int(prod(args[1])) * shape.numel()
    if name.startswith("new_"):
        return int(prod(args[1]))
    if name in _PRODUCTS and len(tensors) > 1:
        one, two = tensors[-2:]
        rows = one.numel() // max(one.shape[-1], 1)
        return rows * two.shape[-1] if "mm" in name else one.numel() * two.numel()
    if len(tensors) == 1:
        return shape.numel()
    try:
        return int(torch.broadcast_shapes(*(one.shape for one in tensors)).numel())
    except RuntimeError:  # it is no operator by elements
        return sum(one.numel() for one in tensors)


def _asked_for(name: str, args: Any, kwargs: Any) -> int:
    """Return how many elements an operator makes of numbers alone."""
    numbers = [one for one in args if isinstance(one, int | float) and not isinstance(one, bool)]
    match name:
        case "arange":
            start, end, step = {
                1: (0, *numbers, 1), 2: (*numbers, 1), 3: tuple(numbers)
            }.get(len(numbers), (0, 0, 1))  # fmt: skip
            return max(int((end - start) / step), 0) if step else 0
        case "linspace" | "logspace":
            return int(args[2] if len(args) > 2 else kwargs.get("steps", 0))
        case "eye":
            return int(numbers[0] * numbers[-1]) if numbers else 0
    sizes = args[0] if args and isinstance(args[0], list | tuple) else kwargs.get("size", ())
    sizes = numbers[-1:] if not sizes and name in ("randperm",) else sizes
    return prod(size for size in sizes if isinstance(size, int)) if sizes else 0
