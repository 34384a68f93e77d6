"""What a unit of a fact is worth in archscope's own units: bytes, FLOPs, seconds, things."""

from __future__ import annotations

import re

from archscope.errors import UsageError, did_you_mean
from archscope.theory.training_cost import PF_DAY, SECONDS_PER_DAY

_PREFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_PLAIN = (
    *("bytes", "bits", "FLOPs", "MACs", "params", "parameters", "tokens", "seconds", "s"),
    *("samples", "positions", "networks", "values", "elements", "layers", "ratio", "x"),
    *("fraction", "share", "width", "nats", "USD"),
)
UNITS: dict[str, float] = {
    "": 1,
    **dict.fromkeys(_PLAIN, 1),
    "%": 0.01,
    "thousands": 10**3,
    "millions": 10**6,
    "billions": 10**9,
    "trillions": 10**12,
    **{f"{prefix}B": worth for prefix, worth in _PREFIXES.items()},
    **{f"{prefix}iB": 2 ** (10 * power) for power, prefix in enumerate("KMGTP", start=1)},
    **{f"{p}{of}": w for of in ("FLOPs", "FLOP/s", "MACs") for p, w in _PREFIXES.items()},
    **_PREFIXES,
    "FLOP/s": 1,
    "ms": 0.001,
    "minutes": 60,
    "hours": 3600,
    "days": SECONDS_PER_DAY,
    "GPU-hours": 1,
    "PF-days": PF_DAY,
}
"""How many of what is computed a unit is; hours of cards are computed in hours."""


def worth(unit: str) -> float:
    """Return how many of what is computed one unit is: `GiB per GPU` is 2^30 bytes.

    What it is for each of (`/token`, `per GPU`) and remarks in brackets change nothing. Raises
    `UsageError` with the nearest for a unit that is not known.
    """
    plain = re.sub(r"\(.*?\)", "", unit).partition(" per ")[0].strip()
    found = [each for each in (plain, *_shorter(plain)) if each in UNITS]
    if not found:
        near = did_you_mean(plain, list(UNITS))
        raise UsageError(f"unit {unit!r} is not known; there are {', '.join(UNITS)}.{near}")
    return UNITS[found[0]]


def _shorter(unit: str) -> list[str]:
    """Return a unit without its last parts: `bytes/token/layer`, `bytes/token`, `bytes`."""
    parts = unit.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
