"""Rules of operators that mix elements: products, attention, softmax, reductions, norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from archscope.dependence.record.element_moves import Mask, ranked
from archscope.dependence.record.graph import Node, Shape, Value
from archscope.dependence.record.masks import mask_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    from_all,
    made_weights,
    mixed,
    pointwise,
    shape_of,
    sources,
    targets,
)
from archscope.dependence.sets.links import from_matrix, gather
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Mix,
    Permute,
    Reduce,
    ReduceWhere,
    Reshape,
    Spread,
    Step,
    Take,
    across,
    broadcast,
    reduce_to,
)

RULES = RuleSet()

MOST_KINDS = 64
"""Matrices of all heads and windows that are unlike, up to which each is followed."""


@RULES.of("mm", "bmm", "matmul", "addmm", "baddbmm", "addbmm", "dot", "vdot", "_sparse_addmm")
@RULES.of("_addmm_activation")
def product(node: Node, zeros: Zeros) -> list[Edge]:
    """Rows of one times columns of the other; where the one is exactly zero, nothing passes."""
    return _unless_chosen(node, zeros, _product(node, zeros))


def _unless_chosen(node: Node, zeros: Zeros, found: list[Edge]) -> list[Edge]:
    """Return edges; raise where data chooses which of them there are."""
    if not zeros.chosen.values.isdisjoint(sources(node)):
        raise DataDependentError(found)
    return found


def _product(node: Node, zeros: Zeros) -> list[Edge]:
    given, (target,) = node.arguments, targets(node)
    names = [name for name in given if name not in ("beta", "alpha", "self", "use_gelu")]
    found = []
    if node.operator.startswith(("add", "badd", "_sparse", "_add")):
        one, two = given[names[0]], given[names[1]]
        found += edges(given["self"], broadcast(shape_of(given["self"]), target.shape), target)
    else:
        one, two = given["self"], given[names[0]]
    a, b = shape_of(one), shape_of(two)
    if len(a) < 2 or len(a) != len(b) or node.operator == "addbmm":
        return found + from_all(one, target) + from_all(two, target)
    rows, columns, rank = a[-2], b[-1], len(a)
    zero = _zero(one, zeros)
    if zero is None:
        found += edges(two, (Mix(rank - 2, b[-2], rows),), target)
    else:
        found += weighted(two, target, zeros, _full(zero, b[-2]), rows)
    zero = _zero(two, zeros)
    if zero is None:
        return found + edges(one, (Mix(rank - 1, a[-1], columns),), target)
    swap = (Permute((*range(rank - 2), rank - 1, rank - 2)),)
    turned = _full(zero.swapaxes(-1, -2), a[-1])
    return found + weighted(one, target, zeros, turned, columns, before=swap, after=swap)


def _zero(factor: Any, zeros: Zeros) -> Mask | None:
    """Return where a factor is zero whatever the input, and whatever is learned."""
    if isinstance(factor, Value):
        return zeros.zero.get(factor)
    mask = mask_of(factor)
    return None if mask is None else ~mask.numpy()


def _full(zero: Mask, keys: int) -> Mask:
    """Return a mask with an element for each key."""
    return np.broadcast_to(zero, (*zero.shape[:-1], keys))


def weighted(
    source: Any,
    target: Value,
    zeros: Zeros,
    zero: Mask,
    queries: int,
    *,
    before: Sequence[Step] = (),
    after: Sequence[Step] = (),
) -> list[Edge]:
    """Return edges from values (..., keys, width) to results, by weights that are zero in places.

    `zero` is (..., queries, keys). There is one edge for each kind of matrix that heads or windows
    have, with `before` and `after` around it; of too many kinds, one for all, which is a bound.
    """
    rank, keys = len(target.shape), zero.shape[-1]
    wide = np.broadcast_to(ranked(zero, rank), (*ranked(zero, rank).shape[:-2], queries, keys))
    kinds: dict[bytes, tuple[int, Mask]] = {}
    which = [
        kinds.setdefault(np.packbits(one).tobytes(), (len(kinds), one))[0]
        for one in wide.reshape(-1, queries, keys)
    ]
    if len(kinds) > MOST_KINDS:
        zeros.unread.bounds.add(target)
        kinds = {b"": (0, np.logical_and.reduce([one for _, one in kinds.values()]))}
        which = [0] * len(which)
    places = np.array(which).reshape(*wide.shape[:-2], 1, 1)
    found = []
    for number, one in kinds.values():
        own = (Keep(places == number),) if len(kinds) > 1 else ()
        steps = (*before, *_weighing(~one, rank), *own, *after)
        found += edges(source, steps, target)
    return found


def _weighing(kept: Mask, rank: int) -> tuple[Step, ...]:
    """Return how results read keys, the last axis of `kept` but one of theirs; all alike may."""
    queries, keys = kept.shape
    if queries == 1 or (kept != kept[:1]).any():
        return (Take(rank - 2, from_matrix(kept)),)
    mask = kept[0].reshape(*[1] * (rank - 2), keys, 1)
    return (ReduceWhere(rank - 2, mask), Spread((rank - 2,), (queries,)))


@RULES.of("mv", "addmv")
def matrix_by_vector(node: Node, zeros: Zeros) -> list[Edge]:
    """Rows (n, m) times a vector (m,), of which a zero in a row leaves out an element."""
    given, (target,) = node.arguments, targets(node)
    matrix, vector = given["self" if node.operator == "mv" else "mat"], given["vec"]
    rows, columns = shape_of(matrix)
    steps = (Reduce((1,), (columns,)), Reshape((rows, 1), (rows,)))
    found = edges(matrix, steps, target)
    zero = _zero(matrix, zeros)
    if zero is None:
        found += edges(vector, across((columns,), (rows,), (0,)), target)
    else:
        read = from_matrix(np.broadcast_to(~zero, (rows, columns)))
        found += edges(vector, (Take(0, read),), target)
    if node.operator == "addmv":
        found += edges(given["self"], broadcast(shape_of(given["self"]), target.shape), target)
    return _unless_chosen(node, zeros, found)


@RULES.of("linear", "mkldnn_linear")
def linear(node: Node, zeros: Zeros) -> list[Edge]:
    """The last axis mixed."""
    given, (target,) = node.arguments, targets(node)
    source = given.get("input", given.get("self"))
    last = len(target.shape) - 1
    found = edges(source, (Mix(last, shape_of(source)[-1], target.shape[-1]),), target)
    return found + made_weights(node, target)


@RULES.of("_softmax", "_log_softmax", "_safe_softmax", "softmax", "log_softmax")
def softmax(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from all along the axis but the blocked ones, which become constants.

    One that is alone is one, whatever it is.
    """
    source, (target,) = node.arguments["self"], targets(node)
    axis = node.arguments["dim"] % len(target.shape)
    if target.shape[axis] == 1:
        return []
    logarithm = node.operator in ("_log_softmax", "log_softmax")
    blocked = (zeros.blocked.masks if logarithm else zeros.zero).get(target)
    if blocked is None:
        return _over(source, target, (axis,))
    kept = ~whole(blocked, target.shape, axis)
    alone = kept & (kept.sum(axis=axis, keepdims=True) == 1)  # it is 1, whatever it is
    if logarithm:
        return _logarithms(source, target, zeros, axis, kept, alone)
    told = (Keep(~(blocked | alone)),) if target in zeros.returned else ()
    return edges(source, (*_over_where(target, axis, kept & ~alone), *told), target)


