"""Runs attention and dropout as a card's kernels do, where those keep less than the CPU's.

torch on a CPU keeps a dropout mask of the activation's number type, and computes attention with
dropout step by step; on a card the mask has one byte for an element, and the fused kernel keeps
queries, keys, values, the output and one number for each query.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archscope.training.recipe import Recipe

_DROPOUTS: frozenset[Any] = frozenset((functional.dropout, torch.dropout))
_ATTENTION: Any = functional.scaled_dot_product_attention


class AsOnCard(TorchFunctionMode):
    """Answers attention and dropout by other functions of torch, as a recipe wants it."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _DROPOUTS:
            return self._dropout(func, *args, **kwargs)
        if func is _ATTENTION:
            way = _fused if self._recipe.attention == "flash" else self._plain
            return way(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(self, func: Any, input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Return native_dropout's answer, whose mask has a byte for each element."""
        trains = "training" if func is functional.dropout else "train"
        given = dict(zip(("p", trains, "inplace"), args, strict=False)) | kwargs
        p = given.get("p", 0.5)
        as_is = not given.get(trains, True) or given.get("inplace") or not input.is_floating_point()
        if as_is or not p or self._recipe.dropout != "card":
            return func(input, *args, **kwargs)  # type: ignore[no-any-return]
        return torch.native_dropout(input, p, True)[0]

    def _plain(
        self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any
    ) -> Tensor:
        """Return softmax(q k' / sqrt(d)) v step by step (Vaswani et al. 2017, equation 1)."""
        given = _given(args, kwargs)
        if given.get("enable_gqa"):
            groups = query.shape[-3] // key.shape[-3]
            key, value = (each.repeat_interleave(groups, -3) for each in (key, value))
        scores = (query @ key.transpose(-2, -1)) * (given.get("scale") or query.shape[-1] ** -0.5)
        weights = _masked(scores, given).softmax(-1)
        weights = self._dropout(functional.dropout, weights, given.get("dropout_p", 0.0), True)
        return weights @ value


def _masked(scores: Tensor, given: dict[str, Any]) -> Tensor:
    mask = given.get("attn_mask")
    if given.get("is_causal"):
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is None:
        return scores
    return scores.masked_fill(~mask, -torch.inf) if mask.dtype is torch.bool else scores + mask


def _fused(query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return attention by the fused kernel, which makes its random numbers anew and keeps none."""
    given = _given(args, kwargs) | {"dropout_p": 0.0}
    return functional.scaled_dot_product_attention(query, key, value, **given)


def _given(args: Any, kwargs: Any) -> dict[str, Any]:
    names = ("attn_mask", "dropout_p", "is_causal")
    given: dict[str, Any] = dict(zip(names, args, strict=False)) | kwargs
    return given
