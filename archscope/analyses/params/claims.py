"""What can be asserted about a count, e.g. `params <= 25M`, `macs < 4.1G`, `complete`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archscope.analyses.params.rows import Totals
from archscope.assertions import Dimension, Found, Number, Quantity

Read = Callable[[Totals], Found]


def _quantity(name: str, read: Read, dimension: Dimension, help: str, **more: Any) -> Quantity:
    def of_report(report: Any, dimension: Dimension) -> Found:
        totals = report.totals_of("params.modules")
        return Found(why="nothing was counted") if totals is None else read(totals)

    return Quantity(name=name, dimensions=(dimension,), read=of_report, help=help, **more)


def _work(amount: int | None, totals: Totals) -> Found:
    """Return an amount of work, which is a bound where some of it is not counted."""
    if amount is None:
        ended = "nothing was run" if totals.macs is None else "the forward did not end"
        return Found(
            why=f"{ended}, so {'no' if totals.macs is None else 'not all'} work was counted"
        )
    if totals.complete:
        return Found(values=(amount,))
    return Found(values=(amount,), bound="at least", why="some of the work is unknown or disputed")


def _active(amount: int | None) -> Found:
    if amount is None:
        return Found(why="it is unknown how many experts a token meets")
    return Found(values=(amount,))


def _asked(amount: int | None) -> Found:
    if amount is None:
        return Found(why="it was not asked for, or is not certain; --nonzero asks")
    return Found(values=(amount,))


def _of_modules(*fields: str) -> Callable[[Any], Iterator[tuple[str, Number]]]:
    """Return what reads how much each module has by itself, without its submodules."""

    def parts(report: Any) -> Iterator[tuple[str, Number]]:
        for row in report.section("params.modules").rows:
            yield row.path, sum(getattr(row, f"own_{field}") or 0 for field in fields)

    return parts


QUANTITIES = (
    _quantity(
        "params",
        lambda totals: Found(values=(totals.trainable + totals.frozen,)),
        *("count", "parameters, trainable or frozen; shared ones counted once"),
        aliases=("parameters", "size"),
        better="less",
        parts=_of_modules("trainable", "frozen"),
    ),
    _quantity(
        "trainable",
        lambda totals: Found(values=(totals.trainable,)),
        *("count", "trainable parameters; shared ones counted once"),
        aliases=("params_trainable",),
        better="less",
        parts=_of_modules("trainable"),
    ),
    _quantity(
        "frozen",
        lambda totals: Found(values=(totals.frozen,)),
        *("count", "frozen parameters"),
        aliases=("params_frozen",),
    ),
    _quantity(
        "active",
        lambda totals: _active(totals.active),
        *("count", "parameters that one token uses; in a mixture of experts, fewer than all"),
        better="less",
    ),
    _quantity(
        "buffers",
        lambda totals: Found(values=(totals.buffers,)),
        *("count", "number of elements of all buffers"),
    ),
    _quantity(
        "weights",
        lambda totals: Found(values=(totals.weight_bytes,)),
        *("bytes", "bytes of all parameters, each in its own number type"),
        aliases=("weight_bytes",),
        better="less",
    ),
    _quantity(
        "macs",
        lambda totals: _work(totals.macs, totals),
        *("count", "multiply-accumulates of one forward pass"),
        better="less",
        parts=_of_modules("macs"),
    ),
    _quantity(
        "flops",
        lambda totals: _work(totals.flops, totals),
        *("count", "FLOPs of one forward pass, in the report's convention"),
        better="less",
        parts=_of_modules("flops"),
    ),
    _quantity(
        "nonzero",
        lambda totals: _asked(totals.nonzero),
        *("count", "parameters that are not zero, if asked for"),
        better="less",
        asks=(("nonzero", True),),
    ),
    _quantity(
        "effective_macs",
        lambda totals: _asked(totals.effective_macs),
        *(
            "count",
            "multiply-accumulates without outputs and inputs that are always zero, if asked for",
        ),
        better="less",
        asks=(("nonzero", True),),
    ),
    _quantity(
        "complete",
        lambda totals: Found(values=(int(totals.complete),)),
        *("switch", "whether all work is counted and both engines agree"),
        aliases=("exact",),
        better="more",
    ),
)
