"""What recurrent layers do for each row of their input: products, biases, work of the gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archscope.counting.others import PRODUCTS

ADDED_BIASES = "biases are added"


def terms(module: Any, rows: int, counted: int, biases: int, elementwise: int) -> Mapping[str, int]:
    """Return the terms of one call, from the tool's figures for one row.

    `rows` meet the weights in a call; `counted` are the weights that the tool multiplies them by.
    """
    weights = sum(p.numel() for p in module.parameters() if p.ndim > 1)
    kind = type(module).__name__
    found = {
        PRODUCTS: rows * weights,
        ADDED_BIASES: rows * biases,
        f"elementwise work in {kind} is added": rows * elementwise,
    }
    if getattr(module, "proj_size", 0):
        found[f"the projection of the output of {kind} is not counted as such"] = rows * (
            counted - weights
        )
    return found
