"""Tries other sizes of an input on shapes alone: which run, and how many outputs they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from torch import nn

from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.growth import Rerun
from archscope.dependence.answer.layers import Layer
from archscope.dependence.answer.resizing import resized
from archscope.dependence.record.argument_names import input_tensors
from archscope.dependence.record.capture import capture_shapes
from archscope.dependence.record.graph import Graph, Value
from archscope.dependence.record.recorder import LARGEST_CONSTANT
from archscope.garbage import uncollected
from archscope.subject import Inputs
from archscope.theory.input_sizes import TriedEnoughError

MOST_OPERATORS = 20_000
"""Operators, over all trials of one network, up to which sizes are tried."""
LARGEST_TRIED = 700
"""Operators of a network up to which it is run more than once, as a tile is: that of a larger one
takes a second and more."""


class Trials:
    """Runs of one network on inputs of other sizes, within a budget."""

    def __init__(self, model: nn.Module, inputs: Inputs, given: Examination, target: Layer) -> None:
        self._model, self._inputs, self._given, self._target = model, inputs, given, target
        self._each = max(given.graph.operators, 1)
        self._operators = self._each if self._each > LARGEST_TRIED else MOST_OPERATORS
        self._largest = given.graph.largest_constant, prod(given.sizes)
        self._together = False
        self._others = len(input_tensors(inputs)) > 1
        is_returned = target.value in given.graph.outputs.values()
        self._within = "" if is_returned else target.call.path

    @property
    def left(self) -> int:
        """How many sizes can be tried yet, if each takes as many operators as the given one."""
        return max(self._operators // self._each, 0)

    def why_untried(self, what: str) -> str:
        """Return why tiles, or sizes, were not tried, in words."""
        if self._given.graph.executed != "shapes":
            return f"it needs numbers to run, so that no {what} were tried"
        large = (
            "numbers that it makes itself would be too many" if self.left else "too many operators"
        )
        return f"{large} for {what} to be tried"

    def outputs(self, axes: Sequence[int], own: int) -> Callable[[int], int | None]:
        """Return what tries sizes along some axes of positions, all of them equal.

        It says how many units the chosen output then has along its axis `own`.
        """

        def tried(size: int) -> int | None:
            sizes = list(self._given.sizes)
            for axis in axes:
                sizes[axis] = size
            is_given = tuple(sizes) == self._given.sizes
            value = self._target.value if is_given else self._value(self._run(tuple(sizes)))
            return None if value is None or own >= len(value.shape) else value.shape[own] or None

        return tried

    def looked_at(self, sizes: tuple[int, ...]) -> Examination | None:
        """Look at an input of another size; None where it does not run or cannot be compared."""
        if not self.left or self._is_too_large(sizes):
            raise TriedEnoughError
        self._operators -= self._each
        rerun = Rerun(self._model, self._inputs, self._given, self._target.value)
        found = rerun.on(sizes, together=self._together)
        return found if isinstance(found, Examination) else None

    def _run(self, sizes: tuple[int, ...]) -> Graph:
        """Run on another size; where that needs other inputs of the same size, with these too."""
        found = self._captured(sizes, together=self._together)
        if found.failure is None or self._together or not self._others or not self.left:
            return found
        again = self._captured(sizes, together=True)
        self._together = again.failure is None
        return again if self._together else found

    def _captured(self, sizes: tuple[int, ...], *, together: bool) -> Graph:
        if self._given.graph.executed != "shapes" or not self.left or self._is_too_large(sizes):
            raise TriedEnoughError
        other = resized(self._inputs, self._given, sizes, together=together)
        with uncollected():  # a copy of a network makes many objects, and no circles of them
            graph = capture_shapes(self._model, other, (self._given.input,), within=self._within)
        self._operators -= max(graph.operators, 1)
        self._largest = max(self._largest, (graph.largest_constant, prod(sizes)))
        if isinstance(graph.failure, NotImplementedError):
            raise TriedEnoughError  # whether it runs hangs on numbers that are not there
        return graph

    def _is_too_large(self, sizes: tuple[int, ...]) -> bool:
        """Return whether a constant of the forward, such as a mask of pairs, may grow too large."""
        elements, positions = self._largest
        return elements * max(prod(sizes) / positions, 1) ** 2 > LARGEST_CONSTANT

    def _value(self, graph: Graph) -> Value | None:
        """Return the chosen output of another run; None where that did not come to its end."""
        if graph.failure is not None:
            return None
        call, mine = self._target.call, self._target.value
        for name, value in self._given.graph.outputs.items():
            if value == mine:
                return graph.outputs.get(name)
        same = (one for one in graph.calls if (one.path, one.number) == (call.path, call.number))
        found = next(same, None)
        return found.outputs[0] if found and found.outputs else None
