"""The longest path through a network in layers, followed from tensor to tensor while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from archscope.counting.uninitialised import memory_of
from archscope.running.module_stack import tensors_in


@dataclass(frozen=True, slots=True)
class PathLength:
    """The longest chain of layers from any input to a tensor."""

    weighted: int = 0
    """Operators that apply weights of their own."""
    last_weight: int = 0
    """The weight that was applied last, so that a recurrence counts once."""
    nonlinear: int = 0
    """Activation functions and softmaxes."""


class PathLengths:
    """The longest path to each tensor; `repeats` says how many a block stands for, by path."""

    def __init__(self, model: nn.Module, repeats: Mapping[str, int]) -> None:
        self._repeats = repeats
        self._of: dict[int, PathLength] = {}
        self._entered: dict[str, PathLength] = {}
        self._recurrent = {
            path: module.num_layers
            for path, module in model.named_modules()
            if isinstance(module, nn.RNNBase)
        }

    def through(self, sources: Sequence[int], weight: int | None, *, nonlinear: bool) -> PathLength:
        """Return the longest path through an operator on some memory that applies a weight."""
        longest = _longest([self._of[key] for key in sources if key in self._of])
        if weight is not None and weight != longest.last_weight:
            longest = PathLength(longest.weighted + 1, weight, longest.nonlinear)
        if nonlinear:
            longest = PathLength(longest.weighted, longest.last_weight, longest.nonlinear + 1)
        return longest

    def set(self, memory: int, length: PathLength) -> None:
        """Note the longest path to some memory."""
        self._of[memory] = length

    def enter(self, path: str, args: Any) -> None:
        """Note what goes into a block that repeats, or a recurrent layer."""
        if path in self._repeats or path in self._recurrent:
            self._entered[path] = self.longest_of(args)

    def exit(self, path: str, output: Any) -> None:
        """Stretch the path through such a module."""
        if path in self._repeats:
            self._stretch(output, self._entered[path], self._repeats[path])
        elif path in self._recurrent:
            # A recurrent layer counts once, however many steps it takes.
            before, layers = self._entered[path], self._recurrent[path]
            length = PathLength(before.weighted + layers, 0, before.nonlinear + layers)
            for tensor in tensors_in(output):
                self._of[memory_of(tensor)] = length

    def _stretch(self, output: Any, before: PathLength, times: int) -> None:
        for tensor in tensors_in(output):
            after = self._of.get(memory_of(tensor), before)
            self._of[memory_of(tensor)] = PathLength(
                before.weighted + times * (after.weighted - before.weighted),
                after.last_weight,
                before.nonlinear + times * (after.nonlinear - before.nonlinear),
            )

    def longest_of(self, value: Any) -> PathLength:
        """Return the longest path to any tensor in a value."""
        keys = (memory_of(tensor) for tensor in tensors_in(value))
        return _longest([self._of[key] for key in keys if key in self._of])


def _longest(lengths: list[PathLength]) -> PathLength:
    if not lengths:
        return PathLength()
    if len(lengths) == 1:
        return lengths[0]
    top = max(lengths, key=lambda length: length.weighted)
    return PathLength(top.weighted, top.last_weight, max(length.nonlinear for length in lengths))
