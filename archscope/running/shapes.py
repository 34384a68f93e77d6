"""Output shapes of the operators that networks are made of, without running them.

torch can do this itself on the `meta` device, but the first such call imports its compiler, which
takes longer than everything else that archscope does. A rule here is a shortcut for the common case
alone: it returns None wherever it does not apply, and torch's own kernel answers instead. Tests
compare every rule with torch's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Rule = Callable[..., Any]
"""Takes an operator's arguments, returns its outputs as empty meta tensors, or None."""

aten = torch.ops.aten


def empty(shape: Sequence[int], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return a contiguous meta tensor of `shape`."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return torch.empty_strided(
        tuple(shape), tuple(reversed(strides)), dtype=dtype or like.dtype, device="meta"
    )


def same(x: Tensor, *_: Any, **__: Any) -> Tensor | None:
    """One tensor in, one of the same shape, number type and order of axes out."""
    return _laid_out_as(x, x.dtype)


def floating(x: Tensor, *rest: Any, **named: Any) -> Tensor | None:
    """As `same`, but integers would become floating point: leave those to torch."""
    return same(x) if x.is_floating_point() else None


def sums_so_far(x: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor | None:
    """Make each number of all up to it along an axis."""
    is_known = dtype in (None, x.dtype) and -x.ndim <= dim < x.ndim
    return empty(x.shape, x) if is_known and x.is_floating_point() else None


def binary(a: Tensor, b: Any, *_: Any, **__: Any) -> Tensor | None:
    """Broadcast two operands of one floating number type, or a tensor and a number."""
    if not isinstance(a, Tensor) or not a.is_floating_point():
        return None
    if isinstance(b, int | float) and not isinstance(b, bool):
        return same(a)
    if not isinstance(b, Tensor) or a.dtype != b.dtype:
        return None
    return _broadcast(a, b, a.dtype)


def _broadcast(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor | None:
    shape = broadcast(a.shape, b.shape)
    if shape == list(a.shape):  # the first operand decides on the order of axes
        return _laid_out_as(a, dtype)
    if a.is_contiguous() and b.is_contiguous():
        return empty(shape, a, dtype)
    return None


def _laid_out_as(x: Tensor, dtype: torch.dtype) -> Tensor | None:
    """Return an empty tensor without gaps whose axes lie in memory in the same order as in `x`."""
    if x.is_contiguous():
        return empty(x.shape, x, dtype)
    strides = x.stride()
    if 0 in strides:  # an expanded axis has no order of its own
        return None
    dense, step = [0] * x.ndim, 1
    for axis in sorted(range(x.ndim), key=lambda axis: (strides[axis], -axis)):
        dense[axis] = step
        step *= max(x.shape[axis], 1)
    return torch.empty_strided(x.shape, dense, dtype=dtype, device="meta")


def broadcast(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Return the common shape of two operands, aligned at their last axes."""
    rank = max(len(a), len(b))
    left = [1] * (rank - len(a)) + list(a)
    right = [1] * (rank - len(b)) + list(b)
    for m, n in zip(left, right, strict=True):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}): "
                f"shapes {tuple(a)} and {tuple(b)} cannot be broadcast together"
            )
    return [n if m == 1 else m for m, n in zip(left, right, strict=True)]


def mm(a: Tensor, b: Tensor) -> Tensor | None:
    """(m, k) @ (k, n) -> (m, n)."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or a.dtype != b.dtype:
        return None
    return empty((a.shape[0], b.shape[1]), a)


def addmm(c: Tensor, a: Tensor, b: Tensor, **_: Any) -> Tensor | None:
    """c + (m, k) @ (k, n) -> (m, n)."""
    return mm(a, b) if c.shape[-1:] in (b.shape[1:], (1,)) and c.dtype == a.dtype else None


def bmm(a: Tensor, b: Tensor) -> Tensor | None:
    """(n, i, k) @ (n, k, j) -> (n, i, j)."""
    if a.ndim != 3 or b.ndim != 3 or a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        return None
    return empty((a.shape[0], a.shape[1], b.shape[2]), a) if a.dtype == b.dtype else None


def baddbmm(c: Tensor, a: Tensor, b: Tensor, **_: Any) -> Tensor | None:
    """c + (n, i, k) @ (n, k, j) -> (n, i, j)."""
    return bmm(a, b)


def grouped_mm(a: Tensor, b: Tensor, *_: Any, **__: Any) -> Tensor | None:
    """Groups of rows of a (R, K), each times one matrix of b (E, K, N) -> (R, N)."""
    if a.ndim != 2 or b.ndim != 3 or a.shape[1] != b.shape[1] or a.dtype != b.dtype:
        return None
    return empty((a.shape[0], b.shape[2]), a)


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor | None:
    """x (N, Cin, *L), weight (Cout, Cin/groups, *k) -> (N, Cout, *L_out)."""
    axes = weight.ndim - 2
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    if x.ndim != weight.ndim or x.shape[1] != channels or x.dtype != weight.dtype:
        return None
    s, p, d, o = (_each(v, axes) for v in (stride, padding, dilation, output_padding))
    span = [d[i] * (weight.shape[i + 2] - 1) + 1 for i in range(axes)]
    size, none = x.shape[2:], 0 in x.shape[2:] and 0 not in x.shape[:2]
    if transposed:
        out = [(size[i] - 1) * s[i] - 2 * p[i] + span[i] + o[i] for i in range(axes)]
    else:
        out = [(size[i] + 2 * p[i] - span[i]) // s[i] + 1 for i in range(axes)]
    if none or min(out) <= 0:
        if transposed and not none:
            return None
        raise RuntimeError(  # as every kernel does; older torch makes an empty tensor of it
            f"Given input size per channel: {list(size)}. "
            f"Calculated output size per channel: {out}. Output size is too small"
        )
    return empty((x.shape[0], weight.shape[1] * groups if transposed else weight.shape[0], *out), x)


def _each(value: Sequence[int], axes: int) -> list[int]:
    return list(value) * axes if len(value) == 1 else list(value)


def recurrence(
    x: Tensor,
    state: Tensor | Sequence[Tensor],
    weights: Sequence[Tensor],
    biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...] | None:
    """x (T, B, I), or (B, T, I) with `batch_first` -> (T, B, D * H) alike, and the states."""
    states = [state] if isinstance(state, Tensor) else list(state)
    steps, batch = (x.shape[1], x.shape[0]) if batch_first else x.shape[:2]
    directions = 1 + bidirectional
    if any(s.ndim != 3 or s.shape[:2] != (directions * layers, batch) for s in states):
        return None
    if weights[0].shape[-1] != x.shape[2] or weights[0].dtype != x.dtype or not x.numel():
        return None
    made = empty((steps, batch, directions * states[0].shape[2]), x)
    return made.transpose(0, 1) if batch_first else made, *(empty(s.shape, x) for s in states)


def batch_norm_eval(x: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor] | None:
    """x (N, C, *L), evaluation mode -> x, and statistics (C,) twice."""
    if not x.is_contiguous():
        return None
    return empty(x.shape, x), empty(x.shape[1:2], x), empty(x.shape[1:2], x)


def group_norm(
    x: Tensor,
    weight: Any,
    bias: Any,
    batch: int,
    channels: int,
    positions: int,
    groups: int,
    *_: Any,
) -> tuple[Tensor, Tensor, Tensor] | None:
    """x (N, C, *L) -> x, and statistics (N, G) twice."""
    if not x.is_contiguous() or x.dtype != torch.float32:
        return None
    return empty(x.shape, x), empty((batch, groups), x), empty((batch, groups), x)


def weight_norm(v: Tensor, g: Tensor, *_: Any) -> tuple[Tensor, Tensor] | None:
    """Directions and lengths of filters -> the filters, and norms like the lengths."""
    if not v.is_contiguous() or not g.is_contiguous() or v.dtype != torch.float32:
        return None
    return empty(v.shape, v), empty(g.shape, g)


def truth(x: Tensor, *axes: Any) -> Tensor | None:
    """Whether all are true, without axes."""
    return None if axes or x.dtype != torch.bool else empty((), x)


def layer_norm(x: Tensor, shape: Sequence[int], *_: Any) -> tuple[Tensor, Tensor, Tensor] | None:
    """x (*outer, *shape) -> x, and mean and reciprocal deviation (*outer, 1...)."""
    outer = x.ndim - len(shape)
    if list(x.shape[outer:]) != list(shape) or x.dtype != torch.float32:
        return None
    statistics = [*x.shape[:outer], *[1] * len(shape)]
    return empty(x.shape, x), empty(statistics, x), empty(statistics, x)


def embedding(weight: Tensor, indices: Tensor, *_: Any) -> Tensor:
    """weight (V, D), indices (*) -> (*, D)."""
    return empty((*indices.shape, *weight.shape[1:]), weight)


def softmax(
    x: Tensor, dim: int, half_to_float: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor | None:
    """One tensor in, one without gaps and in its own order of axes out."""
    if half_to_float or dtype is not None or not x.is_floating_point():
        return None
    return empty(x.shape, x)


def reduction(
    x: Tensor,
    dim: Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> Tensor | None:
    """Mean, sum or largest value over some axes."""
    if not dim or dtype is not None or not x.is_floating_point():
        return None
    gone = {axis % max(x.ndim, 1) for axis in dim}
    kept = [1 if i in gone else n for i, n in enumerate(x.shape) if keepdim or i not in gone]
    return empty(kept, x)


def max_pool2d(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor] | None:
    """x (N, C, H, W) -> values and indices (N, C, H_out, W_out)."""
    if ceil_mode or x.ndim != 4 or not x.is_contiguous():
        return None
    k, p, d = (_each(v, 2) for v in (kernel, padding, dilation))
    s = _each(stride, 2) if stride else k
    size = x.shape[2:]
    out = [(size[i] + 2 * p[i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i in range(2)]
    if min(out) <= 0:
        return None
    shape = (*x.shape[:2], *out)
    return empty(shape, x), empty(shape, x, torch.int64)


def adaptive_avg_pool2d(x: Tensor, size: Sequence[int]) -> Tensor | None:
    """x (*, H, W) -> (*, *size)."""
    return empty((*x.shape[:-2], *size), x) if x.is_contiguous() else None


def resize(x: Tensor, size: Sequence[int], *_: Any) -> Tensor | None:
    """x (N, C, *L) -> (N, C, *size)."""
    return empty((*x.shape[:2], *size), x) if x.is_contiguous() else None


def sampled(x: Tensor, grid: Tensor, *_: Any) -> Tensor | None:
    """x (N, C, H, W) at the places of a grid (N, H_out, W_out, 2) -> (N, C, H_out, W_out)."""
    fits = x.ndim == grid.ndim == 4 and x.shape[0] == grid.shape[0] and grid.shape[3] == 2
    if not fits or not x.is_contiguous() or x.dtype != grid.dtype:
        return None
    return empty((*x.shape[:2], *grid.shape[1:3]), x)


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    """Join along one axis; every tensor of one number type and not empty."""
    first = tensors[0]
    if any(t.dtype != first.dtype or t.ndim != first.ndim or t.numel() == 0 for t in tensors):
        return None
    axis = dim % first.ndim
    rest = [[n for i, n in enumerate(t.shape) if i != axis] for t in tensors]
    if any(sizes != rest[0] for sizes in rest):
        return None
    shape = list(first.shape)
    shape[axis] = sum(t.shape[axis] for t in tensors)
    return empty(shape, first)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    """Join along a new axis; every tensor of one shape and number type."""
    first = tensors[0]
    if any(t.dtype != first.dtype or t.shape != first.shape for t in tensors):
        return None
    shape = list(first.shape)
    shape.insert(dim % (first.ndim + 1), len(tensors))
    return empty(shape, first)


def written(a: Tensor, b: Any, *_: Any, **__: Any) -> Tensor | None:
    """Write a result of `binary` into its first operand, which keeps its shape."""
    if isinstance(b, Tensor) and (a.dtype != b.dtype or broadcast(a.shape, b.shape) != [*a.shape]):
        return None
    return a if a.is_floating_point() and not isinstance(b, complex) else None


def itself(x: Tensor, *_: Any, **__: Any) -> Tensor | None:
    """Change every number of one tensor in place."""
    return x if x.is_floating_point() else None


def comparison(a: Tensor, b: Any = 0) -> Tensor | None:
    """As `binary`, but the result is boolean; so is one tensor's, compared with 0."""
    if isinstance(b, Tensor):
        return _broadcast(a, b, torch.bool)
    return _laid_out_as(a, torch.bool)


def masked_fill(x: Tensor, mask: Tensor, *_: Any) -> Tensor | None:
    """x and a boolean mask, broadcast."""
    return _broadcast(x, mask, x.dtype)


def where(mask: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
    """Choose from a or b, both of one number type, by a boolean mask."""
    if a.dtype != b.dtype or not all(t.is_contiguous() for t in (mask, a, b)):
        return None
    return empty(broadcast(mask.shape, broadcast(a.shape, b.shape)), a)


def topk(x: Tensor, k: int, dim: int = -1, *_: Any) -> tuple[Tensor, Tensor] | None:
    """The k largest along one axis, and where they stood; torch refuses more than there are."""
    if not x.ndim or k > x.shape[dim]:
        return None
    shape = [k if axis == dim % x.ndim else size for axis, size in enumerate(x.shape)]
    return empty(shape, x), empty(shape, x, torch.int64)


_OVERLOADS: tuple[tuple[Rule, str], ...] = (
    (mm, "mm.default"),
    (addmm, "addmm.default"),
    (bmm, "bmm.default"),
    (baddbmm, "baddbmm.default"),
    (grouped_mm, "_grouped_mm.default"),
    (convolution, "convolution.default"),
    (recurrence, "lstm.input gru.input rnn_tanh.input rnn_relu.input"),
    (batch_norm_eval, "_native_batch_norm_legit_no_training.default"),
    (batch_norm_eval, "native_batch_norm.default _native_batch_norm_legit.no_stats"),
    (group_norm, "native_group_norm.default"),
    (weight_norm, "_weight_norm_interface.default"),
    (truth, "_is_all_true.default"),
    (layer_norm, "native_layer_norm.default"),
    (embedding, "embedding.default"),
    (reduction, "mean.dim sum.dim_IntList amax.default logsumexp.default"),
    (max_pool2d, "max_pool2d_with_indices.default"),
    (adaptive_avg_pool2d, "_adaptive_avg_pool2d.default"),
    (resize, "upsample_bilinear2d.default upsample_nearest2d.default"),
    (resize, "upsample_trilinear3d.default upsample_bicubic2d.default"),
    (cat, "cat.default"),
    (stack, "stack.default"),
    (written, "add_.Tensor sub_.Tensor mul_.Tensor div_.Tensor"),
    (masked_fill, "masked_fill.Scalar"),
    (topk, "topk.default"),
    (binary, "add.Tensor sub.Tensor mul.Tensor div.Tensor"),
    (binary, "add.Scalar sub.Scalar mul.Scalar div.Scalar"),
    (comparison, "ge.Scalar gt.Scalar lt.Scalar le.Scalar eq.Scalar ne.Scalar"),
    (comparison, "ge.Tensor gt.Tensor lt.Tensor le.Tensor eq.Tensor ne.Tensor"),
    (where, "where.self"),
    (sampled, "grid_sampler_2d.default"),
    (softmax, "_softmax.default _log_softmax.default _safe_softmax.default"),
    (comparison, "logical_not.default"),
    (same, "tril.default triu.default"),
    (sums_so_far, "cumsum.default cumprod.default"),
    (floating, "relu.default gelu.default silu.default sigmoid.default tanh.default"),
    (floating, "hardtanh.default hardswish.default rsqrt.default neg.default exp.default"),
    (floating, "pow.Tensor_Scalar leaky_relu.default elu.default softplus.default mish.default"),
    (floating, "hardsigmoid.default clamp.default clamp_min.default sin.default cos.default"),
    (floating, "_prelu_kernel.default"),
    (itself, "relu_.default silu_.default sigmoid_.default tanh_.default"),
    (itself, "hardtanh_.default hardswish_.default leaky_relu_.default elu_.default"),
)
NAMED: dict[str, Rule] = {name: rule for rule, names in _OVERLOADS for name in names.split()}
"""Operator overload by name to rule."""


def overload(name: str) -> Any:
    """Return an operator overload by name, e.g. `mean.dim`, or None where this torch lacks it."""
    operator, _, kind = name.partition(".")
    return getattr(getattr(aten, operator, None), kind, None)


RULES: dict[Any, Rule] = {
    found: rule for name, rule in NAMED.items() if (found := overload(name)) is not None
}
"""Operator overload to rule, for what this torch has: no network can run an operator it lacks."""
