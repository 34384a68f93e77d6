"""How many networks a search space has."""

from __future__ import annotations


def networks(*, options: int, places: int) -> int:
    """Return how many networks there are where each of so many places has so many options.

    8^5 = 32,768 in the size space of NATS-Bench (Dong et al. 2021, arXiv 2009.00437).
    """
    return int(options**places)
