"""Which memory holds values that are not known, and how much holds some."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import is_lazy
from torch.utils.weak import WeakIdKeyDictionary

from archscope.running.twin import bodiless

T = TypeVar("T")

MOST_BYTES = 1 << 28
"""Bytes of all constants together; later ones have no values."""
_SMALL = 1 << 12
"""Bytes of a constant for which it is not asked how many there are."""


class Memory:
    """Which memory holds values that are not known."""

    def __init__(self) -> None:
        # A weak reference keeps the name of the memory from being given to another.
        self._unknown: dict[int, tuple[StorageWeakRef, Tensor | None]] = {}
        """Memory by its name, and which of its elements have been written to since."""
        self._weights: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}
        """Memory of constants by its name, and its bytes."""
        self.is_own = False
        """Whether what runs is no code of the user's."""

    def apart(self, step: Callable[[], T]) -> T:
        """Run a step that is no code of the user's."""
        before, self.is_own = self.is_own, True
        try:
            return step()
        finally:
            self.is_own = before

    def without_values(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the same kind without values."""
        return self.apart(lambda: bodiless(tensor))

    def weight(self, parameter: nn.Parameter) -> nn.Parameter:
        """Return a parameter without values; one that is not trained keeps those it has."""
        if is_lazy(parameter) or parameter.is_meta:
            return parameter
        if not parameter.requires_grad and self.is_known(parameter):
            return parameter
        made: Any = self._weights.get(parameter)
        if made is None:
            made = self.without_values(parameter)
            vars(made).update(vars(parameter))
            self._weights[parameter] = made
        return made  # type: ignore[no-any-return]

    def is_known(self, tensor: Tensor) -> bool:
        """Return whether a tensor has values, and these are its own."""
        if tensor.is_meta:
            return False
        return not self._unknown or _name_of(tensor) not in self._unknown

    def forget(self, tensor: Tensor) -> None:
        """Note that what a tensor's memory holds is not known."""
        if not tensor.is_meta and tensor.layout is torch.strided:
            reference = StorageWeakRef(tensor.untyped_storage())
            self._unknown[_name_of(tensor)] = (reference, None)

    def write(self, tensor: Tensor) -> None:
        """Note that a tensor, which may be a part of its memory, was given values."""
        name = _name_of(tensor)
        if name not in self._unknown:
            return
        size = tensor.untyped_storage().nbytes() // max(tensor.element_size(), 1)
        if tensor.numel() == size and tensor.is_contiguous():
            del self._unknown[name]
            return
        reference, written = self._unknown[name]
        written = torch.zeros(size, dtype=torch.bool) if written is None else written
        written.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset()).fill_(True)
        self._unknown[name] = (reference, written)
        if bool(written.all()):
            del self._unknown[name]

    def holds(self, tensors: Iterable[Tensor], *, counts: bool) -> None:
        """Note what was made; memory that nothing has written to takes none."""
        for tensor in tensors:
            if not tensor.is_meta and tensor.layout is torch.strided:
                storage = tensor.untyped_storage()
                size = storage.nbytes() if counts else 0
                self._held[_name_of(tensor)] = (StorageWeakRef(storage), size)

    def require_made_here(self, tensor: Tensor) -> None:
        """Raise where a tensor was there before: what is to be written to it is not known."""
        if not tensor.is_meta and _name_of(tensor) not in self._held:
            raise RuntimeError("what is made of weights, without values, is written to a tensor")

    def is_full(self, more: int) -> bool:
        """Return whether constants would be too many with so many bytes more."""
        if more <= _SMALL:
            return False
        self._held = {name: one for name, one in self._held.items() if not one[0].expired()}
        return sum(size for _, size in self._held.values()) + more > MOST_BYTES


def _name_of(tensor: Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # a sparse tensor has several
        return id(tensor)
