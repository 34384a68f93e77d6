"""Numbers known as ranges: their sums and products, and which comparisons must hold."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from math import inf, isnan
from typing import Any

from archscope.records import frozen

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@frozen
class Range:
    """What a number lies between."""

    low: Any
    high: Any


ANY = Range(low=-inf, high=inf)
Ranges = tuple[Range, ...]


def paired(left: Ranges, right: Ranges) -> list[tuple[Range, Range]] | None:
    """Return the numbers of both sides axis by axis; one number stands for each axis.

    None where they have different axes.
    """
    axes = max(len(left), len(right))
    if len(left) not in (1, axes) or len(right) not in (1, axes):
        return None
    return list(zip(left * (axes // len(left)), right * (axes // len(right)), strict=True))


def calculated(op: type[ast.operator], left: Range, right: Range) -> Range:
    """Return the range of a sum, difference, product or quotient; all numbers where undefined."""
    if op is ast.Div and right.low <= 0 <= right.high:
        return ANY
    calculate = ARITHMETIC[op]
    ends = [calculate(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    return ANY if any(map(isnan, ends)) else Range(low=min(ends), high=max(ends))


def compared(left: Ranges, sign: str, right: Ranges) -> bool | None:
    """Return whether a comparison holds along each axis; None where that is not known."""
    pairs = paired(left, right)
    if pairs is None:
        return None
    found = [_holds(one, sign, other) for one, other in pairs]
    return False if False in found else None if None in found else True


def _holds(left: Range, sign: str, right: Range) -> bool | None:
    if sign in (">", ">="):
        return _holds(right, sign.replace(">", "<"), left)
    if sign == "!=":
        same = _holds(left, "==", right)
        return None if same is None else not same
    if sign == "==":
        if left.low == left.high == right.low == right.high:
            return True
        return False if left.high < right.low or right.high < left.low else None
    before: Callable[[Any, Any], bool] = operator.lt if sign == "<" else operator.le
    if before(left.high, right.low):
        return True
    return None if before(left.low, right.high) else False
