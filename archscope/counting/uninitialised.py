"""Memory that was made without values, or of one, until something that torch's dispatcher saw
writes to it.

Where nothing seen did and it is read all the same, something out of sight has filled it: NumPy, an
extension, a kernel of one's own. What that computed is unknown.
"""

from __future__ import annotations

import ctypes
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
_DESTINATIONS = frozenset(
    (
        *("aten::copy", "aten::fill", "aten::zero", "aten::_foreach_copy", "aten::_foreach_zero"),
        *("aten::index_copy", "aten::index_fill", "aten::index_put", "aten::_index_put_impl"),
        *("aten::_unsafe_index_put", "aten::put", "aten::scatter", "aten::masked_scatter"),
        *("aten::slice_scatter", "aten::select_scatter", "aten::diagonal_scatter"),
        "aten::as_strided_scatter",
    )
)
"""Operators that write over their first operand, or a part of it, in place or in a copy of it."""
_DRAWS_IN_PLACE = frozenset(f"{name}_" for name in _DRAWS | {"aten::normal", "aten::bernoulli"})


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
        self._uniform: dict[int, object] = {}
        self._outside: set[int] = set()
        """Of that, what something out of sight fills, or has: a write to a part leaves the rest."""
        self.found: dict[str, Unseen] = {}
        """What was read though nothing seen had written it, by the path of the module."""

    def __bool__(self) -> bool:
        return bool(self._made or self._uniform)

    def uniform(self, tensors: Iterable[Tensor]) -> None:
        """Note memory that has one value throughout, as zeros: where it is read with several, and
        nothing seen wrote to it, something out of sight did.
        """
        for tensor in tensors:
            if (
                type(tensor) is Tensor
                and tensor.layout is torch.strided
                and tensor.device.type == "cpu"
                and tensor.is_floating_point()
            ):
                self._uniform[memory_of(tensor)] = _kept_name(tensor)

    def made(self, tensors: Iterable[Tensor]) -> None:
        """Note memory without values, or of values that came from outside."""
        for tensor in tensors:
            if type(tensor) is Tensor and tensor.layout is torch.strided:
                self._made[memory_of(tensor)] = StorageWeakRef(tensor.untyped_storage())
                self._outside.discard(memory_of(tensor))

    def handed_out(self, tensors: Iterable[Tensor]) -> None:
        """Note tensors whose memory something out of sight may fill from now on."""
        self._outside.update({memory_of(tensor) for tensor in tensors} & self._made.keys())

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
        lifted = [t for t in tensors if not t.is_meta and (_is_array(t) or (listed and _many(t)))]
        self.made(lifted)
        self.handed_out(lifted)

    def met(self, func: Any, args: Any, kwargs: Any, inputs: list[Tensor], path: str) -> None:
        """Note what an operator wrote, and what it read."""
        name = func._schema.name if hasattr(func, "_schema") else ""
        if name in _RESIZES or torch.Tag.inplace_view in getattr(func, "tags", ()):
            return
        written = _written(func, args, kwargs) if name else []
        for tensor in written:
            self._uniform.pop(memory_of(tensor), None)
        ignored = args[0] if args and _is_unread(func, name, kwargs) else None
        in_place = name.startswith("aten::") and name.endswith("_") and ignored is None
        if in_place and args and isinstance(args[0], Tensor):
            self.read(args[:1], path)  # worked on as it is found
        for tensor in written:
            if memory_of(tensor) not in self._outside or _is_whole(tensor):
                self._made.pop(memory_of(tensor), None)
        if name not in FACTORIES and not getattr(func, "is_view", False):
            self.read((tensor for tensor in inputs if tensor is not ignored), path)

    def returned(self, value: Any, path: str) -> None:
        """Note what a module returned."""
        if self:
            self.read(tensors_in(value), path)

    def read(self, tensors: Iterable[Tensor], path: str) -> None:
        """Note tensors whose values are used in a module."""
        for tensor in tensors:
            if not tensor.numel():
                continue
            memory = memory_of(tensor)
            was_uniform = self._uniform.pop(memory, None) is not None
            if self._made.pop(memory, None) is not None or (
                was_uniform and not _is_uniform(tensor)
            ):
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


def _is_unread(func: Any, name: str, kwargs: Any) -> bool:
    """Return whether the result of an operator has none of the values of its first argument."""
    if name.removesuffix("_") in _DESTINATIONS or name in _DRAWS or name in _DRAWS_IN_PLACE:
        return True
    by_argument = name == "aten::bernoulli" and func._overloadname != "default"  # p or Tensor
    # beta = 0: what is added is not looked at; without itself: a reduction begins anew
    return by_argument or kwargs.get("beta", 1) == 0 or not kwargs.get("include_self", True)


def _is_array(tensor: Tensor) -> bool:
    return not tensor.untyped_storage().resizable()


def _is_whole(tensor: Tensor) -> bool:
    """Return whether a tensor, which is written to, is all that its memory holds."""
    return tensor.numel() * tensor.element_size() >= tensor.untyped_storage().nbytes()


_LARGEST_LOOKED_AT = 2**26
"""Bytes of the largest memory that is looked through for a second value."""


def _is_uniform(tensor: Tensor) -> bool:
    """Return whether memory has one value throughout; no operator of torch is run for it."""
    storage, size = tensor.untyped_storage(), tensor.element_size()
    if not storage.data_ptr() or storage.nbytes() > _LARGEST_LOOKED_AT:
        return True
    held = ctypes.string_at(storage.data_ptr(), storage.nbytes())
    return held == held[:size] * (len(held) // size)


def _many(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.numel() > 1
