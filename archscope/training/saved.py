"""What a forward pass keeps for the backward: which tensors, how large, and who asked for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archscope.records import frozen
from archscope.running.storages import keys_of, parts_of
from archscope.training.live_memory import Alive
from archscope.training.places import Places

Holds = Literal["activation", "input", "buffer"]


@frozen
class Saved:
    """One block of memory that is kept; views of it are kept with it."""

    path: str
    """The module that asked first."""
    function: str
    """The function that it runs, e.g. `layer_norm`; empty where torch names none."""
    shape: tuple[int, ...]
    """Shape of the tensor that was kept first."""
    dtype: str
    """Its number type."""
    bytes: int
    """Size of the whole block of memory."""
    holds: Holds
    """`input` and `buffer` are there whatever is kept; `activation` is made by the forward."""
    made_in: str | None
    """The module that made it, or holds it as a buffer; None where it came from outside."""
    block: int | None
    """The number of the block of memory among those that the step made; None of another."""
    handed_on: bool
    """Whether it is what the block before hands on to the one around and does not keep itself:
    each copy of the block has its own."""


class Saving:
    """Listens to what a forward keeps, each block of memory once; parameters are none of it."""

    def __init__(
        self,
        places: Places,
        alive: Alive,
        *,
        parameters: Iterable[Tensor],
        inputs: Iterable[Tensor],
        buffers: Mapping[int, str],
    ) -> None:
        self._places = places
        self._alive, self._buffers = alive, buffers
        self._left_out = set(keys_of(parameters))
        self._holds: dict[int, Holds] = {
            **dict.fromkeys(buffers, "buffer"),
            **dict.fromkeys(keys_of(inputs), "input"),
        }
        self._names = _Names()
        self._holding = Counter[int]()
        self._over = False
        self.found: dict[int, Saved] = {}
        """By the key of the memory."""

    def __enter__(self) -> Saving:
        self._hooks = torch.autograd.graph.saved_tensors_hooks(
            self._pack, lambda packed: packed.tensor
        )
        self._names.__enter__()  # type: ignore[no-untyped-call]
        self._hooks.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._hooks.__exit__(*raised)
        self._names.__exit__(*raised)  # type: ignore[no-untyped-call]
        self._over = True
        self._tell_what_is_handed_on()

    def _tell_what_is_handed_on(self) -> None:
        """Note what each copy of a block has of its own, for the one before does not keep it."""
        kept_before = {
            handed
            for key, handed in self._places.hands_on.items()
            if key in self.found and _is_in(self.found[key].path, handed.path)
        }
        for key, saved in self.found.items():
            handed = self._places.handed_on.get(key)
            if handed is None or (handed in kept_before and _is_in(saved.path, handed.path)):
                continue
            self.found[key] = replace(saved, handed_on=True)

    def _pack(self, tensor: Tensor) -> _Packed:
        keys = [self._keep(part) for part in parts_of(tensor)]
        return _Packed(without_graph(tensor), partial(self._dropped, keys))

    def _dropped(self, keys: Iterable[int]) -> None:
        """Forget what a graph kept that is gone before the forward is over."""
        if self._over:
            return
        for key in keys:
            self._holding[key] -= 1
            if not self._holding[key]:
                self.found.pop(key, None)

    def _keep(self, tensor: Tensor) -> int:
        (key,) = keys_of((tensor,))
        self._holding[key] += 1
        if key not in self._left_out and key not in self.found:
            self.found[key] = Saved(
                path=self._places.current(),
                function=self._names.current,
                shape=tuple(tensor.shape),
                dtype=str(tensor.dtype).removeprefix("torch."),
                bytes=tensor.untyped_storage().nbytes(),
                holds=self._holds.get(key, "activation"),
                made_in=self._alive.made_in.get(key, self._buffers.get(key)),
                block=self._alive.number(tensor),
                handed_on=False,
            )
        return key


def _is_in(path: str, block: str) -> bool:
    return f"{path}.".startswith(f"{block}.")


class _Packed:
    """What autograd holds in place of a tensor that it keeps."""

    __slots__ = ("_dropped", "tensor")

    def __init__(self, tensor: Tensor, dropped: Callable[[], None]) -> None:
        self.tensor = tensor
        self._dropped = dropped

    def __del__(self) -> None:
        self._dropped()


def without_graph(tensor: Tensor) -> Tensor:
    """Return a tensor without the graph that made it, which autograd gives back when it reads it.

    An operator that keeps its own answer would hold on to itself otherwise, and what is given up
    in the forward, as an activation that nothing reads, would never go.
    """
    return tensor if tensor.grad_fn is None else tensor.detach()


class _Names(TorchFunctionMode):
    """Knows the outermost function of torch that is running."""

    current = ""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.current = getattr(func, "__name__", "")
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.current = ""


def holders(model: nn.Module) -> dict[int, str]:
    """Return the path of the module that holds each buffer first, by the key of its memory."""
    found: dict[int, str] = {}
    for path, module in model.named_modules():
        for tensor in module._buffers.values():
            for key in () if tensor is None else keys_of((tensor,)):
                found.setdefault(key, path)
    return found