def _over_where(target: Value, axis: int, kept: Mask) -> tuple[Step, ...]:
    return (ReduceWhere(axis, kept), Spread((axis,), (target.shape[axis],)))


def _logarithms(
    source: Any, target: Value, zeros: Zeros, axis: int, kept: Mask, alone: Mask
) -> list[Edge]:
    """Return the edges to scores less what they sum up to; -inf, and one that is alone, are so."""
    infinite = zeros.infinite(target)
    told = Keep(~alone if infinite is None else ~(alone | infinite))
    over = _over_where(target, axis, kept)
    return edges(source, (told,), target) + edges(source, (*over, told), target)


@RULES.of("_masked_softmax")
def masked_softmax(node: Node, zeros: Zeros) -> list[Edge]:
    """All along one axis; what a mask leaves out is not told here."""
    given, (target,) = node.arguments, targets(node)
    source, mask = given["self"], given["mask"]
    axis = (-1 if given["dim"] is None else given["dim"]) % len(target.shape)
    size = (target.shape[axis],)
    found = edges(source, (Reduce((axis,), size), Spread((axis,), size)), target)
    raise DataDependentError(found + from_all(mask, target))


def whole(mask: Mask, shape: Shape, axis: int) -> Mask:
    sizes = [shape[axis] if at == axis else size for at, size in enumerate(mask.shape)]
    return np.broadcast_to(mask, sizes)


