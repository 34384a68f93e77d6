"""Where constants alone say what an operator by elements makes, whatever the values are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import inf
from typing import Any

import numpy as np
import torch
from torch import Tensor

from archscope.dependence.record.element_moves import MOST_ELEMENTS, Mask
from archscope.dependence.record.graph import Node

COMPARED = frozenset(
    (
        *("clamp", "clamp_min", "clamp_max", "hardtanh", "minimum", "fmin", "div"),
        *("lt", "le", "gt", "ge", "eq", "ne"),
    )
)
"""Operators in which it counts how low constants are; of learned ones, stand-ins do not tell."""
Read = Callable[[Any], Tensor | None]
"""Returns the numbers that an argument is known to be; None where they are not."""
_Rule = Callable[[Mapping[str, Any], Read], list[Tensor | None]]


def fixed(node: Node, *, numbers: bool = True) -> Mask | None:
    """Return which elements of a result are constants; None: none is known to be.

    Without `numbers` those that Python hands over do not count: it may have read them of a value.
    """
    rule = _RULES.get(node.operator)
    if rule is None:
        return None
    found = [m for m in rule(node.arguments, _read if numbers else _held) if m is not None]
    masks = [mask for mask in found if bool(mask.any())]
    if not masks or max(mask.numel() for mask in masks) > MOST_ELEMENTS:
        return None
    return np.asarray(reduce(torch.logical_or, masks).numpy())


def _held(argument: Any) -> Tensor | None:
    if not isinstance(argument, Tensor) or argument.is_meta:
        return None
    plain = type(argument).__torch_dispatch__ is Tensor.__torch_dispatch__
    return argument.detach().cpu() if plain and argument.layout is torch.strided else None


def _read(argument: Any) -> Tensor | None:
    is_number = isinstance(argument, bool | int | float)
    return torch.tensor(float(argument), dtype=torch.double) if is_number else _held(argument)


def _is(found: Tensor | None, number: float) -> Tensor | None:
    return None if found is None else found == number


def _between(low: str, high: str) -> _Rule:
    """Of bounds of which the lower is no lower, or that nothing lies beyond, the upper is left."""

    def rule(given: Mapping[str, Any], read: Read) -> list[Tensor | None]:
        lower, upper = read(given[low]), read(given[high])
        met = None if lower is None or upper is None else lower >= upper
        above = _is(lower, inf) if given[high] is None or upper is not None else None
        return [met, above, _is(upper, -inf)]

    return rule


def _any(number: float, *names: str) -> _Rule:
    """A number that one of some arguments is, whatever the others are."""
    return lambda given, read: [_is(read(given[name]), number) for name in names]


def _power(given: Mapping[str, Any], read: Read) -> list[Tensor | None]:
    return [_is(read(given["exponent"]), 0), _is(read(given["self"]), 1)]


def _any_true(given: Mapping[str, Any], read: Read) -> list[Tensor | None]:
    both = [read(given[name]) for name in ("self", "other")]
    return [one if one is not None and one.dtype is torch.bool else None for one in both]


def _product(given: Mapping[str, Any], read: Read) -> list[Tensor | None]:
    """Of tensors, `zeros` knows which are masks."""
    both = (given["self"], given["other"])
    return [_is(read(one), 0) for one in both if not isinstance(one, Tensor)]


_RULES: dict[str, _Rule] = {
    "clamp": _between("min", "max"),
    "hardtanh": _between("min_val", "max_val"),
    "clamp_min": _any(inf, "min"),
    "clamp_max": _any(-inf, "max"),
    **dict.fromkeys(("minimum", "fmin"), _any(-inf, "self", "other")),
    **dict.fromkeys(("maximum", "fmax", "logaddexp", "logaddexp2"), _any(inf, "self", "other")),
    "pow": _power,
    "mul": _product,
    "div": lambda given, read: [_is(read(given["other"]), far) for far in (inf, -inf)],
    **dict.fromkeys(("bitwise_and", "logical_and", "__and__"), _any(0, "self", "other")),
    **dict.fromkeys(("bitwise_or", "logical_or", "__or__"), _any_true),
    "gt": _any(inf, "other"),
    "lt": _any(-inf, "other"),
}
