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
    _quantity("n_all", lambda totals: totals.n_all, "every parameter once"),
    _quantity(
        "n_embeddings",
        lambda totals: totals.n_embeddings,
        "parameters of tables that are looked up",
    ),
    _quantity(
        "n_vocabulary",
        lambda totals: totals.n_all - totals.n_non_embedding,
        "parameters of tables and of a head that is not tied to one",
    ),
    _quantity(
        "n_non_embedding",
        lambda totals: totals.n_non_embedding,
        "parameters without tables and head, Kaplan's N",
    ),
    _quantity("n_active", lambda totals: totals.n_active, "parameters that one token meets"),
    _quantity(
        "n_active_non_embedding",
        lambda totals: totals.n_active_non_embedding,
        "parameters that one token meets, without tables and head",
    ),
    _quantity(
        "n_active_without_lookup",
        lambda totals: totals.n_active_without_lookup,
        "parameters that one token meets, without tables that are looked up alone",
    ),
    _quantity(
        "n_matmul", lambda totals: totals.n_matmul, "weights that one token is multiplied by"
    ),
    _quantity(
        "attention_macs",
        lambda totals: totals.attention_macs,
        "multiply-accumulates of attention's products for each token",
    ),
    _quantity(
        "forward_flops",
        lambda totals: totals.forward_flops,
        "FLOPs of a forward pass, two for each multiply-accumulate",
    ),
    _quantity(
        "train_flops_per_token",
        lambda totals: totals.train_flops_per_token,
        "FLOPs of training on one token, three times the forward's",
    ),
    _quantity(
        "train_flops",
        lambda totals: totals.train_flops,
        "FLOPs of the whole training, with tokens given",
    ),
)
