"""Graph operators of PyTorch Geometric's packages: torch-scatter, torch-sparse and pyg-lib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from archscope.counting.custom import FormulaSet, no_products

FORMULAS = FormulaSet()


@FORMULAS.of("torch_sparse::spmm_sum", "torch_sparse::spmm_mean")
def sparse_product(
    row: Any, starts: Tensor, column: Tensor, value: Any, *rest: Any, result: Tensor, **_: Any
) -> int:
    """A sparse matrix times a dense one (*, N, K): K products for each stored entry.

    Without values its entries are ones: rows are summed, and nothing is multiplied.
    """
    if value is None:
        return 0
    dense: Tensor = rest[-1]
    return column.numel() * dense.numel() // max(dense.shape[-2], 1)


@FORMULAS.of("pyg::segment_matmul")
def of_segments(x: Tensor, starts: Tensor, weights: Tensor, *_: Any, **__: Any) -> int:
    """Groups of rows of x (R, in), each times a matrix of weights (groups, in, out)."""
    return x.numel() * weights.shape[-1]


@FORMULAS.of("pyg::grouped_matmul")
def of_groups(inputs: Sequence[Tensor], weights: Sequence[Tensor], *_: Any, **__: Any) -> int:
    """Each of several matrices times its own."""
    return sum(x.numel() * w.shape[-1] for x, w in zip(inputs, weights, strict=True))


_SUMS = (
    *("scatter_sum", "scatter_mul", "scatter_mean", "scatter_min", "scatter_max"),
    *("segment_sum_coo", "segment_mean_coo", "segment_min_coo", "segment_max_coo", "gather_coo"),
    *("segment_sum_csr", "segment_mean_csr", "segment_min_csr", "segment_max_csr", "gather_csr"),
)
_MOVES = ("ind2ptr", "ptr2ind", "spmm_min", "spmm_max", "partition", "non_diag_mask")
FORMULAS.of(
    *(f"torch_scatter::{name}" for name in _SUMS),
    *(f"torch_sparse::{name}" for name in _MOVES),
    *("pyg::index_sort", "pyg::sampled_op"),
)(no_products)
