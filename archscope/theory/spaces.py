"""How many networks a search space has."""

from __future__ import annotations

from math import log10

from archscope.errors import UsageError

_DIGITS = 300
"""Digits beyond which nobody reads how many there are."""


def networks(*, options: int, places: int) -> int:
    """Return how many networks there are where each of so many places has so many options.

    8^5 = 32,768 in the size space of NATS-Bench (Dong et al. 2021, arXiv 2009.00437). Raises
    `UsageError` for more than 10^300.
    """
    if options > 1 and places * log10(options) > _DIGITS:
        raise UsageError(f"{options}^{places} has more than {_DIGITS} digits")
    return int(options**places)
