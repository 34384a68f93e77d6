"""Rules of operators that run along a sequence: sums so far, recurrent layers, transforms."""

from __future__ import annotations

import numpy as np

from archscope.dependence.record.graph import READ, UNSEEN, Node, Shape, View
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    from_all,
    shape_of,
    targets,
)
from archscope.dependence.rules.views import unfolded
from archscope.dependence.sets.links import so_far
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Step,
    Take,
    backward,
)

RULES = RuleSet()
RUNNING = ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
"""Operators of which each element is made of all up to its place."""

Steps = tuple[Step, ...]


@RULES.of(*RUNNING)
def cumulative(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from all up to its place."""
    source = node.arguments["self"]
    shape = shape_of(source)
    axis = node.arguments["dim"] % len(shape)
    return edges(source, (Take(axis, so_far(shape[axis])),), *targets(node))


@RULES.of(READ)
def read(node: Node, zeros: Zeros) -> list[Edge]:
    """What was returned, and all that Python read before."""
    source, (target,) = node.arguments["self"], targets(node)
    found = edges(source, (), target)
    for value in node.arguments["values"]:
        found += from_all(value, target)
    if node.arguments["values"]:
        raise DataDependentError(found)
    return found


@RULES.of(UNSEEN)
def unseen(node: Node, zeros: Zeros) -> list[Edge]:
    """What numbers of the input come into by a way that no operator shows."""
    raise DataDependentError


@RULES.of("_local_scalar_dense", "item", "equal", "is_same_size", "_has_same_storage_numel")
@RULES.of("_assert_async", "_assert_scalar", "_assert_tensor_metadata", "sym_size", "numel")
@RULES.of("_functional_assert_async", "_functional_assert_scalar", "_linalg_check_errors", "_print")
@RULES.of("sym_constrain_range", "sym_constrain_range_for_size", "_functional_sym_constrain_range")
@RULES.of("_functional_sym_constrain_range_for_size", "_make_dep_token", "_fused_sdp_choice")
@RULES.of("allclose", "is_set_to", "is_pinned", "is_coalesced", "_nnz", "sparse_dim", "dense_dim")
@RULES.of("q_scale", "q_zero_point", "new_empty", "new_empty_strided", "new_full", "new_ones")
@RULES.of("new_zeros", "empty_like", "full_like", "ones_like", "zeros_like", "rand_like")
@RULES.of("randn_like", "randint_like", "_resize_output")
@RULES.of("zero", "uniform", "random", "exponential", "log_normal", "cauchy", "geometric")
def nothing(node: Node, zeros: Zeros) -> list[Edge]:
    """Numbers for Python, checks, which make no tensor, what is written over, and what takes no
    more of a tensor than its shape."""
    return []


@RULES.moves("tril", "triu")
def triangle(node: Node | View, _: Shape, after: Shape) -> Steps:
    """The elements on one side of a diagonal; the others become zero."""
    cut = np.tril if node.operator == "tril" else np.triu
    ones = np.ones((*(1 for _ in after[:-2]), *after[-2:]), dtype=np.bool_)
    return (Keep(cut(ones, node.arguments["diagonal"])),)


@RULES.of("unfold_backward")
def unfold_backward(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows of an axis added up again."""
    given, (target,) = node.arguments, targets(node)
    axis = given["dim"] % len(target.shape)
    steps = unfolded(target.shape, axis, given["size"], given["step"])
    return edges(given["grad_in"], backward(steps), target)