def _over(source: Any, target: Value, axes: tuple[int, ...]) -> list[Edge]:
    """Return edges from each element to its place, and from all along some axes to each."""
    mixing = across(target.shape, target.shape, axes)
    return edges(source, (), target) + edges(source, mixing, target)


@RULES.of("native_layer_norm", "_fused_rms_norm", "rms_norm", "layer_norm")
def layer_norm(node: Node, zeros: Zeros) -> list[Edge]:
    """Statistics over the last axes."""
    given, target = node.arguments, targets(node)[0]
    source = given["input"]
    count = len(given["normalized_shape"])
    rank = len(target.shape)
    axes = tuple(range(rank - count, rank))
    found = _over(source, target, axes)
    reduced = tuple(1 if axis in axes else size for axis, size in enumerate(target.shape))
    for statistic in targets(node)[1:]:
        if statistic.shape == reduced:
            found += edges(source, reduce_to(target.shape, axes, keep=True), statistic)
        else:
            found += from_all(source, statistic)
    return found + made_weights(node, target)


@RULES.of("native_group_norm", "group_norm")
def group_norm(node: Node, zeros: Zeros) -> list[Edge]:
    """Statistics over all positions and the channels of a group."""
    given, target = node.arguments, targets(node)[0]
    source, shape = given["input"], target.shape
    groups = given.get("group", given.get("num_groups"))
    positions = tuple(range(2, len(shape)))
    sizes = shape[2:]
    mixing: tuple[Step, ...] = (
        *((Reduce(positions, sizes),) if positions else ()),
        Mix(1, shape[1], shape[1], groups),
        *((Spread(positions, sizes),) if positions else ()),
    )
    found = edges(source, (), target) + edges(source, mixing, target)
    return found + from_all(source, *targets(node)[1:]) + made_weights(node, target)


@RULES.of(
    *("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training"),
    *("cudnn_batch_norm", "batch_norm", "_batch_norm_with_update", "_batch_norm_no_update"),
    *("miopen_batch_norm", "_batch_norm_with_update_functional"),
    "_native_batch_norm_legit_functional",
)
def batch_norm(node: Node, zeros: Zeros) -> list[Edge]:
    """With stored statistics each element by itself; else statistics over all but channels."""
    given, target = node.arguments, targets(node)[0]
    source = given.get("input", given.get("self"))
    trains = given.get("training", given.get("train", "with_update" in node.operator))
    trains = trains or given.get("running_mean") is None
    axes = (0, *range(2, len(target.shape)))
    if not trains:
        return edges(source, (), target) + made_weights(node, target)
    statistics = from_all(source, *targets(node)[1:])
    return _over(source, target, axes) + statistics + made_weights(node, target)


