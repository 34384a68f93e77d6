"""What the specs of several families check of their fields, and how they say what is wrong."""

from __future__ import annotations

from archscope.errors import SpecError
from archscope.specs import nearest_divisors


def check_divides(field: str, value: int, whole: str, number: int) -> None:
    """Raise `SpecError` where the value of `field` does not divide that of `whole`."""
    if number % value:
        near = ", ".join(map(str, nearest_divisors(number, value)))
        raise SpecError(field, value, f"does not divide {{{whole}}} {number}. Nearest: {near}")


def check_even(field: str, value: int, why: str) -> None:
    """Raise `SpecError` where a value is odd, though `why`."""
    if value % 2:
        raise SpecError(field, value, f"is odd{why}. Nearest: {value - 1}, {value + 1}")


def check_odd(field: str, value: int, why: str) -> None:
    """Raise `SpecError` where a value is even, though `why`."""
    if value % 2 == 0:
        raise SpecError(field, value, f"is even{why}. Nearest: {value - 1}, {value + 1}")
