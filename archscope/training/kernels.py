"""Runs attention, dropout and RMS norms as a card's kernels do, where those keep less than a CPU's,
and within autocast casts what a card casts.

torch on a CPU keeps a dropout mask of the activation's number type, takes an RMS norm apart, and
computes attention step by step where there is dropout, a trained mask, or values of another width;
on a card the mask has one byte for an element, and fused kernels keep what `card` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archscope.training.autocast import as_a_card_casts
from archscope.training.card import fused_attention, fused_rms_norm
from archscope.training.recipe import Recipe
from archscope.training.recompute import run_again

_DROPOUTS: frozenset[Any] = frozenset((functional.dropout, torch.dropout))
_RMS_NORMS: frozenset[Any] = frozenset((functional.rms_norm, torch.rms_norm))
_CTC: frozenset[Any] = frozenset((functional.ctc_loss, torch.ctc_loss))
_CTC_NAMES = (
    *("log_probs", "targets", "input_lengths", "target_lengths"),
    *("blank", "reduction", "zero_infinity"),
)
_ATTENTION: Any = functional.scaled_dot_product_attention


def _of_many(function: Any) -> FunctionType:
    """Return the same function, which does not ask modes to answer in its place: its calls do."""
    asks = [name for name in function.__globals__ if name.startswith("has_torch_function")]
    return FunctionType(
        function.__code__,
        {**function.__globals__, **dict.fromkeys(asks, lambda *operands: False)},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


_OF_MANY: dict[Any, FunctionType] = {
    function: _of_many(function)
    for function in (
        functional.multi_head_attention_forward,
        *(functional.gumbel_softmax, functional.normalize, functional.softmin),
        *(functional.lp_pool1d, functional.lp_pool2d, functional.lp_pool3d),
    )
}
"""Functions that call others, which are answered here."""


@contextmanager
def recurrences_step_by_step() -> Iterator[None]:
    """Without oneDNN: its recurrent layers keep what torch tells the size of with data alone, and
    their backward makes gradients that nobody asks for.
    """
    found = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(found)


def own_recurrences_step_by_step(model: nn.Module) -> AbstractContextManager[None]:
    """Return that for a network on data that has such layers: others are slow without oneDNN."""
    recurs = any(isinstance(module, nn.RNNBase) for module in model.modules())
    return recurrences_step_by_step() if recurs else nullcontext()


class AsOnCard(TorchFunctionMode):
    """Answers attention, dropout and RMS norms by other functions, as a recipe wants it."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._recipe.dropout == "card" and torch.is_autocast_enabled("cpu"):
            args, kwargs = as_a_card_casts(func, args, kwargs)
        if func in _DROPOUTS:
            return self._dropout(func, *args, **kwargs)
        if func is _ATTENTION:
            if self._recipe.attention == "flash":
                return self._fused(*args, **kwargs)
            again = self._recipe.recompute is not None and self._recipe.recompute.core
            return (
                run_again(self._plain, *args, **kwargs) if again else self._plain(*args, **kwargs)
            )
        if func in _OF_MANY:
            with self:
                return _OF_MANY[func](*args, **kwargs)
        if func in _CTC:
            read = {name: _read(each, name) for name, each in kwargs.items()}
            return func(*map(_read, args, _CTC_NAMES), **read)
        if func in _RMS_NORMS and self._recipe.dropout == "card":
            found = fused_rms_norm(*args, **kwargs)
            return func(*args, **kwargs) if found is None else found
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

    def _fused(
        self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any
    ) -> Tensor:
        """Return attention by the fused kernel, which makes its random numbers anew."""
        given = _given(args, kwargs) | {"dropout_p": 0.0}
        if self._recipe.dropout == "card" and _takes_apart(query, value, given.get("attn_mask")):
            return fused_attention(query, key, value, self._plain, given)
        return functional.scaled_dot_product_attention(query, key, value, **given)


def _read(operand: Any, name: str) -> Any:
    """Return an operand of a CTC loss, lengths as plain numbers: a kernel reads them.

    Where a mode listens, torch does not, and keeps what it makes of them.
    """
    is_length = name.endswith("_lengths") and isinstance(operand, Tensor)
    return operand.tolist() if is_length else operand


def _takes_apart(query: Tensor, value: Tensor, mask: Tensor | None) -> bool:
    """Return whether torch's CPU has no fused kernel for what a card's kernel takes."""
    trained = mask is not None and (mask.requires_grad or mask.dim() not in (2, 4))
    return query.dim() == 4 and (trained or query.shape[-1] != value.shape[-1])


def _masked(scores: Tensor, given: dict[str, Any]) -> Tensor:
    mask = given.get("attn_mask")
    if given.get("is_causal"):
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is None:
        return scores
    return scores.masked_fill(~mask, -torch.inf) if mask.dtype is torch.bool else scores + mask


def _given(args: Any, kwargs: Any) -> dict[str, Any]:
    names = ("attn_mask", "dropout_p", "is_causal")
    given: dict[str, Any] = dict(zip(names, args, strict=False)) | kwargs
    return given
