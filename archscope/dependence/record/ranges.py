"""Between which numbers all elements of a value lie, whatever the input.

So some comparisons come out the same for all numbers (`x.abs() >= 0`), and what they choose by is
a constant: its bounds are one number. What is not a number is left aside.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeAlias

import torch
from torch import Tensor

from archscope.dependence.record.element_moves import MOVING
from archscope.dependence.record.fixed_elements import COMPARED
from archscope.dependence.record.graph import Node, Value

Range: TypeAlias = tuple[float, float]
"""The lowest number and the highest; an operator may round to either."""
_Read = Callable[[str], Range]
_Rule = Callable[[Mapping[str, Any], _Read], Range]
ANY = (-inf, inf)
FALSE, TRUE = (0.0, 0.0), (1.0, 1.0)


@dataclass(slots=True)
class Ranges:
    """The values of which a bound is known."""

    of: dict[Value, Range] = field(default_factory=dict)

    def learn(self, node: Node, *, numbers: bool) -> None:
        """Take in a node; without `numbers` those that Python hands over may be of a value."""
        rule, given = _RULES.get(node.operator), node.arguments
        if rule is None:
            return

        def read(name: str) -> Range:
            argument = given.get(name)
            if isinstance(argument, Value):
                return self.of.get(argument, ANY)
            if isinstance(argument, int | float) and numbers:
                return float(argument), float(argument)
            return _range_of(argument) if node.operator in COMPARED else ANY

        found = rule(given, read)
        if found != ANY:
            self.of.update((value, found) for value in node.outputs if value is not None)

    def constant(self, argument: Any) -> float | None:
        """Return the one number that all elements of a value are; None: they may be several."""
        low, high = self.of.get(argument, ANY) if isinstance(argument, Value) else ANY
        return low if low == high else None


def _range_of(constant: Any) -> Range:
    if type(constant) is not Tensor or constant.is_meta or constant.is_complex():
        return ANY
    if constant.layout is not torch.strided or not constant.numel():
        return ANY
    low, high = constant.detach().double().aminmax()
    return float(low), float(high)


def _made(low: float, high: float) -> _Rule:
    return lambda _, __: (low, high)


def _same(given: Mapping[str, Any], read: _Read) -> Range:
    return ANY if given.get("dtype") is not None else read("self")


def _sum(_: Mapping[str, Any], read: _Read) -> Range:
    """Of a sum, which is rounded, the sign is known."""
    low, high = read("self")
    return (0.0, inf) if low >= 0 else (-inf, 0.0) if high <= 0 else ANY


def _compared(holds: Callable[[float, float], bool]) -> _Rule:
    """By whether it holds of the lowest and the highest, and of the highest and the lowest."""

    def rule(_: Mapping[str, Any], read: _Read) -> Range:
        one, other = read("self"), read("other")
        both = holds(one[0], other[1]), holds(one[1], other[0])
        return TRUE if all(both) else (0.0, 1.0) if any(both) else FALSE

    return rule


def _equal(given: Mapping[str, Any], read: _Read) -> Range:
    one, other = read("self"), read("other")
    return FALSE if one[0] > other[1] or one[1] < other[0] else (0.0, 1.0)


def _unequal(given: Mapping[str, Any], read: _Read) -> Range:
    return TRUE if _equal(given, read) == FALSE else (0.0, 1.0)


def _within(low: str, high: str) -> _Rule:
    def rule(given: Mapping[str, Any], read: _Read) -> Range:
        bounds = read("self")
        if given.get(low) is not None:
            bounds = max(bounds[0], read(low)[0]), max(bounds[1], read(low)[1])
        if given.get(high) is not None:
            bounds = min(bounds[0], read(high)[0]), min(bounds[1], read(high)[1])
        return bounds

    return rule


def _relu(_: Mapping[str, Any], read: _Read) -> Range:
    low, high = read("self")
    return max(low, 0.0), max(high, 0.0)


def _negative(_: Mapping[str, Any], read: _Read) -> Range:
    low, high = read("self")
    return -high, -low


def _power(_: Mapping[str, Any], read: _Read) -> Range:
    low, high = read("exponent")
    is_even = low == high and low % 2 == 0
    return (0.0, inf) if is_even or read("self")[0] >= 0 else ANY


def _product(given: Mapping[str, Any], read: _Read) -> Range:
    one, other = read("self"), read("other")
    if FALSE in (one, other):
        return FALSE
    are_alike = given["self"] is given["other"] or min(*one, *other) >= 0
    return (0.0, inf) if are_alike else ANY


def _total(given: Mapping[str, Any], read: _Read) -> Range:
    one, other = read("self"), read("other")
    return (one[0] + other[0], one[1] + other[1]) if given["alpha"] == 1 else ANY


def _cast(given: Mapping[str, Any], read: _Read) -> Range:
    """Of integers and booleans only 0 and 1 stay what they are."""
    found, kind = read("self"), given.get("dtype")
    stays = kind is None or kind.is_floating_point or set(found) <= {0.0, 1.0}
    return found if stays else ANY


def _chosen(_: Mapping[str, Any], read: _Read) -> Range:
    condition, one, other = read("condition"), read("self"), read("other")
    if condition in (TRUE, FALSE):
        return one if condition == TRUE else other
    return min(one[0], other[0]), max(one[1], other[1])


_RULES: dict[str, _Rule] = {
    **dict.fromkeys(("abs", "sqrt", "exp", "softplus", "linalg_vector_norm"), _made(0.0, inf)),
    **dict.fromkeys(("var", "std", "cdist", "_cdist_forward"), _made(0.0, inf)),
    **dict.fromkeys(("sigmoid", "_softmax", "_safe_softmax", "hardsigmoid"), _made(0.0, 1.0)),
    **dict.fromkeys(("tanh", "sin", "cos", "erf"), _made(-1.0, 1.0)),
    **dict.fromkeys(("_log_softmax", "log_sigmoid_forward"), _made(-inf, 0.0)),
    **dict.fromkeys(MOVING - {"constant_pad_nd", "tril", "triu"}, _same),
    **dict.fromkeys(("clone", "alias", "detach", "transpose", "permute", "t", "unsqueeze"), _same),
    **dict.fromkeys(("amax", "amin"), _same),
    **dict.fromkeys(("sum", "mean"), _sum),
    "relu": _relu,
    "neg": _negative,
    "pow": _power,
    "mul": _product,
    "add": _total,
    "_to_copy": _cast,
    "clamp": _within("min", "max"),
    "clamp_min": _within("min", ""),
    "clamp_max": _within("", "max"),
    "hardtanh": _within("min_val", "max_val"),
    "minimum": _within("", "other"),
    "where": _chosen,
    "gt": _compared(operator.gt),
    "ge": _compared(operator.ge),
    "lt": _compared(operator.lt),
    "le": _compared(operator.le),
    "eq": _equal,
    "ne": _unequal,
}
