"""What fvcore's counter lacks: handles for operators that it skips, rounds or cannot read.

A handle takes the inputs and outputs of one node of torch's trace and returns an exact integer: one
FLOP for a multiply-accumulate. fvcore's own handles stay where they are right: linear, addmm, mm,
bmm, convolution, and its estimates for normalisation, pooling and resampling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from math import prod
from typing import Any

import torch

from archscope.counting.fvcore_parts import (
    batchnorm_flop_jit,
    conv_flop_count,
    elementwise_flop_counter,
    get_shape,
)

Handle = Callable[[list[Any], list[Any]], int]
Shape = list[int]


def shape(value: Any) -> Shape:
    """Return the shape of a tensor in the trace; raises `ValueError` where it is not known."""
    found = get_shape(value)
    if found is None:
        raise ValueError(f"the trace does not tell the shape of {value.debugName()}")
    return list(found)


def shape_made(outputs: list[Any]) -> Shape:
    """Return the shape of the one tensor that an operator makes."""
    (made,) = outputs
    return shape(made)


def integers(value: Any) -> list[int]:
    """Return a list of integers in the trace: a constant, or one that was put together."""
    constant = value.toIValue()
    if constant is not None:
        return list(constant)
    return [item.toIValue() for item in value.node().inputs()]


def matmul(inputs: list[Any], outputs: list[Any]) -> int:
    """Vectors, matrices and batches on either side: each number sums over the last axis of a."""
    return prod(shape_made(outputs)) * shape(inputs[0])[-1]


def by_result(inputs: list[Any], outputs: list[Any]) -> int:
    """x (*, in) times a weight that lies as its kernel wants it."""
    return prod(shape(inputs[0])) * shape_made(outputs)[-1]


def first_operand(inputs: list[Any], outputs: list[Any]) -> int:
    """Every element of the first operand is used once: mv, dot, vdot."""
    return prod(shape(inputs[0]))


def second_operand(inputs: list[Any], outputs: list[Any]) -> int:
    """Every element of the second operand is used once: addmv."""
    return prod(shape(inputs[1]))


def added_product(inputs: list[Any], outputs: list[Any]) -> int:
    """c + a @ b over any batch: addmm, baddbmm, addbmm."""
    return prod(shape(inputs[1])) * shape(inputs[2])[-1]


def product(inputs: list[Any], outputs: list[Any]) -> int:
    """a @ b without broadcasting: mm, bmm, _int_mm."""
    return prod(shape(inputs[0])) * shape(inputs[1])[-1]


def vecdot(inputs: list[Any], outputs: list[Any]) -> int:
    """Vectors of a (*, k) times those of b (*, k), whatever axis k is; batches broadcast."""
    return prod(torch.broadcast_shapes(shape(inputs[0]), shape(inputs[1])))


def inner(inputs: list[Any], outputs: list[Any]) -> int:
    """a (*, k) and b (*, k): every row of a meets every row of b."""
    a, b = shape(inputs[0]), shape(inputs[1])
    return prod(a) * prod(b[:-1]) if a and b else 0


def tensordot(inputs: list[Any], outputs: list[Any]) -> int:
    """Contract the listed axes of a with those of b."""
    a, axes = shape(inputs[0]), integers(inputs[2])
    return prod(shape_made(outputs)) * prod(a[axis] for axis in axes)


def multi_dot(inputs: list[Any], outputs: list[Any]) -> int:
    """A chain of matrices in the cheapest order (Cormen et al. 2009, section 15.2)."""
    shapes = [shape(value) for value in inputs[0].node().inputs()]
    # The first may be one row, (k,), and the last one column.
    sizes = [prod(shapes[0][:-1]), *(each[0] for each in shapes[1:]), prod(shapes[-1][1:])]
    count = len(shapes)
    cheapest = [[0] * count for _ in range(count)]
    for span in range(1, count):
        for i in range(count - span):
            j = i + span
            cheapest[i][j] = min(
                cheapest[i][k] + cheapest[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            )
    return cheapest[0][-1]


def bilinear(inputs: list[Any], outputs: list[Any]) -> int:
    """y_o = sum over i, j of x_i W_oij y_j: for each o and row, i*j products and i more."""
    x, weight = shape(inputs[0]), shape(inputs[2])
    return prod(x[:-1]) * weight[0] * weight[1] * (weight[2] + 1)


def attention(inputs: list[Any], outputs: list[Any]) -> int:
    """softmax(q k') v with q (*, L, d), k (*, S, d), v (*, S, e): L*S*(d + e) per query head."""
    q, k, v = (shape(value) for value in inputs[:3])
    return prod(q[:-1]) * k[-2] * (q[-1] + v[-1])


def multihead_attention(inputs: list[Any], outputs: list[Any]) -> int:
    """torch's fused MultiheadAttention, whose kernel asks for q, k and v of one shape (B, S, E)."""
    batch, length, width = shape(inputs[0])
    return batch * length * (4 * width * width + 2 * length * width)


def encoder_layer(inputs: list[Any], outputs: list[Any]) -> int:
    """torch's fused TransformerEncoderLayer with x (B, S, E)."""
    batch, length, width = shape(inputs[0])
    hidden = shape(inputs[14])[0]
    return multihead_attention(inputs, outputs) + batch * length * 2 * width * hidden


def convolution_by_mode(inputs: list[Any], outputs: list[Any]) -> int:
    """A convolution whose padding is a word, such as `same`."""
    return int(conv_flop_count(shape(inputs[0]), shape(inputs[1]), shape_made(outputs)))


def convolution_tbc(inputs: list[Any], outputs: list[Any]) -> int:
    """x (T, B, Cin), weight (k, Cin, Cout)."""
    weight = shape(inputs[1])
    return prod(shape_made(outputs)) * weight[0] * weight[1]


def recurrence(inputs: list[Any], outputs: list[Any]) -> int:
    """lstm, gru, rnn: every row of the input meets every 2-D weight of every layer once.

    The weights are the list that holds 2-D tensors; it stands third, of a packed batch fourth.
    """
    rows = prod(shape(inputs[0])[:-1])
    for value in inputs:
        if value.node().kind() == "prim::ListConstruct":
            weights = _known_shapes(list(value.node().inputs()))
            matrices = [weight for weight in weights if len(weight) == 2]
            if matrices:
                return rows * sum(prod(matrix) for matrix in matrices)
    raise ValueError("a recurrent layer without weights")


def _known_shapes(values: list[Any]) -> list[Shape]:
    return [list(known) for known in map(get_shape, values) if known is not None]


def grouped_product(inputs: list[Any], outputs: list[Any]) -> int:
    """Rows of a, grouped, times one matrix of b for each group (mixture of experts)."""
    a, b = shape(inputs[0]), shape(inputs[1])
    if len(a) == 2 and len(b) == 2:
        return prod(a) * b[-1]
    return prod(shape_made(outputs)) * a[-1]


def einsum(inputs: list[Any], outputs: list[Any]) -> int:
    """Pair after pair of operands in torch's order: the product of all sizes that a pair names.

    A pair that sums over nothing multiplies element by element and accumulates nothing: 0. What one
    of the two alone has to sum is summed before they are multiplied; an axis of size 1 is as none.
    """
    equation = inputs[0].toIValue().replace(" ", "")
    shapes = [shape(value) for value in inputs[1].node().inputs()]
    terms, result = _einsum_terms(equation, shapes)
    axes = [
        [(letter, size) for letter, size in zip(term, held, strict=True) if size != 1]
        for term, held in zip(terms, shapes, strict=True)
    ]
    sizes = dict(chain.from_iterable(axes))
    wide = ["".join(letter for letter, _ in each) for each in axes]
    return sum(
        prod(sizes[letter] for letter in kept | (left & right))
        for left, right, kept in _einsum_pairs(wide, result, path=integers(inputs[2]))
        if (left & right) - kept
    )


def _einsum_terms(equation: str, shapes: list[Shape]) -> tuple[list[str], str]:
    """Return the operands' letters and the result's; an ellipsis becomes capitals of its own."""
    left, arrow, result = equation.partition("->")
    terms = left.split(",")
    if not arrow:
        once = sorted(c for c in set(left) if c.isalpha() and left.count(c) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    dots = [
        len(s) - len(term.replace("...", "")) if "..." in term else 0
        for term, s in zip(terms, shapes, strict=True)
    ]
    unused = [c for c in map(chr, range(0x391, 0x3C9)) if c not in equation][: max(dots)]
    expand = [
        term.replace("...", "".join(unused[len(unused) - n :]))
        for term, n in zip(terms, dots, strict=True)
    ]
    return expand, result.replace("...", "".join(unused))


def _einsum_pairs(
    terms: list[str], result: str, path: list[int]
) -> Iterator[tuple[set[str], set[str], set[str]]]:
    """Yield the letters of each pair that is contracted, and those that are kept."""
    operands = list(terms)
    steps = iter(path)  # none where torch was given none
    while len(operands) > 1:
        first, second = (next(steps), next(steps)) if path else (0, 1)
        left, right = set(operands[first]), set(operands[second])
        rest = [t for i, t in enumerate(operands) if i not in (first, second)]
        kept = {c for c in left | right if c in result or any(c in t for t in rest)}
        yield left, right, kept
        merged = "".join(sorted(kept))
        # torch puts the merged operand last where it was given a path, first where it was not.
        operands = [*rest, merged] if path else [merged, *rest]


def normalisation(affine: int) -> Handle:
    """fvcore's estimate for layer, group and instance norm, for any number of axes.

    5 per element with a weight, 4 without; `affine` is the position of the weight.
    """

    def handle(inputs: list[Any], outputs: list[Any]) -> int:
        weighted = get_shape(inputs[affine]) is not None
        return prod(shape(inputs[0])) * (5 if weighted else 4)

    return handle


def batch_norm(inputs: list[Any], outputs: list[Any]) -> int:
    """fvcore's estimate: 2 per element in evaluation with a weight, 1 without; as norm in train."""
    if inputs[5].toIValue():
        return normalisation(1)(inputs, outputs)
    return int(batchnorm_flop_jit(inputs, outputs))


MAC_HANDLES: dict[str, Handle] = {
    f"aten::{name}": handle
    for handle, names in (
        (matmul, "matmul linalg_matmul"),
        (product, "mm bmm _int_mm _sparse_mm hspmm _scaled_mm _scaled_mm_v2"),
        (by_result, "_weight_int4pack_mm _weight_int4pack_mm_for_cpu _weight_int8pack_mm"),
        (by_result, "_weight_int4pack_mm_with_scales_and_zeros"),
        (
            added_product,
            "addmm _addmm_activation baddbmm addbmm _sparse_addmm sparse_sampled_addmm",
        ),
        (first_operand, "mv dot vdot"),
        (second_operand, "addmv"),
        (inner, "inner"),
        (vecdot, "linalg_vecdot"),
        (tensordot, "tensordot"),
        (multi_dot, "linalg_multi_dot chain_matmul"),
        (bilinear, "bilinear"),
        (einsum, "einsum"),
        (attention, "scaled_dot_product_attention"),
        (multihead_attention, "_native_multi_head_attention"),
        (encoder_layer, "_transformer_encoder_layer_fwd"),
        (convolution_by_mode, "_convolution_mode"),
        (convolution_tbc, "conv_tbc"),
        (recurrence, "lstm gru rnn_tanh rnn_relu"),
        (grouped_product, "_grouped_mm"),
    )
    for name in names.split()
}
"""Operators that carry multiply-accumulates, beside fvcore's own linear and _convolution."""

ESTIMATE_HANDLES: dict[str, Handle] = {
    "aten::batch_norm": batch_norm,
    "aten::group_norm": normalisation(2),
    "aten::layer_norm": normalisation(2),
    "aten::instance_norm": normalisation(1),
    "aten::rms_norm": normalisation(2),
    "aten::upsample_nearest2d": elementwise_flop_counter(0, 1),
    "aten::upsample_bilinear2d": elementwise_flop_counter(0, 4),
    "aten::adaptive_avg_pool2d": elementwise_flop_counter(1, 0),
    "aten::grid_sampler": elementwise_flop_counter(0, 4),
}
"""fvcore's estimates in FLOPs for operators that accumulate no products."""
