"""The settings of `scaling`."""

from __future__ import annotations

import re

from archscope.assertions import Found, Quantity, read_amount
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.specs import check, option

MOST = 10**36
"""More tokens than anybody trains with, and more FLOPs than anybody spends."""

_UNITS = {"tokens": "token", "compute": "flop"}
"""What each is of, which may be written behind its number."""


@frozen
class Settings:
    """How long it trains, or what may be spent."""

    tokens: str | None = option(None, "training tokens, e.g. 300B or 15.6T")
    compute: str | None = option(
        None, "compute budget in FLOPs, e.g. 5.76e23: what sizes the laws recommend"
    )

    def __post_init__(self) -> None:
        check(self)
        amount("tokens", self.tokens)
        amount("compute", self.compute)


def amount(name: str, text: str | None) -> float | None:
    """Return a number with its suffix; None by default. Raises `UsageError`."""
    if not text:
        return None
    quantity = Quantity(name=name, dimensions=("count",), read=lambda report, of: Found())
    number = re.sub(rf"(?i)\s*{_UNITS[name]}s?\s*$", "", text)
    _, value = read_amount(number, quantity)
    if value <= 0:
        raise UsageError(f"{name}: {text!r} is not more than 0; write e.g. 300B")
    if value > MOST:
        raise UsageError(f"{name}: {text!r} is out of range; write at most 1e36")
    return int(value) if value == int(value) else float(value)
