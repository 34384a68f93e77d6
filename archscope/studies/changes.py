"""How much a number may change: `+1%`, `-0`, `+1k`; read once, applied to many.

`+` limits how far it rises, `-` how far it falls; without a sign the worse of the two is meant. A
percentage is of what it was; of 0 that is 0.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

from archscope.assertions import Dimension, Number, Quantity, read_amount
from archscope.errors import UsageError
from archscope.records import frozen

_FORM = re.compile(r"\s*(?P<sign>[+-]?)\s*(?P<amount>.+?)\s*", re.DOTALL)
_PERCENT = re.compile(r"(?P<number>\d[\d_,]*(?:\.\d+)?|\.\d+)\s*%")


@frozen
class Change:
    """How much a number may rise or fall."""

    sign: Literal["+", "-"]
    """Whether it may rise, or fall, by no more."""
    amount: Fraction
    """By how much, of that dimension, or as a share of what it was."""
    relative: bool
    """Whether it is a share of what it was."""
    dimension: Dimension
    """What its amount is of; the quantity's first, unless another was asked for."""

    @property
    def comparison(self) -> Literal["<=", ">="]:
        """How the new number must compare with the limit."""
        return "<=" if self.sign == "+" else ">="

    def limit(self, before: Number) -> Fraction:
        """Return the largest or smallest number that what was `before` may become."""
        most = Fraction(before) * self.amount if self.relative else self.amount
        return Fraction(before) + (abs(most) if self.sign == "+" else -abs(most))


def read_change(text: str, quantity: Quantity, *, any_dimension: bool = False) -> Change:
    """Return how much a text lets a quantity change.

    >>> read_change("+1%", params).limit(200)  # doctest: +SKIP
    Fraction(202, 1)

    No change at all needs no unit. With `any_dimension` the amount may be of another than the
    quantity's first: a receptive field in milliseconds. Raises `UsageError` where it says no
    amount, or not whether a rise or a fall is limited.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(f"{quantity.name}: {text!r} is not a change; write e.g. +1% or +0")
    sign = found["sign"] or {"less": "+", "more": "-"}.get(quantity.better, "")
    if sign not in ("+", "-"):
        raise UsageError(
            f"{quantity.name}: {text!r}: say whether it may rise (+{found['amount']}) or fall "
            f"(-{found['amount']})"
        )
    share, first = _PERCENT.fullmatch(found["amount"]), quantity.dimensions[0]
    if share is not None:
        amount = Fraction(share["number"].replace(",", "").replace("_", "")) / 100
        return Change(sign=_of(sign), amount=amount, relative=True, dimension=first)
    if found["amount"].strip("0.") == "":
        return Change(sign=_of(sign), amount=Fraction(0), relative=False, dimension=first)
    dimension, amount = read_amount(found["amount"], quantity)
    if dimension != first and not any_dimension:
        raise UsageError(
            f"{quantity.name}: {text!r}: a change is of {quantity.dimensions[0]}, as +1 or +1%"
        )
    return Change(sign=_of(sign), amount=amount, relative=False, dimension=dimension)


def _of(sign: str) -> Literal["+", "-"]:
    return "+" if sign == "+" else "-"
