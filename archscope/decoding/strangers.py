"""What the layers of any network would keep: a user's own, or one that brings a cache of its own.

Keys and values are seen where they reach torch's attention, states where a recurrent layer returns
them. Attention that is multiplied by hand, convolutions along positions and masks without values
cannot be judged so: then what is kept is unknown. Networks of the transformers package return the
cache that they would go on with, and that is looked at instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.overrides import TorchFunctionMode

from archscope.counting.forward import count_forward
from archscope.decoding.returned import cache_of
from archscope.errors import ForwardError, UsageError, first_line
from archscope.running.module_stack import ModuleStack
from archscope.subject import Subject
from archscope.theory.cache import Cache, LayerCache, Unseen

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
_CONVOLUTIONS = frozenset((F.conv1d, torch.conv1d))
_SEEN = "its mask has no values where it runs on shapes alone"
_BY_HAND = "it multiplies activations with each other by itself, not by torch's attention"
_CONVOLVES = "a convolution along positions may read earlier ones, or later ones"


def stranger_cache(subject: Subject) -> Cache:
    """Return what one forward of `subject` shows of what decoding would keep.

    Raises `ForwardError` where it does not run, `UsageError` where nothing of it decodes.
    """
    if subject.inputs is None:
        raise UsageError(f"{subject.name} has no inputs; say what it is called with")
    looking = _Looking(subject.name)
    count = count_forward(subject, around=looking.around, second=False)
    if count.failure is not None:
        where = count.dispatcher.failed_in or "the model itself"
        raise ForwardError(f"it failed in {where}: {first_line(count.failure)}") from count.failure
    found = looking.cache()
    return replace(found, context=max(found.context, _length(subject)))


def _length(subject: Subject) -> int:
    """Return the positions of the first input, where it says how many: states do not."""
    first = next(iter(subject.inputs.shapes()), None) if subject.inputs else None
    return first.shape[1] if first is not None and len(first.shape) > 1 else 1


class _Looking:
    """What one forward showed; an attempt that fails is followed by another one, from the start."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.layers: list[LayerCache] = []
        self.unseen: dict[str, Unseen] = {}
        self.both_sides: list[str] = []
        self.lengths: list[int] = []
        self.batches: list[int] = []
        self.returned: Cache | None = None

    @contextmanager
    def around(self, stack: ModuleStack) -> Iterator[None]:
        """Look at what runs within it."""
        self.__init__(self.name)  # type: ignore[misc]
        handle = register_module_forward_hook(self._return(stack))
        try:
            with _Functions(self, stack):
                yield
        finally:
            handle.remove()

    def _return(self, stack: ModuleStack) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if isinstance(module, nn.RNNBase):
                self.recurrent(stack.current or "", module, output)
            found = cache_of(output)
            if found is not None:
                self.returned = found

        return hook

    def cache(self) -> Cache:
        """Return all that was seen; raises `UsageError` where nothing decodes."""
        if self.returned is not None:
            return self.returned
        own = [layer for layer in self.layers if layer.source is None]
        if not own and not self.unseen:
            raise UsageError(f"{_short(self.name)}: nothing of it decodes: {self._why()}")
        return Cache(
            layers=tuple(self.layers),
            context=max(self.lengths, default=1),
            batch=max(self.batches, default=1),
            unseen=tuple(self.unseen.values()),
            unit="positions",
        )

    def _why(self) -> str:
        if self.both_sides:
            where = self.both_sides[0] or "the model itself"
            return f"attention in {where} sees later positions too"
        return "neither attention nor a recurrent layer runs in it"

    def attention(
        self,
        path: str,
        sizes: tuple[int, int, int],
        k: Tensor,
        mask: Any,
        causal: bool,
        length: int,
    ) -> None:
        """Take key heads, elements of a position and the batch, keys, and what masks them."""
        heads, each, batch = sizes
        keys = k.shape[-2]
        window: int | None = keys
        if not causal and mask is None:
            if keys == length:
                self.both_sides.append(path)
                return
            source = keys
        else:
            source = None
            if not causal:
                window = _window(mask, keys, length)
        if window is None:
            self.unseen[path] = Unseen(path=path, why=_SEEN)
            return
        if window == 0:
            self.both_sides.append(path)
            return
        if source is None:
            self.lengths.append(keys)
            self.batches.append(batch)
        windowed = source is None and window < keys
        self.layers.append(
            LayerCache(
                path=path,
                kind="cross attention" if source else "window" if windowed else "full attention",
                position="e",
                symbols={"e": each},
                heads=heads,
                vectors=2 * heads,
                last=window if windowed else None,
                source=source,
                reference="keys and values that reach torch's attention",
            )
        )

    def recurrent(self, path: str, module: nn.RNNBase, output: Any) -> None:
        """Take a recurrent layer, and what it returns."""
        if module.bidirectional:
            self.both_sides.append(path)
            return
        states = output[1] if isinstance(output[1], tuple) else (output[1],)
        held = sum(state.numel() // (state.shape[1] if state.ndim == 3 else 1) for state in states)
        batch, length = output[0].shape[:2] if module.batch_first else output[0].shape[1::-1]
        self.lengths.append(length)
        self.batches.append(batch)
        self.layers.append(
            LayerCache(
                path=path,
                kind="recurrent",
                state="e",
                symbols={"e": held},
                reference="states that a recurrent layer returns",
            )
        )


class _Functions(TorchFunctionMode):
    """Looks at the functions of torch that mix positions."""

    def __init__(self, looking: _Looking, stack: ModuleStack) -> None:
        super().__init__()
        self._looking, self._stack = looking, stack

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        self._look(func, args, named)
        return func(*args, **named)

    def _look(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        path = self._stack.current or ""
        if func is F.scaled_dot_product_attention:
            self._scaled(path, *args, **named)
        elif func is F.multi_head_attention_forward:
            self._multihead(path, args, named)
        elif func in _PRODUCTS and _both_computed(args):
            self._looking.unseen.setdefault(path, Unseen(path=path, why=_BY_HAND))
        elif func in _CONVOLUTIONS and args and args[0].ndim == 3 and args[1].shape[-1] > 1:
            self._looking.unseen.setdefault(path, Unseen(path=path, why=_CONVOLVES))

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
        heads = key.shape[-3] if key.ndim > 3 else 1
        each = heads * (key.shape[-1] + value.shape[-1])
        batch = key.shape[0] if key.ndim > 2 else 1
        self._looking.attention(
            path, (heads, each, batch), key, attn_mask, is_causal, query.shape[-2]
        )

    def _multihead(self, path: str, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        query, key, _, width, heads = args[:5]  # (S, B, D), (T, B, D)
        k = key.transpose(0, -2)  # (B, T, D)
        batch = key.shape[1] if key.ndim == 3 else 1
        causal = bool(named.get("is_causal")) and named.get("attn_mask") is not None
        self._looking.attention(
            path, (heads, 2 * width, batch), k, named.get("attn_mask"), causal, query.shape[0]
        )


def _both_computed(args: tuple[Any, ...]) -> bool:
    """Return whether two operands are results of layers: no weights, no constants."""
    tensors = [each for each in args if isinstance(each, Tensor)]
    if len(tensors) == 1 and len(args) > 1 and isinstance(args[1], list | tuple):
        tensors = [each for each in args[1] if isinstance(each, Tensor)]
    made = [each for each in tensors if not isinstance(each, nn.Parameter) and each.ndim > 2]
    return len(made) > 1 and all(each.is_meta for each in made) and made[0].shape[-1] > 1


def _window(mask: Tensor, keys: int, queries: int) -> int | None:
    """Return how many of the last keys a mask leaves a query; 0: later ones too; None: unknown."""
    if mask.is_meta or keys != queries or mask.shape[-2:] != (queries, keys):
        return None
    seen = mask if mask.dtype is torch.bool else mask > torch.finfo(mask.dtype).min / 2
    seen = seen.reshape(-1, queries, keys).any(0)
    if seen.triu(1).any():
        return 0
    rows, columns = seen.nonzero(as_tuple=True)
    return int((rows - columns).max()) + 1 if len(rows) else None


def _short(name: str) -> str:
    return name.partition(" · ")[0]
