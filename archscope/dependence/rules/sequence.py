"""Rules of operators that run along a sequence: sums so far, recurrent layers, transforms."""

from __future__ import annotations

import numpy as np

from archscope.dependence.record.graph import READ, Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    shape_of,
    targets,
)
from archscope.dependence.rules.views import unfolded
from archscope.dependence.sets.links import so_far
from archscope.dependence.sets.steps import (
    Edge,
    Mix,
    Reduce,
    Reshape,
    Spread,
    Step,
    Take,
    everything,
    reduce_to,
)

RULES = RuleSet()


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
            found += edges(source, everything(before, target.shape), target)
    return found


@RULES.of("_fft_r2c", "_fft_c2c", "_fft_c2r", "fft_fft", "stft")
def transform(node: Node, zeros: Zeros) -> list[Edge]:
    """Each frequency from all positions of the transformed axes."""
    source, (target,) = node.arguments["self"], targets(node)
    shape = shape_of(source)
    if len(shape) != len(target.shape):
        return edges(source, everything(shape, target.shape), target)
    axes = tuple(axis % len(shape) for axis in node.arguments["dim"])
    sizes = tuple(shape[axis] for axis in axes)
    after = tuple(target.shape[axis] for axis in axes)
    return edges(source, (Reduce(axes, sizes), Spread(axes, after)), target)


@RULES.of("_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(node: Node, zeros: Zeros) -> list[Edge]:
    """Bags of one row each: (B, N) numbers to (B, width)."""
    index = node.arguments["indices"]
    found = []
    for target in targets(node):
        found += edges(index, everything(shape_of(index), target.shape), target)
    return found


@RULES.of(READ)
def read(node: Node, zeros: Zeros) -> list[Edge]:
    """What was returned, and all that Python read before."""
    source, (target,) = node.arguments["self"], targets(node)
    found = edges(source, (), target)
    for value in node.arguments["values"]:
        found += edges(value, everything(value.shape, target.shape), target)
    if node.arguments["values"]:
        raise DataDependentError(found)
    return found


@RULES.of("_local_scalar_dense", "item", "equal")
def scalar(node: Node, zeros: Zeros) -> list[Edge]:
    """A number for Python: no tensor comes of it."""
    return []


@RULES.of("is_same_size", "_has_same_storage_numel")
@RULES.of("_assert_async", "_assert_scalar", "_assert_tensor_metadata", "sym_size", "numel")
def check(node: Node, zeros: Zeros) -> list[Edge]:
    """Checks, which make nothing."""
    return []


@RULES.of("tril", "triu")
def triangle(node: Node, zeros: Zeros) -> list[Edge]:
    """The elements on one side of a diagonal; the others become zero."""
    from archscope.dependence.sets.steps import Keep

    source, (target,) = node.arguments["self"], targets(node)
    rows, columns = target.shape[-2:]
    ones = np.ones((rows, columns), dtype=np.bool_)
    cut = np.tril if node.operator == "tril" else np.triu
    mask = cut(ones, node.arguments["diagonal"]).reshape(
        (1,) * (len(target.shape) - 2) + ones.shape
    )
    return edges(source, (Keep(mask),), target)


@RULES.of("repeat_interleave")
def repeat_interleave(node: Node, zeros: Zeros) -> list[Edge]:
    """Each position several times."""
    from archscope.dependence.sets.links import gather

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
    source, (target,) = node.arguments["grad_in"], targets(node)
    axis = node.arguments["dim"] % len(target.shape)
    steps = unfolded(target.shape, axis, node.arguments["size"], node.arguments["step"])
    return edges(source, tuple(step.transposed for step in reversed(steps)), target)


@RULES.of("unflatten", "flatten")
def regroup(node: Node, zeros: Zeros) -> list[Edge]:
    """The same elements in another shape."""
    source, (target,) = node.arguments["self"], targets(node)
    return edges(source, (Reshape(shape_of(source), target.shape),), target)


@RULES.of("trace", "linalg_det", "linalg_inv_ex", "linalg_cholesky_ex", "linalg_qr")
def matrix_function(node: Node, zeros: Zeros) -> list[Edge]:
    """Every element of a matrix from all of it."""
    source = next(value for value in node.arguments.values() if isinstance(value, Value))
    shape = source.shape
    found = []
    for target in targets(node):
        if len(target.shape) == len(shape):
            axes = (len(shape) - 2, len(shape) - 1)
            steps: tuple[Step, ...] = (
                *reduce_to(shape, axes, keep=True),
                Spread(axes, target.shape[-2:]),
            )
            found += edges(source, steps, target)
        else:
            found += edges(source, everything(shape, target.shape), target)
    return found
