"""Leaves a module as it was found: mode, hooks, attributes, weights, buffers, random numbers.

For what is run again and again from one state, and for the user's own network where only itself
will do: its forward may set attributes, append to lists, update running statistics, draw random
numbers, or raise half-way. Everything is put back, also after an error.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter as preserving_version
from torch.utils._pytree import tree_leaves

from archscope.errors import ArchscopeError
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.process import random_as_found
from archscope.subject import Inputs

_CONTAINERS = (dict, OrderedDict, defaultdict, list, set, deque)
"""Exact types whose items are put back; a subclass may not like to be copied."""


@contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Put back every attribute of every submodule, and every random generator.

    Attributes are put back by identity; a list, dict or set that an attribute holds gets its former
    items back too, a plain tensor its values and version. For those of parameters and buffers, see
    `in_place`.
    """
    attributes = [(module, _snapshot(vars(module))) for module in model.modules()]
    put_back_chance = random_as_found()
    fast_path = torch.backends.mha.get_fastpath_enabled()
    try:
        yield
    finally:
        for module, snapshot in attributes:
            _restore(vars(module), snapshot)
        put_back_chance()
        torch.backends.mha.set_fastpath_enabled(fast_path)


@contextmanager
def in_place(model: nn.Module, inputs: Inputs) -> Iterator[None]:
    """Let the user's own network run, and put back all of it; costs a copy of each tensor.

    Levels that each put back all stand around it, since an interrupt may end one. Raises
    `ArchscopeError` where a tensor is not as it was after all.
    """
    tensors = [*parameters_of(model), *buffers_of(model)]
    tensors += tree_leaves((inputs.args, dict(inputs.kwargs)))
    held = [_Held(tensor) for tensor in tensors if _is_watched(tensor)]
    with left_as_found(model), left_as_found(model), left_as_found(model):
        try:
            try:
                yield
            finally:
                _put_all_back(held)
        finally:
            _put_all_back(held)
    if not all(one.is_as_it_was() for one in held):
        raise ArchscopeError(
            f"{type(model).__name__} reaches itself from outside, so that no copy of it could be "
            "run, and a weight that its forward changes could not be put back"
        )


class _Held:
    """A tensor, and all that it was."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor
        self._data = tensor.detach()
        self._copy = tensor.detach().clone()
        self._version = None if tensor.is_inference() else preserving_version(tensor)
        self._trained = tensor.requires_grad

    def put_back(self) -> None:
        if self._tensor.data_ptr() != self._data.data_ptr():
            self._tensor.data = self._data
        _put_back(self._tensor, self._copy)
        if self._tensor.requires_grad != self._trained:
            if not self._tensor.is_leaf and not self._tensor._is_view():
                self._tensor.detach_()  # what was added in place came with a graph
            if self._tensor.is_leaf:
                self._tensor.requires_grad_(self._trained)
        if self._version is not None:
            self._version.__exit__(None, None, None)

    def is_as_it_was(self) -> bool:
        """Return whether place, values and version are as before."""
        same_place = self._tensor.data_ptr() == self._data.data_ptr()
        return same_place and torch.equal(self._tensor, self._copy)


def _put_all_back(held: Sequence[_Held]) -> None:
    for one in held:
        one.put_back()


def _snapshot(attributes: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (value, _contents(value)) for name, value in attributes.items()}


def _contents(value: Any) -> Any:
    if type(value) in _CONTAINERS:
        return value.copy()
    return _Held(value) if _is_watched(value) else None


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
        if isinstance(items, _Held):
            items.put_back()
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
