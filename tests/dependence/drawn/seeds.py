"""Which networks are drawn: chosen ones, or as many as are asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence

MANY = os.environ.get("ARCHSCOPE_RANDOM_NETWORKS")
"""How many of each kind, instead of those that are chosen; 500 take a minute and a half."""


def batches(chosen: Sequence[int], count: int) -> list[Sequence[int]]:
    """Return the seeds in so many parts."""
    seeds = chosen if MANY is None else range(int(MANY))
    return [seeds[part::count] for part in range(count)]
