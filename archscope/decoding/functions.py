"""Looks at the functions of torch by which positions are mixed, as they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from archscope.running.module_stack import ModuleStack

_PRODUCTS = frozenset(
    (
        torch.matmul,
        torch.Tensor.matmul,
        torch.Tensor.__matmul__,
        torch.bmm,
        torch.Tensor.bmm,
        torch.baddbmm,
        torch.einsum,
    )
)
_REPEATS = frozenset(
    (
        *(torch.repeat_interleave, torch.Tensor.repeat_interleave, torch.Tensor.repeat),
        *(torch.tile, torch.Tensor.tile, torch.Tensor.expand, torch.broadcast_to),
    )
)
_LAYOUTS = frozenset(
    (
        *(torch.reshape, torch.Tensor.reshape, torch.Tensor.view, torch.flatten),
        *(torch.Tensor.flatten, torch.Tensor.contiguous, torch.clone, torch.Tensor.clone),
        *(torch.transpose, torch.Tensor.transpose, torch.permute, torch.Tensor.permute),
        *(torch.Tensor.to, torch.unflatten, torch.Tensor.unflatten),
    )
)
"""Functions whose result has the elements of their first operand, laid out otherwise."""
_CONVOLUTIONS = frozenset((F.conv1d, torch.conv1d))
_BY_HAND = "it multiplies activations with each other by itself, not by torch's attention"
_CONVOLVES = "a convolution along positions may read earlier ones, or later ones"


class Functions(TorchFunctionMode):
    """Tells `attention` of torch's attention, and `hidden` of what mixes positions otherwise."""

    def __init__(
        self,
        stack: ModuleStack,
        attention: Callable[[str, tuple[int, int, int], Tensor, Any, bool, int], None],
        hidden: Callable[[str, str], None],
    ) -> None:
        super().__init__()
        self._stack, self._attention, self._hidden = stack, attention, hidden
        self._copies: Any = WeakIdKeyDictionary()
        """How often each head stands in tensors that repeat them, as keys of few heads are."""

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        self._look(func, args, named)
        made = func(*args, **named)
        if args and (func in _REPEATS or func in _LAYOUTS):
            self._follow(func, args[0], made)
        return made

    def _follow(self, func: Any, source: Tensor, made: Tensor) -> None:
        """Note how often heads are repeated; a batch that is repeated has its own keys."""
        copies = self._copies.get(source, 1)
        if func in _REPEATS and source.numel() and source.ndim == made.ndim > 0:
            batches = made.shape[0] // source.shape[0]
            copies *= made.numel() // (source.numel() * batches)
        if copies > 1:
            self._copies[made] = copies

    def _look(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        path = self._stack.current or ""
        if func is F.scaled_dot_product_attention:
            self._scaled(path, *args, **named)
        elif func is F.multi_head_attention_forward:
            self._multihead(path, args, named)
        elif func in _PRODUCTS and _both_computed((*args, *named.values())):
            self._hidden(path, _BY_HAND)
        elif func in _CONVOLUTIONS and _reads_around(*args, **named):
            self._hidden(path, _CONVOLVES)

    def _scaled(
        self,
        path: str,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **_: Any,
    ) -> None:
        heads = key.shape[-3] // self._copies.get(key, 1) if key.ndim > 3 else 1
        each = heads * (key.shape[-1] + value.shape[-1])
        batch = key.shape[0] if key.ndim > 2 else 1
        self._attention(path, (heads, each, batch), key, attn_mask, is_causal, query.shape[-2])

    def _multihead(self, path: str, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        query, key, _, width, heads = args[:5]  # (S, B, D), (T, B, D)
        k = key.transpose(0, -2)  # (B, T, D)
        batch = key.shape[1] if key.ndim == 3 else 1
        causal = bool(named.get("is_causal")) and named.get("attn_mask") is not None
        self._attention(
            path, (heads, 2 * width, batch), k, named.get("attn_mask"), causal, query.shape[0]
        )


def _reads_around(input: Tensor, weight: Tensor, *_: Any, **__: Any) -> bool:
    """Return whether a convolution of sequences reads more than its own position."""
    return input.ndim == 3 and weight.shape[-1] > 1


def _both_computed(args: tuple[Any, ...]) -> bool:
    """Return whether two operands are results of layers: no weights, no constants."""
    tensors = [each for each in args if isinstance(each, Tensor)]
    if len(tensors) == 1 and len(args) > 1 and isinstance(args[1], list | tuple):
        tensors = [each for each in args[1] if isinstance(each, Tensor)]
    made = [each for each in tensors if not isinstance(each, nn.Parameter) and each.ndim > 2]
    return len(made) > 1 and all(each.is_meta for each in made) and made[0].shape[-1] > 1


def keys_left(mask: Tensor, keys: int, queries: int) -> int | None:
    """Return how many of the last keys a mask leaves a query; 0: later ones too; None: unknown."""
    if mask.is_meta or keys != queries or mask.shape[-2:] != (queries, keys):
        return None
    seen = mask if mask.dtype is torch.bool else mask > torch.finfo(mask.dtype).min / 2
    seen = seen.reshape(-1, queries, keys).any(0)
    if seen.triu(1).any():
        return 0
    rows, columns = seen.nonzero(as_tuple=True)
    return int((rows - columns).max()) + 1 if len(rows) else None
