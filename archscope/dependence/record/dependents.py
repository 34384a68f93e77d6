"""Which tensors of a forward depend on the studied input, where no more is asked than their shapes.

A tensor does whose memory was given something that does; `aliases` follows elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from archscope.dependence.record.aliases import results_of, written_by
from archscope.dependence.record.graph import Shape, Value


class Dependents:
    """The tensors of one forward pass that depend on the studied input, by their memory."""

    def __init__(self, fresh: Callable[[Shape], Value]) -> None:
        self._fresh = fresh
        self._of: dict[int, tuple[Any, Value]] = {}

    def add(self, tensor: Tensor, value: Value) -> None:
        """Say that a fresh tensor is a value."""
        memory, name = _memory_of(tensor)
        self._of[name] = memory, value

    def is_known(self, tensor: Tensor) -> bool:
        """Return whether a tensor was met before."""
        return self.is_dependent(tensor)

    def is_dependent(self, tensor: Tensor) -> bool:
        """Return whether a tensor depends on the studied input."""
        return _memory_of(tensor)[1] in self._of

    def value(self, tensor: Tensor) -> Value | None:
        """Return what a tensor is now; None for a constant."""
        found = self.base_value(tensor)
        shape = tuple(tensor.shape)
        return found if found is None or found.shape == shape else self._fresh(shape)

    def base_value(self, tensor: Tensor) -> Value | None:
        """Return what its memory was first given."""
        found = self._of.get(_memory_of(tensor)[1])
        return None if found is None else found[1]

    def record_constant(self, func: Any, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Nothing is to be remembered of constants."""

    def record(self, func: Any, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Note what an operator made of a value, and what it wrote to."""
        for tensor in (*results_of(func, out), *written_by(func, args, kwargs)):
            if isinstance(tensor, Tensor) and not self.is_dependent(tensor):
                self.add(tensor, self._fresh(tuple(tensor.shape)))


def _memory_of(tensor: Tensor) -> tuple[Any, int]:
    """Return what a tensor lies in, and a number that is its own while it is kept alive."""
    try:
        storage = tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):  # a sparse tensor has several
        return tensor, id(tensor)
    return storage, int(storage._cdata)
