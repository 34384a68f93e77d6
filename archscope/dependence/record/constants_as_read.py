"""Constants as nodes read them: what is written into one later changes no node before."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from torch import Tensor

from archscope.running.storages import keys_of


class AsRead:
    """Where nodes hold constants that have values, by the memory in which these are."""

    def __init__(self) -> None:
        self._places: dict[int, list[tuple[Any, Any]]] = {}

    def hold(self, arguments: dict[str, Any]) -> None:
        """Note the constants among a node's arguments, which are lists where there are several."""
        for key, value in arguments.items():
            self._hold(arguments, key, value)

    def _hold(self, owner: Any, key: Any, value: Any) -> None:
        if isinstance(value, list):
            for place, one in enumerate(value):
                self._hold(value, place, one)
        elif isinstance(value, Tensor) and not value.is_meta:
            for memory in _memory_of(value):
                self._places.setdefault(memory, []).append((owner, key))

    def before_writing(self, tensors: Iterable[Tensor]) -> None:
        """Give nodes a copy of what is about to be written to; each of one tensor has the same."""
        for memory in chain.from_iterable(map(_memory_of, tensors)):
            copies: dict[int, Tensor] = {}
            for owner, key in self._places.pop(memory, ()):
                held = owner[key]
                owner[key] = copies.setdefault(id(held), held.detach().clone())


def _memory_of(tensor: Tensor) -> tuple[int, ...]:
    """Return the keys of the memory of a tensor; none of a class without memory of its own."""
    try:
        return tuple(keys_of((tensor,)))
    except (NotImplementedError, RuntimeError):
        return ()
