"""Rules of operators that sort, count and choose by value, and of sums over parts of an axis.

Where data says how many elements there are, or which, all is a bound.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import torch

from archscope.dependence.record.graph import Node, Shape, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    constant,
    edges,
    from_all,
    mixed,
    pointwise,
    shape_of,
    targets,
)
from archscope.dependence.rules.views import LARGEST_FLAT, picked
from archscope.dependence.sets.links import Links, ranges
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Reduce,
    Reshape,
    Spread,
    Step,
    Take,
    across,
    broadcast,
    everything,
)

RULES = RuleSet()


@RULES.of("bincount", "histc", "histogram", "_histogramdd_from_bin_cts", "dist")
@RULES.of("_is_all_true", "_is_any_true", "quantize_per_tensor_dynamic")
def counted(node: Node, zeros: Zeros) -> list[Edge]:
    """Every number from all elements."""
    return mixed(node)


@RULES.of("linspace", "logspace")
def between(node: Node, zeros: Zeros) -> list[Edge]:
    """Steps from one number to another: the first and the last are these."""
    (target,) = targets(node)
    count = target.shape[0]
    found = []
    for name, other in (("start", count - 1), ("end", 0)):
        source = node.arguments[name]
        if isinstance(source, Value) and count > 1:
            kept = Keep(np.arange(count) != other)
            found += edges(source, (*everything(source.shape, target.shape), kept), target)
        elif name == "start":
            found += from_all(source, target)
    return found


@RULES.of("nonzero", "nonzero_static", "_unique", "_unique2", "unique_dim", "unique_consecutive")
@RULES.of("unique_dim_consecutive", "repeat_interleave")
def found_by_value(node: Node, zeros: Zeros) -> list[Edge]:
    """What is found, and how much, depends on data."""
    raise DataDependentError(mixed(node))


@RULES.of("masked_select")
def selected(node: Node, zeros: Zeros) -> list[Edge]:
    """The elements where a mask is True, in order."""
    source, mask, (target,) = node.arguments["self"], node.arguments["mask"], targets(node)
    if not isinstance(source, Value) or isinstance(mask, Value):
        raise DataDependentError(mixed(node))
    data = constant(mask)
    wide = tuple(torch.broadcast_shapes(source.shape, data.shape))
    places = np.flatnonzero(np.broadcast_to(data.numpy(), wide))
    return edges(
        source, (*broadcast(source.shape, wide), *picked(wide, target.shape, places)), target
    )


@RULES.of("searchsorted", "bucketize", "isin")
def looked_up(node: Node, zeros: Zeros) -> list[Edge]:
    """The place of each number in a table: by itself, and by all of the table's row."""
    given, (target,) = node.arguments, targets(node)
    names = ("sorted_sequence", "boundaries", "test_elements", "test_element", "sorter")
    own = next((given[name] for name in ("self", "elements", "element") if name in given), None)
    found = []
    if isinstance(own, Value):
        found += edges(own, broadcast(own.shape, target.shape), target)
    for name in names:
        table = given.get(name)
        if not isinstance(table, Value):
            continue
        rank = len(target.shape)
        if len(table.shape) == rank > 1 and node.operator == "searchsorted":
            found += edges(table, across(table.shape, target.shape, (rank - 1,)), target)
        else:
            found += from_all(table, target)
    return found


