"""Rules of products of a kind of their own: scaled, grouped, of integers, of sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    constant,
    edges,
    from_all,
    made_weights,
    shape_of,
    targets,
)
from archscope.dependence.sets.links import ranges
from archscope.dependence.sets.steps import (
    Edge,
    Mix,
    Permute,
    Reduce,
    Reshape,
    Spread,
    Take,
    broadcast,
)

RULES = RuleSet()


def _rows_by_columns(one: Any, two: Any, target: Value) -> list[Edge]:
    """Rows of one times columns of the other; batches must be alike."""
    a, b, rank = shape_of(one), shape_of(two), len(target.shape)
    found = edges(one, (Mix(rank - 1, a[-1], target.shape[-1]),), target)
    return found + edges(two, (Mix(rank - 2, b[-2], target.shape[-2]),), target)


@RULES.of("_int_mm", "hspmm", "_sparse_sparse_matmul", "_sparse_mm_reduce_impl")
def plain(node: Node, zeros: Zeros) -> list[Edge]:
    """Rows of one times columns of the other."""
    one, two = (given for given in node.arguments.values() if hasattr(given, "shape"))
    return [
        edge
        for target in targets(node)
        if len(target.shape) == 2
        for edge in _rows_by_columns(one, two, target)
    ]


@RULES.of("sspaddmm", "sparse_sampled_addmm")
def added(node: Node, zeros: Zeros) -> list[Edge]:
    """The same, added to what is at the place."""
    given, (target,) = node.arguments, targets(node)
    found = edges(given["self"], (), target)
    return found + _rows_by_columns(given["mat1"], given["mat2"], target)


@RULES.of("addr")
def outer(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element of one vector times each of another, added to a matrix."""
    given, (target,) = node.arguments, targets(node)
    (rows, columns), own = target.shape, shape_of(given["self"])
    found = edges(given["self"], broadcast(own, target.shape), target)
    upright = (Reshape((rows,), (rows, 1)), Spread((1,), (columns,)))
    flat = (Reshape((columns,), (1, columns)), Spread((0,), (rows,)))
    return found + edges(given["vec1"], upright, target) + edges(given["vec2"], flat, target)


@RULES.of("_scaled_mm", "_scaled_mm_v2")
def scaled(node: Node, zeros: Zeros) -> list[Edge]:
    """A product of small numbers, times scales of rows, of columns, or of both whole."""
    given, (target,) = node.arguments, targets(node)
    found = _rows_by_columns(given["self"], given["mat2"], target)
    return found + made_weights(node, target) + _scales(node, target)


def _scales(node: Node, target: Value) -> list[Edge]:
    found = []
    for name in ("scale_a", "scale_b", "scale_result"):
        for scale in tree_leaves(node.arguments.get(name)):
            if not isinstance(scale, Value):
                continue
            rank = len(scale.shape)
            fits = 0 < rank <= len(target.shape) and all(
                size in (1, wide)
                for size, wide in zip(scale.shape[::-1], target.shape[::-1], strict=False)
            )
            steps = broadcast(scale.shape, target.shape) if fits else None
            found += from_all(scale, target) if steps is None else edges(scale, steps, target)
    return found


@RULES.of("_grouped_mm", "_scaled_grouped_mm", "_scaled_grouped_mm_v2")
def grouped(node: Node, zeros: Zeros) -> list[Edge]:
    """Groups of rows, each times one matrix: whose rows they are is not known from where they lie.

    (R, K) by (E, K, N): rows up to `offs[e]` are of group e. Where these numbers come from the
    input, so does which matrix a row meets.
    """
    given, (target,) = node.arguments, targets(node)
    one, two, ends = given["self"], given["mat2"], given.get("offs")
    a, b = shape_of(one), shape_of(two)
    found = made_weights(node, target) + _scales(node, target)
    if len(a) == len(b) == 3:
        return found + _rows_by_columns(one, two, target)
    if len(a) == 2 and len(b) == 3:
        found += edges(one, (Mix(1, a[1], target.shape[1]),), target) + from_all(two, target)
    elif len(a) == len(b) == 2:
        found += _by_inner_groups(one, two, ends, target)
    else:  # groups of columns
        found += edges(two, (Mix(0, b[0], target.shape[0]),), target) + from_all(one, target)
    if isinstance(ends, Value):
        raise DataDependentError(found + from_all(ends, target))
    return found


def _by_inner_groups(one: Any, two: Any, ends: Any, target: Value) -> list[Edge]:
    """Groups along the axis that is summed over: (M, K) by (K, N) to (E, M, N)."""
    count, rows, columns = target.shape
    size = shape_of(one)[1]
    last = constant(ends).numpy().astype(np.int64) if not isinstance(ends, Value) else None
    if last is None:
        take = (Reduce((0,), (size,)), Spread((0,), (count,)))
    else:
        first = np.concatenate([[0], last[:-1]])
        take = (Take(0, ranges(size, first, last)),)  # type: ignore[assignment]
    by_rows = (Permute((1, 0)), *take, Reshape((count, rows), (count, rows, 1)))
    by_columns = (*take, Reshape((count, columns), (count, 1, columns)))
    return [
        *edges(one, (*by_rows, Spread((2,), (columns,))), target),
        *edges(two, (*by_columns, Spread((1,), (rows,))), target),
    ]
