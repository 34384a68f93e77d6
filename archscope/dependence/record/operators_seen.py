"""Knows whether all that a forward does on shapes alone is done by operators that were seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from torch import Tensor, nn, strided
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.aliases import Aliases
from archscope.dependence.record.dependents import Dependents
from archscope.running.module_stack import ModuleStack, tensors_in, unwrapped
from archscope.running.threads import failures_of_threads

_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
"""Attributes that hold weights, buffers, modules and hooks, and tell nothing more."""


class OutOfSightError(Exception):
    """A forward on shapes alone does what no operator shows: only numbers tell what comes of it."""

    def __str__(self) -> str:
        return "numbers of the input go where no operator is seen: a thread, a pickle, an address"


class Sight:
    """The tensors without data of one forward pass whose making was seen."""

    def __init__(
        self,
        model: nn.Module,
        stack: ModuleStack,
        aliases: Aliases | Dependents,
        *,
        has_data: bool,
    ) -> None:
        self._model, self._stack, self._aliases = model, stack, aliases
        self._has_data = has_data
        self._met: dict[int, StorageWeakRef] = {}
        self.is_lost = False
        """Whether something went where nothing is seen, though the forward may have caught that."""

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Raise where, of a run on shapes, something was done that no operator showed."""
        if self._has_data:
            yield
            return
        held = [self._model.parameters(), self._model.buffers()]
        attributes = [tensors_in(_attributes(module)) for module in self._model.modules()]
        self.meet([*chain(*held, *attributes)])
        with failures_of_threads() as failures:
            yield
        if failures or self._stack.elsewhere or self.is_lost:
            raise OutOfSightError

    def meet(self, tensors: Iterable[Any]) -> None:
        """Note constants without data whose making was seen."""
        for tensor in tensors:
            if isinstance(tensor, Tensor) and tensor.is_meta and tensor.layout is strided:
                storage = tensor.untyped_storage()
                self._met[storage._cdata] = StorageWeakRef(storage)

    def is_strange(self, tensor: Tensor) -> bool:
        """Return whether a tensor without data came up that nothing seen has made."""
        if self._has_data or not tensor.is_meta or tensor.layout is not strided:
            return False  # a sparse tensor has several pieces of memory
        if self._aliases.is_known(tensor):
            return False
        met = self._met.get(tensor.untyped_storage()._cdata)
        return met is None or met.expired()

    def holds_values(self, given: Any) -> bool:
        """Return whether tensors of a class of their own hold any that depend on the input."""
        wrappers = [one for one in tree_leaves(given) if isinstance(one, Tensor)]
        return any(
            self._aliases.is_dependent(inner)
            for one in wrappers
            for inner in unwrapped(one)
            if inner is not one
        )

    def lose(self) -> OutOfSightError:
        """Note that something is done out of sight, and return the error to raise."""
        self.is_lost = True
        return OutOfSightError()


def _attributes(module: nn.Module) -> list[Any]:
    """Return what a module holds beside its weights, buffers and modules."""
    return [one for name, one in vars(module).items() if name not in _OF_EVERY_MODULE]


def tensors_of(value: Any) -> list[Tensor]:
    """Return the tensors in a value, and of those of a class of their own what they hold."""
    return [inner for tensor in tensors_in(value) for inner in unwrapped(tensor)]
