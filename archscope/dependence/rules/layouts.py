"""Rules of operators on tensors laid out in another way: sparse, padded, jagged, in lists."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from archscope.dependence.record.graph import Node, Shape, Value, View
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    constant,
    edges,
    known_rules,
    mixed,
    pointwise,
    shape_of,
    targets,
)
from archscope.dependence.rules.views import LARGEST_FLAT
from archscope.dependence.sets.links import gather
from archscope.dependence.sets.steps import Edge, Reshape, Step, Take, across, broadcast

RULES = RuleSet()


@RULES.of(
    *("_to_sparse", "_to_sparse_csr", "_to_sparse_csc", "_to_sparse_bsr", "_to_sparse_bsc"),
    *("_to_dense", "_coalesce", "_coalesced", "sparse_mask", "_sparse_mask_projection"),
    *("to_mkldnn", "int_repr", "quantize_per_channel", "_pin_memory", "_lazy_clone"),
    *("lift_fresh_copy", "_conj_copy", "_neg_view", "_neg_view_copy", "_fw_primal"),
)
def same_place(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from the one at its place, however it is stored."""
    source, (target,) = node.arguments["self"], targets(node)
    return edges(source, (), target)


@RULES.moves("_sparse_broadcast_to")
def sparse_broadcast(_: Node | View, before: Shape, after: Shape) -> tuple[Step, ...]:
    """Copies along axes of one position."""
    return broadcast(before, after)


@RULES.of("_sparse_softmax", "_sparse_log_softmax")
def sparse_softmax(node: Node, zeros: Zeros) -> list[Edge]:
    """All that is stored along one axis."""
    source, (target,) = node.arguments["self"], targets(node)
    axis = node.arguments["dim"] % len(target.shape)
    return edges(source, across(target.shape, target.shape, (axis,)), target)


@RULES.of("_sparse_coo_tensor_with_dims_and_tensors")
def sparse_tensor(node: Node, zeros: Zeros) -> list[Edge]:
    """Values at places by number; values at one place are added."""
    given, (target,) = node.arguments, targets(node)
    values, dense = given["values"], given["dense_dim"]
    if isinstance(given["indices"], Value) or not isinstance(values, Value):
        raise DataDependentError(mixed(node))
    lead, rest = (
        target.shape[: len(target.shape) - dense],
        target.shape[len(target.shape) - dense :],
    )
    flat = np.ravel_multi_index(tuple(constant(given["indices"]).numpy()), lead)
    if max(prod(lead), flat.size) > LARGEST_FLAT:
        raise DataDependentError(mixed(node))
    back = gather(prod(lead), flat).transposed
    return edges(values, (Take(0, back), Reshape((prod(lead), *rest), target.shape)), target)


@RULES.moves("_mkldnn_reshape", "_reshape_alias_copy")
def reshaped(_: Node | View, before: Shape, after: Shape) -> tuple[Step, ...]:
    """The same elements in another shape."""
    return (Reshape(before, after),)


@RULES.moves("resize", "resize_as")
def resized(_: Node | View, before: Shape, after: Shape) -> tuple[Step, ...]:
    """The same memory in another shape; what is added to it holds nothing."""
    if prod(before) == prod(after):
        return (Reshape(before, after),)
    if max(prod(before), prod(after)) > LARGEST_FLAT:
        raise DataDependentError
    places = np.arange(prod(after))
    taken = gather(prod(before), np.where(places < prod(before), places, -1))
    return (Reshape(before, (prod(before),)), Take(0, taken), Reshape((prod(after),), after))


@RULES.of("_jagged_to_padded_dense_forward", "_padded_dense_to_jagged_forward")
def padded(node: Node, zeros: Zeros) -> list[Edge]:
    """Sequences one after another, to rows of one length or from them."""
    given, (target,) = node.arguments, targets(node)
    offsets = given["offsets"]
    if len(offsets) != 1 or isinstance(offsets[0], Value):
        raise DataDependentError(mixed(node))
    source = given.get("values", given.get("dense"))
    first = constant(offsets[0]).numpy().astype(np.int64)
    before, lengths = shape_of(source), np.diff(first)
    if "dense" in given:
        row = np.repeat(np.arange(len(lengths)), lengths)
        places = row * before[1] + np.arange(first[-1]) - first[row]
        flat = (before[0] * before[1], *before[2:])
        return edges(source, (Reshape(before, flat), Take(0, gather(flat[0], places))), target)
    step = np.arange(target.shape[1])
    places = np.where(step < lengths[:, None], first[:-1, None] + step, -1).reshape(-1)
    taken = (len(places), *before[1:])
    return edges(source, (Take(0, gather(before[0], places)), Reshape(taken, target.shape)), target)


_OF_LISTS = (
    *("abs", "acos", "add", "addcdiv", "addcmul", "asin", "atan", "ceil", "clamp_max", "clamp_min"),
    *("clone", "copy", "cos", "cosh", "div", "erf", "erfc", "exp", "expm1", "floor", "frac"),
    *("lerp", "lgamma", "log", "log10", "log1p", "log2", "max", "maximum", "minimum", "mm", "mul"),
    *("neg", "norm", "pow", "powsum", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "sin"),
    *("sinh", "sqrt", "sub", "tan", "tanh", "trunc", "zero"),
)
_OTHER_NAMES = {"norm": "linalg_vector_norm", "powsum": "linalg__powsum"}


@RULES.of(*(f"_foreach_{name}" for name in _OF_LISTS))
def each_of_a_list(node: Node, zeros: Zeros) -> list[Edge]:
    """One operator on each tensor of a list."""
    name = node.operator.removeprefix("_foreach_")
    rule = known_rules().get(_OTHER_NAMES.get(name, name), pointwise)
    found: list[Edge] = []
    for place, target in enumerate(node.outputs):
        if target is None:
            continue
        given = {key: _at(value, place, len(node.outputs)) for key, value in node.arguments.items()}
        alone = replace(
            node, operator=_OTHER_NAMES.get(name, name), arguments=given, outputs=(target,)
        )
        found += rule(alone, zeros)
    return found


def _at(argument: Any, place: int, count: int) -> Any:
    is_list = isinstance(argument, list | tuple) and len(argument) == count
    return argument[place] if is_list else argument
