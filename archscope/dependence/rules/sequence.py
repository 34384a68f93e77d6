"""Rules of operators that run along a sequence: sums so far, recurrent layers, transforms."""

from __future__ import annotations

import numpy as np

from archscope.dependence.record.graph import READ, Node, Shape, Value, View
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
from archscope.dependence.sets.links import gather, so_far
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Mix,
    Reduce,
    Reshape,
    Spread,
    Step,
    Take,
    across,
    backward,
    everything,
)

RULES = RuleSet()

Steps = tuple[Step, ...]


@RULES.of("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
def cumulative(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from all up to its place."""
    source = node.arguments["self"]
    shape = shape_of(source)
    axis = node.arguments["dim"] % max(len(shape), 1)
    return edges(source, (Take(axis, so_far(shape[axis])),), *targets(node))


@RULES.of("mkldnn_rnn_layer")
def recurrent_layer(node: Node, zeros: Zeros) -> list[Edge]:
    """One direction of one recurrent layer: (T, B, C) to (T, B, hidden), and the last states."""
    given, source = node.arguments, node.arguments["input"]
    before = shape_of(source)
    backward = bool(given.get("reverse"))
    found = []
    for number, target in enumerate(node.outputs):
        if target is None:
            continue
        if number == 0:
            steps: tuple[Step, ...] = (
                Mix(2, before[2], target.shape[2]),
                Take(0, so_far(before[0], backward=backward)),
            )
            found += edges(source, steps, target)
            for name in ("hx_", "cx_"):
                state = given.get(name)
                if isinstance(state, Value):
                    alone = (1, *state.shape[-2:])
                    mix = Mix(2, alone[2], target.shape[2])
                    steps = (Reshape(state.shape, alone), mix, Spread((0,), (before[0],)))
                    found += edges(state, steps, target)
        elif len(target.shape) == 3 and target.shape[0] == 1:
            mix = Mix(2, before[2], target.shape[2])
            found += edges(source, (mix, Reduce((0,), (before[0],))), target)
        else:
            found += from_all(source, target)
    return found


@RULES.moves("_fft_r2c", "_fft_c2c", "_fft_c2r", "fft_fft", "stft")
def transform(node: Node | View, before: Shape, after: Shape) -> Steps:
    """Each frequency from all positions of the transformed axes."""
    if len(before) != len(after):
        return everything(before, after)
    return across(before, after, tuple(axis % len(before) for axis in node.arguments["dim"]))


@RULES.of("_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(node: Node, zeros: Zeros) -> list[Edge]:
    """Bags of one row each: (B, N) numbers to (B, width)."""
    return from_all(node.arguments["indices"], *targets(node))


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


@RULES.of("_local_scalar_dense", "item", "equal", "is_same_size", "_has_same_storage_numel")
@RULES.of("_assert_async", "_assert_scalar", "_assert_tensor_metadata", "sym_size", "numel")
@RULES.of("zero", "uniform", "normal", "random", "exponential", "log_normal", "cauchy", "geometric")
def nothing(node: Node, zeros: Zeros) -> list[Edge]:
    """Numbers for Python, checks, which make no tensor, and what is written over."""
    return []


@RULES.moves("tril", "triu")
def triangle(node: Node | View, _: Shape, after: Shape) -> Steps:
    """The elements on one side of a diagonal; the others become zero."""
    cut = np.tril if node.operator == "tril" else np.triu
    ones = np.ones((*(1 for _ in after[:-2]), *after[-2:]), dtype=np.bool_)
    return (Keep(cut(ones, node.arguments["diagonal"])),)


@RULES.of("repeat_interleave")
def repeat_interleave(node: Node, zeros: Zeros) -> list[Edge]:
    """Each position several times."""
    source, (target,) = node.arguments.get("self"), targets(node)
    if not isinstance(source, Value):
        raise DataDependentError
    shape, dim = shape_of(source), node.arguments.get("dim")
    repeats = node.arguments.get("repeats")
    if not isinstance(repeats, int) or dim is None:
        raise DataDependentError
    axis = dim % len(shape)
    links = gather(shape[axis], np.arange(shape[axis] * repeats) // repeats)
    return edges(source, (Take(axis, links),), target)


@RULES.of("unfold_backward")
def unfold_backward(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows of an axis added up again."""
    given, (target,) = node.arguments, targets(node)
    axis = given["dim"] % len(target.shape)
    steps = unfolded(target.shape, axis, given["size"], given["step"])
    return edges(given["grad_in"], backward(steps), target)


@RULES.of("trace", "linalg_det", "linalg_inv_ex", "linalg_cholesky_ex", "linalg_qr")
def matrix_function(node: Node, zeros: Zeros) -> list[Edge]:
    """Every element of a matrix from all of it."""
    source = next(value for value in node.arguments.values() if isinstance(value, Value))
    axes = (len(source.shape) - 2, len(source.shape) - 1)
    found = []
    for target in targets(node):
        if len(target.shape) == len(source.shape):
            found += edges(source, across(source.shape, target.shape, axes), target)
        else:
            found += from_all(source, target)
    return found
