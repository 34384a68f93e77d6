"""Sample rates and durations, as they are typed: `16kHz`, `250ms`; exact in positions."""

import re
from fractions import Fraction
from math import ceil

from archscope.errors import SpecError

_NUMBER = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
_RATE = re.compile(_NUMBER + "(hz|khz|mhz)?", re.IGNORECASE)
_LENGTH = re.compile(_NUMBER + "(us|µs|ms|s|min)?", re.IGNORECASE)
HERTZ = {"": 1, "hz": 1, "khz": 1_000, "mhz": 1_000_000}
SECONDS = {
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 1_000),
    "s": Fraction(1),
    "min": Fraction(60),
}


def read_rate(given: str | float, field: str = "sample_rate") -> Fraction:
    """Return a sample rate in positions per second; raises `SpecError`.

    >>> read_rate("44.1kHz"), read_rate(16_000)
    (Fraction(44100, 1), Fraction(16000, 1))
    """
    match = _RATE.fullmatch(str(given))
    rate = Fraction(match[1]) * HERTZ[(match[2] or "").lower()] if match else Fraction(0)
    if not rate:
        raise SpecError(field, given, "is not a sample rate, e.g. 16000, 16kHz or 44.1kHz")
    return rate


def read_length(given: str | int, rate: Fraction | None, field: str) -> int:
    """Return a length in positions, of a duration the next larger one; raises `SpecError`.

    >>> read_length("250ms", Fraction(16_000), "target"), read_length("255", None, "target")
    (4000, 255)
    """
    match = _LENGTH.fullmatch(str(given))
    unit = (match[2] or "").lower() if match else ""
    if match is None or (not unit and "." in match[1]):
        problem = "is neither a number of positions nor a duration, e.g. 255, 250ms or 1.5s"
        raise SpecError(field, given, problem)
    if not unit:
        return int(match[1])
    if rate is None:
        raise SpecError(field, given, "is a duration, which needs {sample_rate}, e.g. 16kHz")
    return ceil(Fraction(match[1]) * SECONDS[unit] * rate)


def milliseconds(positions: int, rate: Fraction) -> float:
    """Return how long so many positions last.

    >>> milliseconds(4_001, Fraction(16_000))
    250.0625
    """
    return float(positions * 1_000 / rate)
