"""What can be asserted about a time, e.g. `latency <= 10ms`, `peak < 2GiB`."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archscope.analyses.time.rows import PassRow
from archscope.assertions import Dimension, Found, Number, Quantity

FORWARD = "forward"
"""The pass that is claimed of."""


def _quantity(
    name: str,
    read: Callable[[PassRow], Number | None],
    dimension: Dimension,
    help: str,
    spread: Callable[[PassRow, Number], tuple[Number, Number] | None] | None = None,
    **more: Any,
) -> Quantity:
    def of_report(report: Any, dimension: Dimension) -> Found:
        row = forward_of(report)
        if row is None:
            return Found(why="no forward pass was timed")
        value = read(row)
        if value is None:
            return Found(why="it is not known here")
        return Found(values=(value,), spread=spread and spread(row, value))

    return Quantity(name=name, dimensions=(dimension,), read=of_report, help=help, **more)


def forward_of(report: Any) -> PassRow | None:
    """Return the row of the forward pass in a report; None where none was timed."""
    section = report.find("time.passes")
    rows = section.rows if section else ()
    return next((row for row in rows if row.stage == FORWARD), None)


def _pace(row: PassRow, middle: Number) -> tuple[Number, Number] | None:
    """Return how many items a second most samples took in; None where a clock is too coarse."""
    if not row.p5_s:
        return None
    return middle * row.median_s / row.p95_s, middle * row.median_s / row.p5_s


def _bound(report: Any, dimension: Dimension) -> Found:
    totals = report.totals_of("time.bounds")
    if totals is None:
        return Found(why="no card was named; --gpu names one")
    return Found(values=(Fraction(totals.bound_s),), bound="" if totals.complete else "at least")


QUANTITIES = (
    _quantity(
        "latency",
        lambda row: Fraction(row.median_s),
        *("time", "median time of a forward pass on this machine"),
        spread=lambda row, middle: (Fraction(row.p5_s), Fraction(row.p95_s)),
        better="less",
    ),
    _quantity(
        "throughput",
        lambda row: row.items_per_s,
        *("count", "tokens or samples per second, forward pass"),
        spread=_pace,
        better="more",
    ),
    _quantity(
        "peak",
        lambda row: row.peak_bytes,
        *("bytes", "peak memory of a forward pass in bytes: what it holds and allocates"),
        aliases=("peak_bytes",),
        better="less",
    ),
    Quantity(
        name="bound",
        dimensions=("time",),
        read=_bound,
        help="lower bound on the time of a forward pass on a GPU, summed over modules",
        better="less",
        asks=(("gpu", "h100"),),
    ),
)
