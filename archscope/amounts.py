"""Numbers as people type them: `128k` things, `80GiB`, `40ms`; units in any case."""

from __future__ import annotations

import re
from fractions import Fraction

Number = int | float | Fraction

COUNTS: dict[str, Number] = {
    "": 1,
    **{"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12},
    **{"ki": 2**10, "mi": 2**20, "gi": 2**30},
}
"""Of things: thousands and more, or powers of two."""
SECONDS: dict[str, Number] = {
    "s": 1,
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
}
BYTES: dict[str, Number] = {
    **{"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12},
    **{"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40},
}
_THOUSANDS = r"\d{1,3}(?:,\d{3}){1,33}(?:\.\d{1,99})?"
"""Commas stand between thousands: `6,12` is a list, which is not a number."""
AMOUNT = (
    rf"(?P<number>(?:{_THOUSANDS}|[\d_]{{0,99}}\.?\d{{1,99}})(?:[eE][+-]?\d{{1,2}})?)"
    r"\s*(?P<unit>[A-Za-zµ%]*)\s*"
)
"""A number with its unit; of a billion digits it would take all memory."""


def whole(text: str) -> int | None:
    """Return a number of things; None where the text says none, or not a whole one.

    >>> whole("128k"), whole("128Ki"), whole("1.5M"), whole("1,000"), whole("6,12"), whole("1.5")
    (128000, 131072, 1500000, 1000, None, None)
    """
    found = _read(text, COUNTS)
    return int(found) if found is not None and found.denominator == 1 else None


def size(text: str) -> int | None:
    """Return bytes, rounded down; None where the text is no size.

    >>> size("80GiB"), size("24 GB"), size("80")
    (85899345920, 24000000000, None)
    """
    found = _read(text, BYTES)
    return None if found is None else int(found)


def seconds(text: str) -> float | None:
    """Return seconds, which need no unit; None where the text says none.

    >>> seconds("500ms"), seconds("60")
    (0.5, 60.0)
    """
    found = _read(text, {**SECONDS, "": 1})
    return None if found is None else float(found)


def _read(text: str, units: dict[str, Number]) -> Fraction | None:
    form = re.fullmatch(rf"\s*{AMOUNT}", text)
    unit = None if form is None else units.get(form["unit"].lower())
    if form is None or unit is None:
        return None
    return Fraction(form["number"].replace(",", "").replace("_", "")) * Fraction(unit)
