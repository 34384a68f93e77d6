"""What can be asserted about a training step's work, e.g. `train_macs <= 3T`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archscope.analyses.train.rows import Totals
from archscope.assertions import Dimension, Found, Quantity


def _quantity(name: str, read: Callable[[Totals], int], help: str) -> Quantity:
    def of_report(report: Any, dimension: Dimension) -> Found:
        totals = report.totals_of("train.modules")
        if totals is None:
            return Found(why="no step of training was counted")
        if totals.complete:
            return Found(values=(read(totals),))
        why = "some of the work is unknown or disputed"
        return Found(values=(read(totals),), bound="at least", why=why)

    return Quantity(name=name, dimensions=("count",), read=of_report, help=help, better="less")


QUANTITIES = (
    _quantity(
        "train_macs",
        lambda totals: totals.step,
        "multiply-accumulates of a training step, recomputation included",
    ),
    _quantity(
        "backward_macs",
        lambda totals: totals.backward,
        "multiply-accumulates of the backward pass",
    ),
)
