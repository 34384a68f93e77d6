"""What the layers of any network would keep: a user's own, or one that brings a cache of its own.

Keys and values are seen where they reach torch's attention, states where a recurrent layer returns
them. Attention that is multiplied by hand, convolutions along positions and masks without values
cannot be judged so: then what is kept is unknown. Networks of the transformers package return the
cache that they would go on with, and that is looked at instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from archscope.counting.forward import Execution, count_forward
from archscope.decoding.functions import Functions, keys_left
from archscope.decoding.returned import cache_of
from archscope.errors import ForwardError, UsageError, first_line
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.module_stack import ModuleStack
from archscope.subject import Subject
from archscope.theory.cache import Cache, LayerCache, Unseen

_LARGEST = 2**28
"""Bytes of weights up to which a network runs on data where its masks need values."""
_SEEN = "its mask has no values where it runs on shapes alone"


def stranger_cache(subject: Subject) -> Cache:
    """Return what one forward of `subject` shows of what decoding would keep.

    Raises `ForwardError` where it does not run, `UsageError` where it does not decode.
    """
    subject.required_inputs("kv")
    looking = _looked(subject, "auto")
    if looking.masked and _has_little_data(subject.model):
        # On data masks have values, but results of layers can no longer be told from constants.
        shown = _looked(subject, "real")
        shown.unseen |= {path: x for path, x in looking.unseen.items() if x.why != _SEEN}
        looking = shown
    found = looking.cache()
    return replace(found, context=max(found.context, _length(subject)))


def _looked(subject: Subject, execution: Execution) -> _Looking:
    looking = _Looking(subject.name)
    count = count_forward(subject, execution, looking.around, second=False)
    if count.failure is not None:
        where = count.dispatcher.failed_in or "the model itself"
        raise ForwardError(f"it failed in {where}: {first_line(count.failure)}") from count.failure
    return looking


def _has_little_data(model: nn.Module) -> bool:
    tensors = [*parameters_of(model), *buffers_of(model)]
    size = sum(each.numel() * each.element_size() for each in tensors)
    return size <= _LARGEST and not any(each.is_meta for each in tensors)


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

    @property
    def masked(self) -> bool:
        """Whether a mask stood in the way."""
        return any(each.why == _SEEN for each in self.unseen.values())

    @contextmanager
    def around(self, stack: ModuleStack) -> Iterator[None]:
        """Look at what runs within it."""
        self.__init__(self.name)  # type: ignore[misc]
        handle = register_module_forward_hook(self._return(stack))
        try:
            with Functions(stack, self.attention, self.hidden):
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
            raise UsageError(f"{_short(self.name)}: it does not decode: {self._why()}")
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
                window = keys_left(mask, keys, length)
        if window is None:
            self.hidden(path, _SEEN)
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

    def hidden(self, path: str, why: str) -> None:
        """Take a module of which it cannot be seen what it keeps."""
        self.unseen.setdefault(path, Unseen(path=path, why=why))

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


def _short(name: str) -> str:
    return name.partition(" · ")[0]
