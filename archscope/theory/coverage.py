"""Decides exactly whether an output sees its whole window, and names the layer that is to blame."""

from collections.abc import Iterable

from archscope.records import frozen
from archscope.theory.combs import Comb, ascending, common_rate


@frozen
class Cause:
    """Why a window has holes: the finest comb that steps further than the finer ones reach."""

    layer: int
    """Index of the layer that breaks the criterion first, by rate."""
    rate: int
    """Its effective rate, in input positions."""
    reach: int
    """Positions without a hole that all finer layers reach together; smaller than `rate`."""
    common_rate: int
    """What divides every effective rate; above 1, only every so many positions are sampled."""


def is_full(teeth: Iterable[Comb]) -> bool:
    """Return whether the sums of the combs leave no hole.

    Sorted by rate, each rate must be at most one more than the spans of all smaller ones together:
    Brown 1961's completeness criterion, with each rate used up to taps - 1 times.
    """
    return find_cause(teeth) is None


def find_cause(teeth: Iterable[Comb]) -> Cause | None:
    """Return the first comb by rate that steps over a hole, or None where coverage is full."""
    ordered = ascending(teeth)
    reached = 1
    for comb in ordered:
        if comb.rate > reached:
            common = common_rate(ordered)
            return Cause(layer=comb.layer, rate=comb.rate, reach=reached, common_rate=common)
        reached += comb.span
    return None
