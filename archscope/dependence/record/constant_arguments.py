"""What the constants among a node's arguments say: where they are zero, or so low that a softmax
makes them zero, and what they choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from archscope.dependence.record.element_moves import Mask, ranked, union
from archscope.dependence.record.fact_rules import BLOCKED, facts_of_values, is_low, is_zero
from archscope.dependence.record.graph import Value
from archscope.dependence.record.masks import mask_of


def number_of(argument: Any) -> float:
    """Return a number, or that of a constant of one element; not a number where it is neither."""
    if isinstance(argument, Tensor) and not argument.is_meta and argument.numel() == 1:
        return float(argument.item())
    return float(argument) if isinstance(argument, int | float) else float("nan")


def blocked_in(constant: Any) -> Mask | None:
    """Return where a constant is blocked; None: nowhere."""
    if not isinstance(constant, Tensor):
        return np.ones((), dtype=np.bool_) if is_low(constant) else None
    low = facts_of_values(constant).low
    return None if low is None else np.asarray(low.numpy())


def zero_in(constant: Any) -> Mask | None:
    """Return where a constant is zero; None: nowhere."""
    if not isinstance(constant, Tensor):
        return np.ones((), dtype=np.bool_) if is_zero(constant) else None
    zero = facts_of_values(constant).zero
    return None if zero is None else np.asarray(zero.numpy())


def highest_low(argument: Any) -> float | None:
    """Return the highest of a constant's scores that are blocked; None: there are none."""
    if not isinstance(argument, Tensor):
        return float(argument) if is_low(argument) else None
    if argument.is_meta or not argument.is_floating_point():
        return None
    low = argument.detach()[argument <= BLOCKED]
    return float(low.max()) if low.numel() else None


def condition_of(argument: Any, rank: int) -> Mask | None:
    """Return where a constant is true, with as many axes as given; None: it is none."""
    if not isinstance(argument, Tensor) or argument.is_meta or argument.dtype != torch.bool:
        return None
    return ranked(argument.detach().cpu().numpy(), rank)


def chosen_of(
    given: Mapping[str, Any],
    rank: int,
    known: Mapping[Value, Mask],
    told: Callable[[Any], Mask | None],
) -> Mask | None:
    """Return what a constant condition takes from either side, of which `told` knows constants."""
    condition = condition_of(given.get("condition"), rank)
    if condition is None:
        return None
    sides = []
    for name, taken in (("self", condition), ("other", ~condition)):
        side = given[name]
        mask = known.get(side) if isinstance(side, Value) else told(side)
        sides.append(None if mask is None else taken & ranked(mask, rank))
    return union(sides)


def holes_of(argument: Any, rank: int) -> Mask | None:
    """Return where a constant is zero, if it is a mask."""
    mask = mask_of(argument) if isinstance(argument, Tensor) else None
    return None if mask is None else ranked(~mask.numpy(), rank)
