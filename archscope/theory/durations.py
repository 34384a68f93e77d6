"""Lengths as they are typed, in positions or as a duration: `255`, `1k`, `250ms`."""

import re
from fractions import Fraction
from math import ceil

from archscope.amounts import whole
from archscope.errors import SpecError

_LENGTH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(us|µs|ms|s|min)?\s*", re.IGNORECASE)
SECONDS = {
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 1_000),
    "s": Fraction(1),
    "min": Fraction(60),
}


def read_length(given: str | int, rate: Fraction | None, field: str) -> int:
    """Return a length in positions, of a duration the next larger one; raises `SpecError`.

    `rate` is positions a second; None: they are not of time.

    >>> read_length("250ms", Fraction(16_000), "target"), read_length("255", None, "target")
    (4000, 255)
    """
    if (positions := whole(str(given))) is not None:
        return positions
    match = _LENGTH.fullmatch(str(given))
    unit = (match[2] or "").lower() if match else ""
    if match is None or not unit:
        problem = "is neither a number of positions nor a duration, e.g. 255, 250ms or 1.5s"
        raise SpecError(field, given, problem)
    if rate is None:
        raise SpecError(field, given, "is a duration, which needs {sample_rate}, e.g. 16kHz")
    return ceil(Fraction(match[1]) * SECONDS[unit] * rate)
