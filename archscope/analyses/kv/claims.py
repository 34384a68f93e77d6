"""What can be asserted about a cache, e.g. `kv_bytes <= 16GiB`."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from archscope.analyses.kv.rows import Totals
from archscope.assertions import Dimension, Found, Quantity

_GPU = (("gpu", "h100"),)
"""What bounds of a step are told from, with an example."""


def _quantity(
    name: str,
    read: Callable[[Totals], int | float | None],
    help: str,
    *,
    unit: Dimension = "count",
    better: str = "less",
    why: str = "",
    bound: str = "",
    asks: tuple[tuple[str, str], ...] = (),
) -> Quantity:
    def of_report(report: Any, dimension: Dimension) -> Found:
        totals = report.totals_of("kv.layers")
        value = None if totals is None else read(totals)
        if value is None:
            return Found(why=why or "no cache of it is known")
        return Found(
            values=(value,),
            bound=bound,  # type: ignore[arg-type]
            why="a card's peaks bound it" if bound else "",
        )

    return Quantity(
        name=name,
        dimensions=(unit,),
        read=of_report,
        help=help,
        better=better,  # type: ignore[arg-type]
        asks=asks,
    )


QUANTITIES = (
    _quantity(
        "kv_bytes",
        lambda totals: totals.bytes,
        "bytes of the cache of all sequences",
        unit="bytes",
    ),
    _quantity(
        "kv_per_token",
        lambda totals: totals.per_position,
        "bytes that a position adds to a sequence's cache while no window is full",
        unit="bytes",
    ),
    _quantity(
        "kv_states",
        lambda totals: totals.states,
        "bytes of one sequence's cache that do not depend on the context length",
        unit="bytes",
    ),
    _quantity(
        "kv_reserved",
        lambda totals: totals.reserved,
        "bytes that a runtime reserves for the cache",
        unit="bytes",
        why="no runtime was named, or what it reserves is unknown",
    ),
    _quantity(
        "decode_macs",
        lambda totals: totals.macs,
        "multiply-accumulates of one decoding step",
        why="no closed form gives the MACs of a step",
    ),
    _quantity(
        "decode_bytes",
        lambda totals: totals.read,
        "bytes that one decoding step reads: the weights once, and the cache",
        unit="bytes",
        why="no closed form gives what a step reads",
    ),
    _quantity(
        "decode_time",
        lambda totals: totals.seconds,
        "lower bound on the time of one decoding step on a GPU",
        unit="time",
        bound="at least",
        why="no GPU was named, or no closed form gives the work of a step",
        asks=_GPU,
    ),
    _quantity(
        "tokens_per_second",
        lambda totals: None if totals.rate is None else ceil(totals.rate),
        "upper bound on the tokens per second of decoding on a GPU",
        better="more",
        bound="at most",
        why="no GPU was named, or no closed form gives the work of a step",
        asks=_GPU,
    ),
    _quantity(
        "tokens_fit",
        lambda totals: totals.tokens_fit,
        "positions, over all sequences, whose cache fits into the memory",
        better="more",
        why="no memory was given, or the size of the cache is unknown",
    ),
    _quantity(
        "sequences_fit",
        lambda totals: totals.sequences_fit,
        "sequences whose cache fits into the memory",
        better="more",
        why="no memory was given, or the size of the cache is unknown",
    ),
)
