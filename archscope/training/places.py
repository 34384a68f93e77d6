"""Which module a step of the backward pass belongs to: the one whose forward asked for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from archscope.running.module_stack import ModuleStack, tensors_in
from archscope.running.storages import keys_of

_UNNUMBERED = 2**63
"""Nodes that add up gradients have no number of their own; theirs is at least this."""


class Places:
    """Follows a forward pass, and then knows where each node of its graph was made.

    torch numbers the nodes of a graph in the order in which they are made; what is noted is from
    which number on which module was running.
    """

    def __init__(self, model: nn.Module, blocks: Iterable[str] = ()) -> None:
        self.turned = False
        """Whether the forward has ended; within it gradients may be asked for too."""
        self.handed_on: set[int] = set()
        """Keys of the memory of what each of the `blocks` was called with first."""
        self.hands_on: dict[int, str] = {}
        """Keys of the memory of what each of them returned, with its path."""
        self.unlike: set[str] = set()
        """Those of them whose first copy is unlike the next: it needs no gradient, they do."""
        self._blocks = frozenset(blocks)
        self.stack = ModuleStack(model, on_enter=self._entered, on_exit=self._left)
        """Which module is running; to be entered with the forward."""
        self._around: list[str] = []
        self._numbers: list[int] = []
        self._paths: list[str] = []
        self._last = ""

    def _entered(self, path: str, args: Any) -> None:
        self._around.append(path)
        self._note(path)
        first = next(iter(tensors_in(args)), None) if path in self._blocks else None
        if first is not None:
            self.handed_on.update(keys_of((first,)))
            if not first.requires_grad:
                self.unlike.add(path)

    def _left(self, path: str, output: Any) -> None:
        while self._around and self._around.pop() != path:
            pass  # a forward that caught an error left its inner modules behind
        self._note(self._around[-1] if self._around else "")
        if path in self._blocks:
            self.hands_on.update(dict.fromkeys(keys_of(tensors_in(output)), path))
        if path in self.unlike and not any(each.requires_grad for each in tensors_in(output)):
            self.unlike.discard(path)  # nothing trains in it: the next one needs none either

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
    if torch.is_grad_enabled() or _hooks_on_top(False) is not None:
        return True
    node: Any = torch._C._current_autograd_node()
    return node is not None and node.name() == "CheckpointFunctionBackward"


_hooks_on_top: Any = getattr(
    torch._C._autograd, "_top_saved_tensors_default_hooks", lambda ignore_tracing: None
)
"""What torch keeps tensors by at the moment; older torch does not tell."""
