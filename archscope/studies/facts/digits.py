"""Figures as printed: their value, and whether a number rounds to them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from archscope.errors import UsageError

_SUFFIXES = {"K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}


def of_digits(text: str) -> tuple[int | float, float]:
    """Return what a figure says, and a unit of its last digit as a share of that.

    >>> of_digits("6.7B"), of_digits("4.0")
    ((6700000000, 0.014925373134328358), (4.0, 0.025))
    """
    value, last = _read(text)
    whole = value.denominator == 1 and ("." not in text or text[-1] in _SUFFIXES)
    return int(value) if whole else float(value), float(last / abs(value)) if value else 0.0


def agrees(number: float, text: str) -> bool:
    """Return whether a number, rounded or cut to the digits of a figure, is that figure.

    Zeros at the end of a figure without a decimal point are taken for no digits.

    >>> agrees(18.4497, "18.4"), agrees(1.652, "1.7"), agrees(335_141_888, "340M")
    (True, True, True)
    """
    value, last = _read(text)
    return -last / 2 <= Fraction(number) - value < last


def _read(text: str) -> tuple[Fraction, Fraction]:
    """Return a figure, and a unit of its last digit."""
    digits = text.replace(",", "").strip()
    factor = _SUFFIXES.get(digits[-1:], 1)
    try:
        number = Decimal(digits[:-1] if factor > 1 else digits)
        last = number if "." in digits or "e" in digits.lower() else number.normalize()
        exponent = int(last.as_tuple().exponent)
    except (InvalidOperation, ValueError):
        raise UsageError(f"{text!r} is not a number such as 6.7B, 1.7 or 4.2e-4") from None
    return Fraction(number) * factor, Fraction(10) ** exponent * factor
