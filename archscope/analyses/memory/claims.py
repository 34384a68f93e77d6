"""What can be asserted about a training step's memory, e.g. `step_peak <= 24GiB`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archscope.analyses.memory.rows import Totals
from archscope.assertions import Dimension, Found, Quantity


def _quantity(
    name: str,
    read: Callable[[Totals], int | None],
    help: str,
    *,
    kept: bool = False,
    **more: Any,
) -> Quantity:
    """Return a claim of a number of the totals; `kept`: what the forward keeps is part of it."""

    def of_report(report: Any, dimension: Dimension) -> Found:
        totals = report.totals_of("memory.modules")
        if totals is None:
            return Found(why="no step of training was run")
        size = read(totals)
        if not totals.exact and kept:
            return Found(why="what fused kernels of recurrent layers save is not documented")
        if size is None:
            return Found(why="blocks that repeat were run once")
        return Found(values=(size,))

    return Quantity(
        name=name, dimensions=("bytes",), read=of_report, help=help, better="less", **more
    )


QUANTITIES = (
    _quantity(
        "act",
        lambda totals: totals.saved,
        "activations: bytes that the forward pass keeps for the backward pass, inputs and buffers "
        "too",
        kept=True,
        aliases=("saved", "activations"),
    ),
    _quantity(
        "step_peak",
        lambda totals: totals.peak,
        "peak memory of a training step in bytes: with weights and optimizer states, without "
        "kernel workspaces",
        kept=True,
        aliases=("train_memory",),
    ),
    _quantity("gradients", lambda totals: totals.gradients, "bytes of all gradients"),
    _quantity("states", lambda totals: totals.states, "bytes of the optimizer states"),
)
