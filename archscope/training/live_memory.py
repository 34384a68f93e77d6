"""Follows which memory is alive while a training step runs, operator by operator."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archscope.records import frozen
from archscope.running.higher_order import derived, kernel_of, sees_functions
from archscope.running.storages import storages_of
from archscope.running.twin import is_fake

Phase = Literal["forward", "backward", "optimiser"]
_DEVICE = torch.ops.prim.device.default
"""Asks for the device of a tensor, through all modes."""


@frozen
class Change:
    """Memory that was made or given back."""

    phase: Phase
    """The part of the step."""
    path: str
    """The module at work."""
    bytes: int
    """How much; below 0 where it was given back."""
    block: int = -1
    """Which block of memory it is, counted from 0 as they are made; -1: one without a number."""


@sees_functions
class Alive(TorchDispatchMode):
    """Notes each block of memory as an operator makes it, and again when nothing holds it.

    What was there before the step is told by `before` and never noted. What a kernel takes for
    itself and gives back within one operator is not seen.
    """

    def __init__(self, place: Callable[[], str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._place = place
        self._phase: Phase = "forward"
        self._known: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._count = 0
        self._given_back: list[tuple[int, int]] | None = None
        self.changes: list[Change] = []
        """In the order in which they came."""
        self.made_in: dict[int, str] = {}
        """Path of the module that made a block of memory that is alive, by its key."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def before(self, tensors: Iterable[Tensor]) -> None:
        """Tell of memory that is there before the step."""
        for storage in storages_of(tensors):
            self._known.setdefault(storage._cdata, storage)

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Within it, what is noted belongs to this part of the step."""
        self._phase = phase
        with self:
            yield

    @contextmanager
    def with_random_states(self) -> Iterator[None]:
        """Within it, states of random numbers count: torch's checkpoints keep one, on the host.

        A generator hands it out past all operators, so that no mode sees it.
        """
        found, thread = torch.get_rng_state, threading.get_ident()

        def seen() -> Tensor:
            state = found()
            if threading.get_ident() == thread:
                self._meet(state)
            return state

        torch.get_rng_state = seen
        try:
            yield
        finally:
            torch.get_rng_state = found

    def number(self, tensor: Tensor) -> int | None:
        """Return the number of the block of memory of a tensor; None: it was there before."""
        return self._numbers.get(tensor.untyped_storage()._cdata)

    def has_more_than(self, numbers: Iterable[int]) -> bool:
        """Return whether more is alive of what the step made than these blocks of memory."""
        return not set(self._numbers.values()) <= set(numbers)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is _DEVICE and is_fake(args[0]) and not args[0].fake_mode.in_kernel_invocation:
            return args[0].fake_device  # autograd asks more often than it runs anything
        if any(hasattr(kind, "__tensor_flatten__") for kind in types):
            return NotImplemented  # a class that runs operators of its own on what it holds
        kernel = kernel_of(func)
        if kernel is not None:
            return derived(kernel, self, args, kwargs or {})
        self._given_back = []
        try:
            result = func(*args, **(kwargs or {}))
            self._meet_all(result)
        finally:  # what writes to a sparse tensor makes its new parts before the old ones go
            later, self._given_back = self._given_back, None
            for size, number in later:
                self._note(self._place(), -size, number)
        return result

    def _meet_all(self, result: Any) -> None:
        for leaf in (result,) if isinstance(result, Tensor) else tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._meet(leaf)

    def _meet(self, tensor: Tensor) -> None:
        for storage in storages_of((tensor,)):
            self._meet_storage(storage)

    def _meet_storage(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:
            return
        size, path, number = storage.nbytes(), self._place(), self._count
        self._count += 1

        def gone(_: object) -> None:
            del self._known[key], self._numbers[key]
            self.made_in.pop(key, None)
            if self._given_back is None:
                self._note(self._place(), -size, number)
            else:
                self._given_back.append((size, number))

        self._known[key] = weakref.ref(storage, gone)
        self._numbers[key] = number
        self.made_in[key] = path
        self._note(path, size, number)

    def _note(self, path: str, size: int, number: int) -> None:
        if size:
            self.changes.append(Change(phase=self._phase, path=path, bytes=size, block=number))
