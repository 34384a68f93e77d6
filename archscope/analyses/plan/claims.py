"""What can be asserted about a plan, e.g. `gpu_memory <= 80GiB`, `days <= 30`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from archscope.analyses.plan.rows import Totals
from archscope.assertions import Dimension, Found, Number, Quantity

_UNSAID = "it takes a card, its share of the peak and the tokens: --gpu, --mfu, --tokens"
_SHARE = (("mfu", "0.4"),)
"""What shares of the peak are told from, with an example."""
_TIME = (("gpu", "h100"), *_SHARE)
"""What the time of a step is told from."""
_RUN = (*_TIME, ("tokens", "300B"))
"""What the whole training run is told from."""


def _quantity(
    name: str,
    dimension: Dimension,
    read: Callable[[Totals], Number | None],
    help: str,
    *,
    better: Literal["", "less", "more"] = "less",
    why: str = _UNSAID,
    bound: Callable[[Totals], Number] | None = None,
    asks: tuple[tuple[str, str], ...] = (),
) -> Quantity:
    def of_report(report: Any, asked: Dimension) -> Found:
        totals = report.totals_of("plan.parts")
        if totals is None:
            return Found(why="no plan was made")
        value = read(totals)
        if value is not None:
            return Found(values=(value,))
        if bound is None:
            return Found(why=why)
        return Found(values=(bound(totals),), bound="at least", why=why)

    return Quantity(
        name=name, dimensions=(dimension,), read=of_report, help=help, better=better, asks=asks
    )


def _activations(report: Any, asked: Dimension) -> Found:
    section = report.find("plan.parts")
    rows = () if section is None else section.rows
    sizes = [row.bytes for row in rows if row.part == "activations"]
    if not sizes or sizes[0] is None:
        return Found(why="what the forward keeps is not known")
    return Found(values=(sizes[0],))


QUANTITIES = (
    _quantity(
        "gpu_memory",
        "bytes",
        lambda totals: totals.memory,
        "memory of a GPU of the fullest stage in training, in bytes, without temporary memory",
        why="a part of it is not known",
        bound=lambda totals: totals.known,
    ),
    _quantity(
        "gpu_spare",
        "bytes",
        lambda totals: totals.spare,
        "bytes of a GPU's memory that the plan leaves free",
        better="more",
        why="it takes a card and all parts of the memory",
    ),
    Quantity(
        name="gpu_activations",
        dimensions=("bytes",),
        read=_activations,
        help="bytes of activations on a GPU of the fullest stage",
        better="less",
    ),
    _quantity(
        "step_flops",
        "count",
        lambda totals: totals.hardware_flops,
        "FLOPs of a training step, recomputation included",
        why="only a bound on the backward is known",
    ),
    _quantity(
        "step_sent",
        "bytes",
        lambda totals: totals.sent,
        "bytes that a GPU sends in a training step",
        why="the traffic between stages is unknown",
    ),
    _quantity(
        "bubble",
        "share",
        lambda totals: totals.bubble,
        "time that a GPU of the pipeline waits, relative to the time that it works",
    ),
    _quantity(
        "mfu",
        "share",
        lambda totals: totals.mfu,
        "model FLOPs utilization, as given",
        better="more",
        asks=_SHARE,
    ),
    _quantity(
        "hfu",
        "share",
        lambda totals: totals.hfu,
        "hardware FLOPs utilization: MFU with recomputation",
        better="more",
        asks=_SHARE,
    ),
    _quantity(
        "step_time",
        "time",
        lambda totals: totals.step_seconds,
        "seconds per training step",
        asks=_TIME,
    ),
    _quantity(
        "train_days",
        "count",
        lambda totals: totals.days,
        "days of the whole training run",
        asks=_RUN,
    ),
    _quantity(
        "gpu_hours",
        "count",
        lambda totals: totals.gpu_hours,
        "GPU-hours of the whole training run",
        asks=_RUN,
    ),
    _quantity(
        "train_cost",
        "count",
        lambda totals: totals.cost,
        "price of the whole training run",
        asks=(*_RUN, ("price", "2")),
    ),
    _quantity(
        "largest",
        "count",
        lambda totals: totals.largest,
        "largest value that fits, of the field named by --max",
        better="more",
        why="--max names no field, or no value fits",
        asks=(("max", "batch"),),
    ),
)


def failure(report: Any) -> str | None:
    """Return why a plan cannot be carried out; None where it can, or where that is not known."""
    totals = report.totals_of("plan.parts")
    if totals is None or totals.fits is not False:
        return None
    return (
        f"does not fit: {-totals.spare / 2**30:.4g} GiB short on a card of stage {totals.stage}, "
        f"{totals.known / 2**30:.4g} of {totals.limit / 2**30:.4g} GiB"
    )
