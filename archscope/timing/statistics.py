"""Statistics of many samples of a time: median, spread, and whether the spread is too wide."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, floor

from archscope.records import frozen

NOISY_SHARE = 0.05
"""Half of the samples lie further apart than this share of the median: noisy, if also ..."""
NOISY_SECONDS = 20e-6
"""... further apart than this: below it, clocks and schedulers are seen, not the network."""


@frozen
class Summary:
    """The distribution of one time, in seconds."""

    median_s: float
    p5_s: float
    """One sample in twenty was shorter."""
    p95_s: float
    """One sample in twenty was longer."""
    iqr_s: float
    """Between the first and the third quarter: the middle half of the samples."""
    samples: int


def summarise(seconds: Sequence[float]) -> Summary:
    """Return median, percentiles and interquartile range; raises `ValueError` without samples."""
    ordered = sorted(seconds)
    return Summary(
        median_s=percentile(ordered, 0.5),
        p5_s=percentile(ordered, 0.05),
        p95_s=percentile(ordered, 0.95),
        iqr_s=percentile(ordered, 0.75) - percentile(ordered, 0.25),
        samples=len(ordered),
    )


def is_noisy(median_s: float, iqr_s: float) -> bool:
    """Return whether the middle half is spread beyond both limits, the relative and the other."""
    return iqr_s > NOISY_SHARE * median_s and iqr_s > NOISY_SECONDS


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` of sorted values lie, between neighbours on a line.

    Hyndman and Fan (1996), definition 7: what numpy and R do by default.
    """
    if not ordered:
        raise ValueError("there are no samples")
    place = share * (len(ordered) - 1)
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def median_interval(ordered: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return between which sorted values the median lies, with a probability of at least `level`.

    By how many of n samples lie below it, which is binomial whatever they are distributed as
    (Thompson 1936; Hollander and Wolfe 1999, section 3.6); None where there are too few.
    """
    n = len(ordered)
    outside, below = 0.0, 0
    while below < n // 2 and outside + 2 * comb(n, below) / 2**n <= 1 - level:
        outside += 2 * comb(n, below) / 2**n
        below += 1
    return (ordered[below - 1], ordered[n - below]) if below else None
