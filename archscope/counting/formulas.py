"""Multiply-accumulates of dispatcher operators: torch's own formulas, and those that it lacks.

torch's counter gives two FLOPs to a multiply-accumulate; here its figures are halved. Each formula
takes an operator's arguments and its result, and returns an exact integer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

from archscope.counting.layouts import Formula, by_layout, sampled_product
from archscope.counting.quantised import FORMULAS as PACKED

aten = torch.ops.aten


def first_operand(a: Tensor, *_: Any, **__: Any) -> int:
    """Every element of the first operand is used once: (m, k) @ (k,), (k,) . (k,)."""
    return a.numel()


def second_operand(c: Tensor, a: Tensor, *_: Any, **__: Any) -> int:
    """Every element of the second operand is used once: c + (m, k) @ (k,)."""
    return a.numel()


def vecdot(x: Tensor, y: Tensor, *_: Any, **__: Any) -> int:
    """Vectors of x (*, k) times those of y (*, k), whatever axis k is; batches broadcast."""
    return prod(torch.broadcast_shapes(x.shape, y.shape))


def product(a: Tensor, b: Tensor, *_: Any, **__: Any) -> int:
    """(m, k) @ (k, n), or as many of them."""
    return a.numel() * b.shape[-1]


def added_product(c: Tensor, a: Tensor, b: Tensor, *_: Any, **__: Any) -> int:
    """c + (m, k) @ (k, n), or as many of them; or c + sum over n of (n, i, k) @ (n, k, j)."""
    return a.numel() * b.shape[-1]


def trilinear(
    x: Tensor,
    weight: Tensor,
    y: Tensor,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    summed: Sequence[int],
    *_: Any,
    **__: Any,
) -> int:
    """Sum over some axes of the product of three factors that lack other axes, as bilinear has.

    y_o = sum over i, j of x_i W_oij y_j: for each o and row, i*j products and i more.
    """
    factors = ((x, expand1), (weight, expand2), (y, expand3))
    sizes = torch.broadcast_shapes(*(_with_axes(each, axes) for each, axes in factors))
    every = prod(map(int, sizes))
    return every + every // int(sizes[summed[-1]])


def _with_axes(tensor: Tensor, axes: Sequence[int]) -> list[int]:
    """Return the shape of a tensor with axes of size 1 put in at these places, in order."""
    shape = list(tensor.shape)
    for axis in axes:
        shape.insert(axis, 1)
    return shape


def matmul(a: Tensor, b: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """Every number of the result sums over the last axis of a; as one operator it runs rarely."""
    return result.numel() * a.shape[-1]


def grouped_product(a: Tensor, b: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """Rows of a, grouped, times one matrix of b for each group (mixture of experts)."""
    if a.ndim == 2 and b.ndim == 2:  # groups along the inner axis: each pair multiplies once
        return a.numel() * b.shape[-1]
    return result.numel() * a.shape[-1]


def attention(q: Tensor, k: Tensor, v: Tensor, *_: Any, **__: Any) -> int:
    """softmax(q k') v with q (*, L, d), k (*, S, d), v (*, S, e): L*S*(d + e) for each query head.

    Every query meets every key: a causal mask saves nothing here.
    """
    return prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def attention_backward(grad: Tensor, q: Tensor, k: Tensor, v: Tensor, *_: Any, **__: Any) -> int:
    """Backward of `attention`, scores computed anew: q k', and the gradients of v, scores, q, k."""
    return prod(q.shape[:-1]) * k.shape[-2] * (3 * q.shape[-1] + 2 * v.shape[-1])


def attention_by_rows(first: int, starts: int, *, scores: int, values: int) -> Formula:
    """Attention of q (B, L, H, d), k (B, S, H, d), v (B, S, H, e), or of sequences end to end.

    torch's own formulas take H for L. Of the operator's arguments q, k and v begin at `first`, and
    at `starts` the places in all rows where the sequences of q and of k begin: None of batches.
    `scores` products are of d numbers for each pair, `values` of e.
    """

    def macs(*given: Any, **_: Any) -> int | None:
        q, k, v = given[first : first + 3]
        of_queries, of_keys = given[starts : starts + 2]
        if of_queries is None:
            pairs = q.shape[0] * q.shape[1] * k.shape[1]
        elif of_queries.is_meta or of_keys.is_meta:
            return None
        else:
            pairs = int((of_queries.diff().long() * of_keys.diff().long()).sum())
        return int(q.shape[-2] * pairs * (scores * q.shape[-1] + values * v.shape[-1]))

    return macs


def multihead_attention(q: Tensor, *_: Any, **__: Any) -> int:
    """torch's fused MultiheadAttention, whose kernel asks for q, k and v of one shape (B, S, E)."""
    batch, length, width = q.shape
    return batch * length * (4 * width * width + 2 * length * width)


def encoder_layer(x: Tensor, width: int, *rest: Any, **_: Any) -> int:
    """torch's fused TransformerEncoderLayer with x (B, S, E); `rest[12]` is linear1's weight."""
    batch, length = x.shape[:2]
    hidden = int(rest[12].shape[0])
    return multihead_attention(x) + batch * length * 2 * width * hidden


def recurrence(x: Tensor, *rest: Any, **_: Any) -> int:
    """One fused recurrent layer or several: every row of x meets every 2-D weight once."""
    return _rows_by_matrices(x, rest[0] if isinstance(rest[0], list | tuple) else rest[:4])


def recurrence_mps(x: Tensor, _: Any, weights: Sequence[Tensor], *__: Any, **___: Any) -> int:
    """Apple's recurrent layers, whose weights stand third."""
    return _rows_by_matrices(x, weights)


def recurrence_backward(x: Tensor, weights: Sequence[Tensor], *rest: Any, **named: Any) -> int:
    """cuDNN's and MIOpen's: the gradients of x and of states always, of weights if asked for.

    torch's RNN kernels run the first of the two whatever `output_mask` says of it.
    """
    mask = named.get("output_mask", rest[-1])
    return _rows_by_matrices(x, weights) * (1 + bool(mask[3]))


def recurrence_layer_backward(x: Tensor, *rest: Any, **_: Any) -> int:
    """oneDNN's, one direction of one layer: the gradients of x, of states and of weights."""
    return 2 * _rows_by_matrices(x, rest[:4])


def recurrence_mps_backward(*given: Any, **_: Any) -> int:
    """Apple's: the gradients of x, of states and of weights."""
    return 2 * _rows_by_matrices(given[5], given[8])


def _rows_by_matrices(x: Tensor, weights: Sequence[Tensor]) -> int:
    return prod(x.shape[:-1]) * sum(int(w.numel()) for w in weights if w.ndim == 2)


def convolution_tbc(x: Tensor, weight: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """x (T, B, Cin), weight (k, Cin, Cout)."""
    return result.numel() * weight.shape[0] * weight.shape[1]


def convolution(x: Tensor, weight: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """x (N, Cin, *L), weight (Cout, Cin/groups, *k): backends that are never transposed."""
    return result.numel() * weight.shape[1:].numel()


def transposed_convolution(x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """x (N, Cin, *L), weight (Cin, Cout/groups, *k): every element of x meets all its taps."""
    return x.numel() * weight.shape[1:].numel()


def convolution_backward(grad: Tensor, x: Tensor, weight: Tensor, *rest: Any, **named: Any) -> int:
    """As much as the forward for each of two gradients, x's and the weight's, that is asked for.

    `rest` is sizes of the bias, stride, padding, dilation, transposed, output padding, groups,
    mask. torch's own formula gives the weight's gradient no groups: 192 times too much where each
    of 192 channels is a group.
    """
    transposed, mask = rest[4], named.get("output_mask", rest[-1])
    forward = (x if transposed else grad).numel() * weight.shape[1:].numel()
    return forward * (bool(mask[0]) + bool(mask[1]))


def linear(x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """x (*, in), weight (out, in)."""
    return x.numel() * weight.shape[0]


def _from_torch(of_shapes: Callable[..., int]) -> Formula:
    """Return torch's formula for an operator, which takes shapes in the place of tensors."""

    def macs(*args: Any, result: Any, **kwargs: Any) -> int:
        named = {name: _shape(value) for name, value in kwargs.items()}
        return int(of_shapes(*map(_shape, args), **named, out_shape=_shape(result))) // 2

    return macs


def _shape(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.shape
    return tuple(map(_shape, value)) if isinstance(value, list | tuple) else value


_MISSING: dict[str, Formula] = {
    f"aten::{name}": formula
    for formula, names in (
        (first_operand, "mv dot vdot"),
        (second_operand, "addmv"),
        (added_product, "addmm baddbmm addbmm _addmm_activation"),
        (trilinear, "_trilinear"),
        (grouped_product, "_grouped_mm"),
        (product, "mm bmm _int_mm _scaled_mm"),
        (attention, "_scaled_dot_product_flash_attention"),
        (attention, "_scaled_dot_product_flash_attention_for_cpu"),
        (attention, "_scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention"),
        (attention, "_scaled_dot_product_fused_attention_overrideable"),
        (attention_backward, "_scaled_dot_product_flash_attention_for_cpu_backward"),
        (attention_by_rows(0, 3, scores=1, values=1), "_flash_attention_forward"),
        (attention_by_rows(0, 4, scores=1, values=1), "_efficient_attention_forward"),
        (attention_by_rows(1, 6, scores=3, values=2), "_flash_attention_backward"),
        (attention_by_rows(1, 6, scores=3, values=2), "_efficient_attention_backward"),
        (multihead_attention, "_native_multi_head_attention"),
        (encoder_layer, "_transformer_encoder_layer_fwd"),
        (recurrence, "mkldnn_rnn_layer _cudnn_rnn miopen_rnn"),
        (recurrence_backward, "_cudnn_rnn_backward miopen_rnn_backward"),
        (recurrence_layer_backward, "mkldnn_rnn_layer_backward"),
        (recurrence_mps, "_lstm_mps"),
        (recurrence_mps_backward, "lstm_mps_backward"),
        (convolution_tbc, "conv_tbc"),
        (convolution, "mkldnn_convolution miopen_convolution miopen_depthwise_convolution"),
        (convolution, "_conv_depthwise2d conv_depthwise3d slow_conv_dilated2d slow_conv_dilated3d"),
        (convolution, "slow_conv3d_forward cudnn_convolution_relu cudnn_convolution_add_relu"),
        (convolution, "miopen_convolution_relu miopen_convolution_add_relu"),
        (transposed_convolution, "slow_conv_transpose2d slow_conv_transpose3d"),
        (transposed_convolution, "cudnn_convolution_transpose miopen_convolution_transpose"),
        (convolution_backward, "convolution_backward"),
        (linear, "linear mkldnn_linear"),
        (matmul, "matmul"),
        (product, "hspmm _sparse_sparse_matmul _sparse_mm_reduce_impl"),
        (added_product, "_sparse_addmm sspaddmm"),
        (sampled_product, "sparse_sampled_addmm"),
    )
    for name in names.split()
}


# torch wraps each in what looks for tensors in any object, and takes longer than the formula. Those
# that it does not wrap, which take tensors, are of attention by rows, above.
_OF_TORCH: dict[str, Formula] = {
    f"aten::{packet.__name__}": _from_torch(formula.__wrapped__)
    for packet, formula in flop_registry.items()
    if str(packet).startswith("aten.") and hasattr(formula, "__wrapped__")
}
FORMULAS: dict[str, Formula] = {
    name: by_layout(name, formula) for name, formula in (_OF_TORCH | _MISSING | PACKED).items()
}
"""Operator name with namespace to its formula, called as `formula(*args, result=..., **kwargs)`."""
FORMULAS |= {
    f"{name}_": formula
    for name, formula in FORMULAS.items()
    if hasattr(aten, f"{name.removeprefix('aten::')}_")  # written in place
}
