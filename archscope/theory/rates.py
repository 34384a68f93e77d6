"""Sample rates: positions of an input as time."""

from __future__ import annotations

import re
from fractions import Fraction

from archscope.errors import UsageError

_FORM = re.compile(r"\s*([\d_]*\.?\d+(?:e\d+)?)\s*([kM]?)\s*(hz|fps|/s)?\s*", re.IGNORECASE)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6}


def read_rate(given: str | float | Fraction) -> Fraction:
    """Return positions a second; raises `UsageError` for what says none.

    >>> read_rate("44.1kHz"), read_rate("16k"), read_rate("25fps"), read_rate(48000)
    (Fraction(44100, 1), Fraction(16000, 1), Fraction(25, 1), Fraction(48000, 1))
    """
    if isinstance(given, str):
        form = _FORM.fullmatch(given)
        rate = Fraction(form[1].replace("_", "")) * _FACTORS[form[2].lower()] if form else None
    else:
        is_number = not isinstance(given, bool) and 0 < given < float("inf")
        rate = Fraction(given).limit_denominator(10**9) if is_number else None
    if not rate:
        raise UsageError(
            f"sample rate {given!r}: give positions a second, e.g. 16kHz, 44.1kHz, 48000 or 25fps"
        )
    return rate


def milliseconds(positions: int | float | Fraction, rate: Fraction) -> float:
    """Return how long so many positions take.

    >>> milliseconds(400, read_rate("16kHz"))
    25.0
    """
    return float(Fraction(positions) * 1000 / rate)
