"""Leaves a module as it was found: mode, hooks, attributes, weights, buffers, random numbers.

Counting runs the user's own forward, which may set attributes, append to lists, update running
statistics, draw random numbers, or raise half-way. Everything is put back, also after an error.
"""

from __future__ import annotations

import os
import random
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

_CONTAINERS = (dict, OrderedDict, defaultdict, list, set, deque)
"""Exact types whose items are put back; a subclass may not like to be copied."""


@contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Put back every attribute of every submodule, every random generator, the working folder.

    Attributes are put back by identity; a list, dict or set that an attribute holds gets its former
    items back too, a plain tensor its values. For those of parameters and buffers, see
    `values_as_found`.
    """
    attributes = [(module, _snapshot(vars(module))) for module in model.modules()]
    generators = _random_states()
    fast_path = torch.backends.mha.get_fastpath_enabled()
    here = os.getcwd()
    try:
        yield
    finally:
        os.chdir(here)
        for module, snapshot in attributes:
            _restore(vars(module), snapshot)
        for put_back in generators:
            put_back()
        torch.backends.mha.set_fastpath_enabled(fast_path)


@contextmanager
def values_as_found(model: nn.Module, inputs: Sequence[Any]) -> Iterator[None]:
    """Put back the values of all parameters, buffers and input tensors; costs a copy of each."""
    tensors = [*model.parameters(), *model.buffers()]
    tensors += [leaf for leaf in inputs if isinstance(leaf, torch.Tensor)]
    copies = [(tensor, tensor.detach().clone()) for tensor in tensors if _is_watched(tensor)]
    try:
        yield
    finally:
        for tensor, copy in copies:
            _put_back(tensor, copy)


class Written:
    """Parameters and buffers of a model that its forward writes to, and what they held before."""

    def __init__(self, model: nn.Module) -> None:
        held = [*model.parameters(), *model.buffers()]
        self._places = {_place(tensor) for tensor in held if _is_watched(tensor)}
        self._before: list[tuple[torch.Tensor, torch.Tensor]] = []

    def watch(self, tensors: Iterable[torch.Tensor]) -> None:
        """Keep what some tensors hold that are about to be written to."""
        for tensor in tensors:
            if _is_watched(tensor) and _place(tensor) in self._places:
                self._before.append((tensor.detach(), tensor.detach().clone()))

    def put_back(self) -> None:
        """Undo all that was written."""
        with torch.no_grad():
            while self._before:
                tensor, copy = self._before.pop()
                tensor.copy_(copy)


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def move_to_meta(model: nn.Module) -> None:
    """Swap every parameter and buffer for a twin without memory; only inside `left_as_found`.

    Shared tensors get one shared twin, so that what is tied stays tied.
    """
    twins: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name, tensor in held.items():
                if tensor is not None:
                    if id(tensor) not in twins:
                        twins[id(tensor)] = meta_twin(tensor)
                    held[name] = twins[id(tensor)]  # type: ignore[assignment]


def bodiless(value: Any) -> Any:
    """Drop the data of numbers; keep that of words, masks and lengths, which steer a forward."""

    def twin(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        if leaf.is_floating_point() or leaf.is_complex():
            return meta_twin(leaf)
        return leaf.clone()  # the forward may write into it

    return tree_map(twin, value)


def meta_twin(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the same shape, strides and number type that holds no memory."""
    if tensor.is_meta:
        return tensor
    twin = torch.empty_strided(
        tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta", requires_grad=False
    )
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin


def _snapshot(attributes: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (value, _contents(value)) for name, value in attributes.items()}


def _contents(value: Any) -> Any:
    if type(value) in _CONTAINERS:
        return value.copy()
    if _is_watched(value):
        return value.detach().clone()
    return None


def _is_watched(value: Any) -> bool:
    """Whether it is an ordinary tensor with data: others may not like to be copied or compared."""
    ordinary = type(value) in (torch.Tensor, nn.Parameter, nn.Buffer)
    return ordinary and value.layout is torch.strided and not value.is_meta


def _put_back(tensor: torch.Tensor, copy: torch.Tensor) -> None:
    # Only where it changed: writing would tell autograd that the tensor was modified.
    if not torch.equal(tensor, copy):
        with torch.no_grad():
            tensor.copy_(copy)


def _restore(attributes: dict[str, Any], snapshot: dict[str, tuple[Any, Any]]) -> None:
    for name in attributes.keys() - snapshot.keys():
        del attributes[name]
    for name, (value, items) in snapshot.items():
        attributes[name] = value
        if isinstance(items, torch.Tensor):
            _put_back(value, items)
        elif items is not None and not _same_items(value, items):
            value.clear()
            (value.update if isinstance(value, dict | set) else value.extend)(items)


def _same_items(now: Any, before: Any) -> bool:
    # By identity: comparing tensors by value would be slow, and ambiguous.
    if len(now) != len(before):
        return False
    if isinstance(now, dict):
        return all(a is b and now[a] is before[b] for a, b in zip(now, before, strict=True))
    return all(a is b for a, b in zip(now, before, strict=True))


def _random_states() -> list[Callable[[], object]]:
    cpu, python = torch.get_rng_state(), random.getstate()
    states: list[Callable[[], object]] = [
        lambda: torch.set_rng_state(cpu),
        lambda: random.setstate(python),
    ]
    if torch.cuda.is_initialized():
        devices = torch.cuda.get_rng_state_all()
        states.append(lambda: torch.cuda.set_rng_state_all(devices))
    return states
