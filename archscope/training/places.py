"""Which module a step of the backward pass belongs to: the one whose forward asked for it."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils import checkpoint

from archscope.running.module_stack import ModuleStack, tensors_in
from archscope.running.storages import keys_of
from archscope.running.switches import TELLS_HOOKS, hooks_on_top

_UNNUMBERED = 2**63
"""Nodes that add up gradients have no number of their own; theirs is at least this."""


class Handed(NamedTuple):
    """What one block hands on to the next."""

    path: str
    """The block that returns it, or is called with it."""
    place: int
    """Its place among the tensors that it returns, or is called with."""


class _Given(NamedTuple):
    """What is remembered of a tensor, without its memory."""

    keys: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: torch.dtype
    trains: bool

    @classmethod
    def of(cls, tensor: Tensor) -> _Given:
        """Return what is remembered of a tensor."""
        keys = tuple(keys_of((tensor,)))
        return cls(keys, tuple(tensor.shape), tensor.dtype, tensor.requires_grad)

    def is_like(self, other: _Given) -> bool:
        """Return whether one could stand in the other's place."""
        return (self.shape, self.dtype) == (other.shape, other.dtype)


class Places:
    """Follows a forward pass, and then knows where each node of its graph was made.

    torch numbers the nodes of a graph in the order in which they are made; what is noted is from
    which number on which module was running.
    """

    def __init__(self, model: nn.Module, blocks: Iterable[str] = ()) -> None:
        self.turned = False
        """Whether the forward has ended; within it gradients may be asked for too."""
        self.handed_on: dict[int, Handed] = {}
        """Keys of the memory of what each of the `blocks` got of the one before: what it was called
        with first, and what stands where it returns the like, if it returns several."""
        self.hands_on: dict[int, Handed] = {}
        """Keys of the memory of what each of them returned."""
        self.unlike: set[str] = set()
        """Those of them whose first copy is unlike the next: it needs no gradient, they do; or it
        is called with one thing twice, which they are not."""
        self.without_gradients: str | None = None
        """The first module that is run with gradients off, None where none is."""
        self._blocks = frozenset(blocks)
        self.stack = ModuleStack(model, on_enter=self._entered, on_exit=self._left)
        """Which module is running; to be entered with the forward."""
        self._given: dict[str, list[_Given]] = {}
        self._around: list[str] = []
        self._numbers: list[int] = []
        self._paths: list[str] = []
        self._last = ""

    def _entered(self, path: str, args: Any) -> None:
        self._around.append(path)
        self._note(path)
        if self.without_gradients is None and not torch.is_grad_enabled():
            self.without_gradients = path
        if path not in self._blocks:
            return
        self._given[path] = given = [_Given.of(tensor) for tensor in tensors_in(args)]
        for first in given[:1]:
            self.handed_on.update(dict.fromkeys(first.keys, Handed(path, 0)))
            if not first.trains:
                self.unlike.add(path)

    def _left(self, path: str, output: Any) -> None:
        while self._around and self._around.pop() != path:
            pass  # a forward that caught an error left its inner modules behind
        self._note(self._around[-1] if self._around else "")
        if path in self._blocks:
            self._hand_on(path, [_Given.of(tensor) for tensor in tensors_in(output)])
        if path in self.unlike and not any(each.requires_grad for each in tensors_in(output)):
            self.unlike.discard(path)  # nothing trains in it: the next one needs none either

    def _hand_on(self, path: str, returned: list[_Given]) -> None:
        for place, (given, own) in enumerate(zip(self._given[path], returned, strict=False)):
            if place and own.trains and own.is_like(given) and own.keys != given.keys:
                self.handed_on.update(dict.fromkeys(given.keys, Handed(path, place)))
                if not given.trains or given.keys == self._given[path][0].keys:
                    self.unlike.add(path)
        for place, own in enumerate(returned):
            self.hands_on.update(dict.fromkeys(own.keys, Handed(path, place)))

    def _note(self, path: str) -> None:
        self._numbers.append(int(torch.autograd._get_sequence_nr()))  # type: ignore[attr-defined]
        self._paths.append(path)

    def current(self) -> str:
        """Return the path of the module whose forward, or part of the backward, is running."""
        node: Any = torch._C._current_autograd_node()
        if node is None or not self.turned or (self._around and runs_again()):
            return self.stack.current
        self._around.clear()  # running a block again ends in the middle, where all is there
        self.stack.forget()
        number = node._sequence_nr()
        if number < _UNNUMBERED:
            at = bisect_right(self._numbers, number) - 1
            self._last = self._paths[at] if at >= 0 else ""
        return self._last


def runs_again() -> bool:
    """Return whether a forward is running within a backward pass.

    Gradients are on then; where a part of it turns them off, torch's checkpoints are known by the
    hooks that they set around it, or by the node of the older ones.
    """
    if torch.is_grad_enabled() or hooks_on_top(False) is not None or _is_unpacked():
        return True
    node: Any = torch._C._current_autograd_node()
    return node is not None and node.name() == "CheckpointFunctionBackward"


def _is_unpacked() -> bool:
    """Return whether older torch, which tells no hooks, is asking a checkpoint for what it kept."""
    frame = None if TELLS_HOOKS else sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_name == "unpack_hook" and code.co_filename == checkpoint.__file__:
            return True
        frame = frame.f_back
    return False