@RULES.of("_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(node: Node, zeros: Zeros) -> list[Edge]:
    """Bags of rows by number: each from the numbers between its offset and the next."""
    given, target = node.arguments, targets(node)[0]
    count = shape_of(given["indices"])[0]
    offsets = given["offsets"]
    if isinstance(offsets, Value) or offsets.is_meta or isinstance(given["weight"], Value):
        raise DataDependentError(mixed(node))
    first = constant(offsets).numpy().astype(np.int64)
    ends = first[1:] if given["include_last_offset"] else [*first[1:], count]
    links = ranges(count, first[: target.shape[0]], np.asarray(ends, dtype=np.int64))
    found = []
    for name in ("indices", "per_sample_weights"):
        found += edges(given.get(name), _to_rows(links, count, target.shape), target)
    return found + from_all(given["indices"], *targets(node)[1:])


def _to_rows(links: Links, count: int, after: Shape) -> tuple[Step, ...]:
    spread = (Spread((1,), (after[1],)),)
    return (Take(0, links), Reshape((links.size,), (links.size, 1)), *spread)


@RULES.of("segment_reduce")
def segments(node: Node, zeros: Zeros) -> list[Edge]:
    """Parts of one axis, one after another, each reduced to one."""
    given, (target,) = node.arguments, targets(node)
    source, axis = given["data"], given["axis"]
    lengths, offsets = given.get("lengths"), given.get("offsets")
    if not isinstance(source, Value):
        raise DataDependentError(mixed(node))
    size = source.shape[axis]
    sized = lengths if lengths is not None else offsets
    if sized is None or isinstance(sized, Value) or len(sized.shape) != 1:
        along = edges(source, across(source.shape, target.shape, (axis,)), target)
        raise DataDependentError(along + from_all(sized, target))
    data = constant(sized).numpy().astype(np.int64)
    ends = np.cumsum(data) if lengths is not None else data[1:]
    first = np.concatenate([[0], ends[:-1]]) if lengths is not None else data[:-1]
    return edges(source, (Take(axis, ranges(size, first, ends)),), target)


@RULES.of("binomial", "poisson", "_standard_gamma", "_masked_scale", "normal_functional")
def drawn(node: Node, zeros: Zeros) -> list[Edge]:
    """Random numbers, each by what is at its place."""
    return pointwise(node, zeros)


@RULES.of("normal")
def normal(node: Node, zeros: Zeros) -> list[Edge]:
    """Each by the mean and the deviation at its place; what is written over is forgotten."""
    given, (target,) = node.arguments, targets(node)
    found = []
    for name in ("mean", "std"):
        source = given.get(name)
        if isinstance(source, Value):
            found += edges(source, broadcast(source.shape, target.shape), target)
    return found


@RULES.of("_sample_dirichlet")
def along_last(node: Node, zeros: Zeros) -> list[Edge]:
    """Random numbers that add up to one along the last axis."""
    source, (target,) = node.arguments["self"], targets(node)
    return edges(source, across(source.shape, target.shape, (len(target.shape) - 1,)), target)


@RULES.of("renorm")
def renorm(node: Node, zeros: Zeros) -> list[Edge]:
    """Slices of one axis, each divided by its norm where that is large."""
    source, (target,) = node.arguments["self"], targets(node)
    kept = node.arguments["dim"] % len(target.shape)
    return _over_others(source, target, kept)


@RULES.of("_weight_norm_interface")
def weight_norm(node: Node, zeros: Zeros) -> list[Edge]:
    """Slices of one axis divided by their norms, times a length for each; and the norms."""
    given, (target, norms) = node.arguments, targets(node)
    kept = given["dim"] % len(target.shape)
    found = _over_others(given["v"], target, kept)
    axes = tuple(axis for axis in range(len(target.shape)) if axis != kept)
    sizes = tuple(target.shape[axis] for axis in axes)
    slices = (Reduce(axes, sizes), Reshape(_alone(target.shape, kept), norms.shape))
    lengths = broadcast(shape_of(given["g"]), target.shape)
    return found + edges(given["v"], slices, norms) + edges(given["g"], lengths, target)


def _alone(shape: Shape, kept: int) -> Shape:
    return tuple(size if axis == kept else 1 for axis, size in enumerate(shape))


def _over_others(source: Any, target: Value, kept: int) -> list[Edge]:
    """Return edges from each element to its place, and from its slice of an axis to each."""
    axes = tuple(axis for axis in range(len(target.shape)) if axis != kept)
    return edges(source, (), target) + edges(
        source, across(target.shape, target.shape, axes), target
    )


@RULES.of("embedding_renorm")
def renormed_rows(node: Node, zeros: Zeros) -> list[Edge]:
    """Rows divided by their norms, if a number names them."""
    given, (target,) = node.arguments, targets(node)
    source, numbers = given["self"], given["indices"]
    if isinstance(numbers, Value):
        raise DataDependentError(_over_others(source, target, 0) + from_all(numbers, target))
    named = np.isin(np.arange(target.shape[0]), constant(numbers).numpy())
    rows = across(target.shape, target.shape, (1,))
    return edges(source, (), target) + edges(source, (*rows, Keep(named[:, None])), target)


@RULES.of(
    *("mse_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "soft_margin_loss"),
    *("nll_loss_forward", "nll_loss2d_forward", "multilabel_margin_loss_forward"),
    *("multi_margin_loss", "binary_cross_entropy_with_logits"),
)
def loss(node: Node, zeros: Zeros) -> list[Edge]:
    """One number for each element, for each row of classes (N, C, ...), or from everything.

    What comes beside it is made of labels and weights alone.
    """
    found, (target, *rest) = [], targets(node)
    for name, source in node.arguments.items():
        if isinstance(source, Value):
            found += edges(source, _to_loss(name, source.shape, target.shape), target)
            found += from_all(source, *rest) if name != "self" else []
    return _of_classes(node, found) if node.operator.startswith("nll") else found


def _of_classes(node: Node, found: list[Edge]) -> list[Edge]:
    """Leave out the classes (N, C, ...) that no label (N, ...) names."""
    source, labels, target = node.arguments["self"], node.arguments["target"], targets(node)[0]
    if not isinstance(source, Value) or target.shape != (source.shape[0], *source.shape[2:]):
        return found
    if isinstance(labels, Value) or prod(source.shape) > LARGEST_FLAT:
        raise DataDependentError(found)
    places = np.indices(target.shape)
    numbers = constant(labels).numpy()
    inside = (numbers >= 0) & (numbers < source.shape[1])
    each = (places[0], np.where(inside, numbers, 0), *places[1:])
    flat = np.where(inside, np.ravel_multi_index(each, source.shape), -1)
    others = [edge for edge in found if edge.source is not source or edge.target is not target]
    return others + edges(source, picked(source.shape, target.shape, flat), target)


def _to_loss(name: str, before: Shape, after: Shape) -> tuple[Step, ...]:
    if before == after:
        return ()
    if name == "self" and len(before) > 1 and (before[0], *before[2:]) == after:
        reduced = (before[0], 1, *before[2:])
        return (Reduce((1,), (before[1],)), Reshape(reduced, after))
    if name == "target" and len(after) and before[: len(after)] == after:
        axes = tuple(range(len(after), len(before)))
        ones = (*after, *(1 for _ in axes))
        return (Reduce(axes, before[len(after) :]), Reshape(ones, after))
    fits = name in ("weight", "pos_weight") and 0 < len(before) <= len(after)
    if fits and _broadcasts(before, after):
        return broadcast(before, after)
    return everything(before, after)


def _broadcasts(before: Shape, after: Shape) -> bool:
    """Return whether a shape broadcasts to another."""
    return all(a in (1, b) for a, b in zip(before[::-1], after[::-1], strict=False))
