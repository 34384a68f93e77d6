"""Memory that was made without values, until something that torch's dispatcher saw writes to it.

Where nothing seen did and it is read all the same, something out of sight has filled it: NumPy, an
extension, a kernel of one's own. What that computed is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from archscope.counting.operators import FACTORIES
from archscope.running.module_stack import tensors_in

_RESIZES = frozenset(("aten::resize_", "aten::resize_as_", "aten::set_"))
_DRAWS = frozenset(
    (
        *("aten::uniform", "aten::random", "aten::exponential", "aten::geometric"),
        *("aten::cauchy", "aten::log_normal", "aten::normal_functional"),
    )
)
"""Operators that return random numbers in place of their operand's; `torch.vmap` asks for these."""


def memory_of(tensor: Tensor) -> int:
    """Return a name of a tensor's memory; views share it, and meta tensors have one too."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # a sparse tensor has several, oneDNN's none
        return id(tensor)


def kept_names(tensors: Iterable[Tensor]) -> list[object]:
    """Return what keeps the names of tensors' memory from being given to other memory.

    A forward that replaces its weights, as one that is fused anew each time, gives theirs up.
    """
    return [_kept_name(tensor) for tensor in tensors]


def _kept_name(tensor: Tensor) -> object:
    try:
        return StorageWeakRef(tensor.untyped_storage())  # holds the name alone, not the memory
    except (NotImplementedError, RuntimeError):
        return tensor


@dataclass(slots=True)
class Unseen:
    """Results in one module that nothing seen has written."""

    calls: int = 0
    elements: int = 0


class Unwritten:
    """Follows memory without values through one forward pass."""

    def __init__(self) -> None:
        # A weak reference keeps the name of the memory from being given to another.
        self._made: dict[int, StorageWeakRef] = {}
        self.found: dict[str, Unseen] = {}
        """What was read though nothing seen had written it, by the path of the module."""

    def __bool__(self) -> bool:
        return bool(self._made)

    def made(self, tensors: Iterable[Tensor]) -> None:
        """Note memory without values, or of values that came from outside."""
        for tensor in tensors:
            if type(tensor) is Tensor and tensor.layout is torch.strided:
                self._made[memory_of(tensor)] = StorageWeakRef(tensor.untyped_storage())

    def names(self) -> frozenset[int]:
        """Return the names of all memory that nothing has written so far."""
        return frozenset(self._made)

    def known(self, tensors: Iterable[Tensor]) -> None:
        """Note results whose values are accounted for."""
        for tensor in tensors:
            self._made.pop(memory_of(tensor), None)

    def lifted(self, tensors: Iterable[Tensor], *, listed: bool) -> None:
        """Note what is a constant to torch, where its memory is not torch's own: an array. With
        `listed` also several numbers of a list, since those of a tensor were listed before.
        """
        self.made(t for t in tensors if not t.is_meta and (_is_array(t) or (listed and _many(t))))

    def met(self, func: Any, args: Any, kwargs: Any, inputs: list[Tensor], path: str) -> None:
        """Note what an operator wrote, and what it read."""
        name = func._schema.name if hasattr(func, "_schema") else ""
        written = _written(func, args, kwargs) if name and name not in _RESIZES else []
        for tensor in written:
            self._made.pop(memory_of(tensor), None)
        if name in FACTORIES or name in _RESIZES or getattr(func, "is_view", False):
            return
        # beta = 0: what is added is not looked at
        unread = kwargs.get("beta", 1) == 0 or _is_drawn(func, name)
        ignored = args[0] if args and unread else None
        self.read((tensor for tensor in inputs if tensor is not ignored), path)

    def returned(self, value: Any, path: str) -> None:
        """Note what a module returned."""
        if self._made:
            self.read(tensors_in(value), path)

    def read(self, tensors: Iterable[Tensor], path: str) -> None:
        """Note tensors whose values are used in a module."""
        for tensor in tensors:
            if tensor.numel() and self._made.pop(memory_of(tensor), None) is not None:
                unseen = self.found.setdefault(path, Unseen())
                unseen.calls += 1
                unseen.elements += tensor.numel()


def _written(func: Any, args: Any, kwargs: Any) -> list[Tensor]:
    if not func._schema.is_mutable:
        return []
    values: list[Any] = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given = args[place] if place < len(args) else kwargs.get(argument.name)
            values += given if isinstance(given, list | tuple) else [given]
    return [value for value in values if isinstance(value, Tensor)]


def _is_drawn(func: Any, name: str) -> bool:
    """Return whether an operator takes its first argument for its shape alone, and draws anew."""
    by_argument = name == "aten::bernoulli" and func._overloadname != "default"  # p or Tensor
    return name in _DRAWS or by_argument


def _is_array(tensor: Tensor) -> bool:
    return not tensor.untyped_storage().resizable()


def _many(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.numel() > 1
