"""What a card's fused kernels keep where torch's CPU has none: its RMS norm and some attention.

Of tensors without data shapes are all that is made, so that nothing is alive but what the kernel
makes; with data the same functions are computed step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def fused_rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor | None:
    """Return x weight / rms(x), which keeps x and a number of 4 bytes for each vector.

    None where types differ: there a card takes it apart too. Zhang & Sennrich 2019, equation 4.
    """
    if not input.is_floating_point() or (weight is not None and weight.dtype is not input.dtype):
        return None
    least = torch.finfo(input.dtype).eps if eps is None else eps
    made: Tensor = _RmsNorm.apply(input, weight, len(normalized_shape), least)  # type: ignore[no-untyped-call]
    return made


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, axes: int, least: float) -> Tensor:
        ctx.axes = tuple(range(-axes, 0))
        wide = torch.promote_types(x.dtype, torch.float32)
        if _has_none(x):
            scale = x.new_empty((*x.shape[:-axes], *(1,) * axes), dtype=wide)
            ctx.save_for_backward(x, weight, scale)
            return torch.empty_like(x, memory_format=torch.contiguous_format)
        scale = (x.to(wide).square().mean(ctx.axes, keepdim=True) + least).rsqrt()
        ctx.save_for_backward(x, weight, scale)
        made = x * scale if weight is None else x * scale * weight
        return made.to(x.dtype).contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, weight, scale = ctx.saved_tensors
        (grad,) = gradients
        if _has_none(x):
            return (
                torch.empty_like(x),
                None if weight is None else torch.empty_like(weight),
                None,
                None,
            )
        unit = x * scale
        towards = grad if weight is None else grad * weight
        of_x = scale * (towards - unit * (towards * unit).mean(ctx.axes, keepdim=True))
        if weight is None:
            return of_x.to(x.dtype), None, None, None
        of_weight = (grad * unit).sum(tuple(range(x.dim() - weight.dim())))
        return of_x.to(x.dtype), of_weight.to(weight.dtype), None, None


Plain = Callable[..., Tensor]


def fused_attention(
    query: Tensor, key: Tensor, value: Tensor, plain: Plain, given: Mapping[str, Any]
) -> Tensor:
    """Return attention that keeps its arguments, its mask, its answer and a number for each query.

    Those are the logarithms of sums by which its backward makes the scores anew (Dao et al. 2022,
    FlashAttention, algorithm 4). Take (B, H, S, d), (B, K, T, d) and (B, K, T, e); return
    (B, H, S, e). `plain` computes the same step by step, with the keywords that are `given`.
    """
    keywords = dict(given)
    mask = keywords.pop("attn_mask", None)
    made: Tensor = _Attention.apply(query, key, value, mask, plain, keywords)  # type: ignore[no-untyped-call]
    return made


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        plain: Plain,
        given: Mapping[str, Any],
    ) -> Tensor:
        ctx.plain, ctx.given = plain, given
        batch, heads, queries, _ = query.shape
        # The kernel writes heads side by side, so that putting them together copies nothing.
        answer = query.new_empty((batch, queries, heads, value.shape[-1])).transpose(1, 2)
        if not _has_none(query):
            answer.copy_(plain(query, key, value, attn_mask=mask, **given))
        sums = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, mask, answer, sums)
        return answer

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        asked = ctx.saved_tensors[:4]
        wanted = [
            index
            for index, each in enumerate(asked)
            if each is not None and ctx.needs_input_grad[index]
        ]
        found: list[Tensor | None] = [None] * 4
        if _has_none(asked[0]):
            made: Sequence[Tensor] = [torch.empty_like(asked[index]) for index in wanted]
        else:
            with torch.enable_grad():
                *operands, mask = (
                    each if each is None else each.detach().requires_grad_(each.is_floating_point())
                    for each in asked
                )
                answer = ctx.plain(*operands, attn_mask=mask, **ctx.given)
                every = (*operands, mask)
                made = torch.autograd.grad(answer, [every[index] for index in wanted], gradients)
        for index, gradient in zip(wanted, made, strict=True):
            found[index] = gradient
        return (*found, None, None)


def _has_none(tensor: Tensor) -> bool:
    """Return whether a tensor has a shape alone."""
    return tensor.is_meta or type(tensor).__name__ == "FakeTensor"
