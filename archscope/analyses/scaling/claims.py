"""What can be asserted about a network's size, e.g. `n_active <= 4B`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archscope.analyses.scaling.rows import Totals
from archscope.assertions import Dimension, Found, Quantity


def _quantity(name: str, read: Callable[[Totals], float | None], help: str) -> Quantity:
    def of_report(report: Any, dimension: Dimension) -> Found:
        totals = report.totals_of("scaling.meanings")
        if totals is None:
            return Found(why="what N means was not asked")
        value = read(totals)
        return (
            Found(why="it is not known of this network")
            if value is None
            else Found(values=(value,))
        )

    return Quantity(name=name, dimensions=("count",), read=of_report, help=help, better="less")


QUANTITIES = (
    _quantity("n_all", lambda totals: totals.n_all, "all parameters, each counted once"),
    _quantity(
        "n_embeddings",
        lambda totals: totals.n_embeddings,
        "parameters of embedding tables",
    ),
    _quantity(
        "n_vocabulary",
        lambda totals: totals.n_all - totals.n_non_embedding,
        "parameters of embedding tables and of an untied head",
    ),
    _quantity(
        "n_non_embedding",
        lambda totals: totals.n_non_embedding,
        "parameters without embedding tables and head (Kaplan's N)",
    ),
    _quantity("n_active", lambda totals: totals.n_active, "parameters that one token uses"),
    _quantity(
        "n_active_non_embedding",
        lambda totals: totals.n_active_non_embedding,
        "parameters that one token uses, without embedding tables and head",
    ),
    _quantity(
        "n_active_without_lookup",
        lambda totals: totals.n_active_without_lookup,
        "parameters that one token uses, without tables that are only looked up",
    ),
    _quantity(
        "n_matmul", lambda totals: totals.n_matmul, "weights that one token is multiplied by"
    ),
    _quantity(
        "attention_macs",
        lambda totals: totals.attention_macs,
        "multiply-accumulates of the attention products, per token",
    ),
    _quantity(
        "forward_flops",
        lambda totals: totals.forward_flops,
        "FLOPs of a forward pass, two per multiply-accumulate",
    ),
    _quantity(
        "train_flops_per_token",
        lambda totals: totals.train_flops_per_token,
        "training FLOPs per token, three times those of the forward pass",
    ),
    _quantity(
        "train_flops",
        lambda totals: totals.train_flops,
        "FLOPs of the whole training run, if tokens are given",
    ),
)