@RULES.of(
    *("mean", "sum", "amin", "var", "std", "var_mean", "std_mean", "any", "all"),
    *("prod", "min", "linalg_vector_norm", "norm", "argmin"),
    *("nansum", "aminmax", "median", "nanmedian", "mode", "count_nonzero", "native_norm"),
    *("_aminmax", "linalg__powsum", "_sparse_sum", "kthvalue"),
)
def reduction(node: Node, zeros: Zeros) -> list[Edge]:
    """Some axes, or all, become one."""
    given = node.arguments
    source = given.get("self", given.get("input"))
    if node.operator in ("max", "min") and given.get("other") is not None:
        return pointwise(node, zeros)
    shape = shape_of(source)
    axes = given.get("dim")
    axes = [axes] if isinstance(axes, int) else list(axes or range(len(shape)))
    found = []
    for target in targets(node):
        kept = len(target.shape) == len(shape)
        zero = zeros.zero.get(target) if node.operator == "prod" else None
        told = () if zero is None else (Keep(~zero),)
        found += edges(source, (*reduce_to(shape, axes, keep=kept), *told), target)
    return found


@RULES.of(
    *("sort", "topk", "argsort", "multinomial", "glu"),
)
def along_axis(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from all along one axis."""
    given = node.arguments
    source = given.get("self", given.get("input"))
    shape = shape_of(source)
    axis = given.get("dim", -1) % len(shape)
    found = []
    for target in targets(node):
        size = target.shape[axis]
        if node.operator == "glu":  # halves of the axis, element by element
            for start in (0, size):
                links = gather(shape[axis], np.arange(size) + start)
                found += edges(source, (Take(axis, links),), target)
        else:
            read = _highest_of(node, zeros, axis) or (Reduce((axis,), (shape[axis],)),)
            found += edges(source, (*read, Spread((axis,), (size,))), target)
    return found


def _highest_of(node: Node, zeros: Zeros, axis: int) -> tuple[Step, ...]:
    """Return the steps to what the highest of an axis are chosen from: none that is blocked, where
    as many are not. Empty where no score is.
    """
    source, count = node.arguments["self"], node.arguments.get("k")
    mask = zeros.blocked.masks.get(source) if isinstance(source, Value) else None
    if mask is None or node.operator != "topk" or not node.arguments["largest"]:
        return ()
    kept = ~whole(mask, source.shape, axis)
    enough = kept.sum(axis=axis, keepdims=True) >= count
    return (ReduceWhere(axis, kept | ~enough),)


@RULES.of("_native_multi_head_attention", "_transformer_encoder_layer_fwd")
def from_everything(node: Node, zeros: Zeros) -> list[Edge]:
    """A block in one operator, which `capture` switches off."""
    return mixed(node)


@RULES.of("affine_grid_generator")
def affine_grid(node: Node, zeros: Zeros) -> list[Edge]:
    """Matrices (N, axes, axes + 1) to the places (N, *positions, axes) that they move points to."""
    source, (target,) = node.arguments["theta"], targets(node)
    images, axes, width = shape_of(source)
    places = tuple(range(1, axes + 1))
    steps = (
        Reduce((2,), (width,)),
        Reshape((images, axes, 1), (images, *(1 for _ in places), axes)),
        Spread(places, target.shape[1:-1]),
    )
    return edges(source, steps, target)


@RULES.of("cdist", "_cdist_forward", "_euclidean_dist")
def distances(node: Node, zeros: Zeros) -> list[Edge]:
    """Rows against rows; one is as far from itself as any is: not at all."""
    one, two = (node.arguments[name] for name in ("x1", "x2"))
    (target,) = targets(node)
    rank = len(target.shape)
    a, b = shape_of(one), shape_of(two)
    kept: tuple[Step, ...] = ()
    if zeros.prefixes.are_one(one, two):
        own = np.eye(a[-2], dtype=np.bool_)
        kept = (Keep(~ranked(own, rank)),)
    found = edges(one, (Mix(rank - 1, a[-1], target.shape[-1]), *kept), target)
    swap = (*range(rank - 2), rank - 1, rank - 2)
    turned = (Permute(swap), Mix(rank - 2, b[-1], target.shape[-2]), *kept)
    return found + edges(two, turned, target)
