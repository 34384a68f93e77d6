"""Output shapes of the operators of layers: convolutions, norms, pools and tables; see `shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from archscope.running.empty_tensors import empty


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


def _each(value: Sequence[int], axes: int) -> list[int]:
    return list(value) * axes if len(value) == 1 else list(value)


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
