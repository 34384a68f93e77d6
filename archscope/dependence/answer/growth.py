"""The same model on an input of another size, or why there is none to look at."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from torch import nn

from archscope.dependence.answer.borders import without_inner
from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.fields import Field
from archscope.dependence.answer.forward import look
from archscope.dependence.answer.lowering import lower
from archscope.dependence.answer.resizing import resized
from archscope.dependence.record.argument_names import input_tensors
from archscope.dependence.record.capture import capture
from archscope.dependence.record.graph import Graph, Value
from archscope.dependence.record.recorder import LARGEST_CONSTANT
from archscope.records import frozen
from archscope.subject import Inputs

MOST_ELEMENTS = 1 << 34
"""Elements of the input, and of the largest map, up to which larger inputs are tried."""
MOST_ENTRIES = 1 << 22
"""Entries of one value up to which larger inputs are tried: axes that are entangled."""
FLAT_COST = 4
"""Entries that cost as much as a position of an axis that several were made."""

CLEAR = "clear"
"""Outputs are away from all borders, and so are all phases of their strides."""
NOTHING = "nothing"
"""Outputs are not told apart along the input's axes: size does not matter."""
TOO_LARGE = "too large"
"""A larger input is over the budget; the detail is its size."""
RAISED = "raised"
"""The model does not run on a larger input; the detail is what it said."""
OTHERWISE = "otherwise"
"""The model runs other operators on a larger input, as a loop over positions does, or reduces all
positions elsewhere."""
ALIKE = "alike"
"""Outputs see as much there: a loop runs more operators on it, or a crop leaves the rest out."""
FIXED = "fixed"
"""The map is of one size whatever the input's: adaptive pooling makes it."""
GROWING = "growing"
"""Some windows are as many times larger as the input is; the detail is the module that has them."""
MASK = "mask"
"""A larger mask is too large to be looked into."""


@frozen
class Growth:
    """How the search for a larger input ended."""

    sizes: tuple[int, ...]
    """Positions along each axis of the largest input that was looked at."""
    reason: str
    """Why nothing larger was: one of the constants of this module."""
    detail: str = ""
    """More of it, where the reason says so."""
    together: bool = False
    """Whether other inputs grew with the studied one, along axes of the same size."""


@dataclass(frozen=True, eq=False)
class Rerun:
    """A model that was looked at, to be looked at again on inputs of other sizes."""

    model: nn.Module
    inputs: Inputs
    given: Examination
    """What was found on these inputs."""
    target: Value
    """Its value that is to be found again."""

    def on_larger(
        self, sizes: tuple[int, ...], *, together: bool
    ) -> tuple[Examination, bool] | Growth:
        """Return the model on a larger input, and whether others grew too; or why that cannot be.

        Other inputs grow, and axes that need not, only where the model does not run without.
        """
        first: Growth | None = None
        before = self.given.sizes
        factor = max(size // least for size, least in zip(sizes, before, strict=True))
        alike = tuple(size * factor for size in before)
        others = len(input_tensors(self.inputs)) > 1
        for wanted in dict.fromkeys((sizes, alike)):
            for so in (True,) if together else (False, True) if others else (False,):
                found = self.on(wanted, together=so)
                if isinstance(found, Examination):
                    return found, so
                first = first or found
        assert first is not None
        return first

    def on(self, sizes: tuple[int, ...], *, together: bool) -> Examination | Growth:
        """Return the model on another input, or why that cannot be compared with the given one."""
        given, target = self.given, self.target
        graph = capture(
            self.model, resized(self.inputs, given, sizes, together=together), (given.input,)
        )
        value = _made_alike(given.graph, graph, target)
        if value is None or not _ends_alike(given.graph, graph, target, value):
            if graph.failure is None:
                return Growth(sizes=sizes, reason=_otherwise(given, graph, target))
            said = " ".join(str(graph.failure).split()) or type(graph.failure).__name__
            return Growth(sizes=sizes, reason=RAISED, detail=said)
        found = _examined(given, graph, sizes, value)
        before, after = given.seen(target), found.seen(value)
        if before and after and before.cut_by != after.cut_by:
            return Growth(sizes=sizes, reason=MASK if before.cut_by is None else OTHERWISE)
        return found


def _examined(
    given: Examination, graph: Graph, sizes: tuple[int, ...], value: Value
) -> Examination:
    lowered = lower(graph)
    if all(size > before for size, before in zip(sizes, given.sizes, strict=True)):
        lowered = without_inner(given.lowered, lowered)
    wanted = [value for call in graph.calls for value in (*call.inputs, *call.outputs)]
    dependences = look(lowered, graph.inputs[given.input], given.axes, [*wanted, value])
    return Examination(graph, lowered, given.input, given.roles, dependences)


def _made_alike(one: Graph, two: Graph, target: Value) -> Value | None:
    """Return a value of the second graph that both made alike, on maps of whatever size."""
    for a, b in zip(one.nodes, two.nodes, strict=False):
        mine, other = ([value and value.index for value in node.outputs] for node in (a, b))
        if a.operator != b.operator or mine != other:
            return None
        if target.index in mine:
            return b.outputs[mine.index(target.index)]
    return None


def _ends_alike(one: Graph, two: Graph, target: Value, value: Value) -> bool:
    """Return whether a value is returned where the target is: a loop may write on to it first."""
    names = [name for name, each in one.outputs.items() if each == target]
    return all(two.outputs.get(name, value) == value for name in names)


def _otherwise(given: Examination, graph: Graph, target: Value) -> str:
    """Return what the outputs of a larger input say, where other operators make them, as in a loop
    over positions: whether they go to an end, or see as much, on both.
    """
    name = next((name for name, value in given.graph.outputs.items() if value == target), None)
    value, before = graph.outputs.get(name or ""), given.total(target)
    if value is None or before is None:
        return OTHERWISE
    lowered = lower(graph)
    dependences = look(lowered, graph.inputs[given.input], given.axes, [value])
    after = Examination(graph, lowered, given.input, given.roles, dependences).total(value)
    pairs = () if after is None else tuple(zip(before.lines, after.lines, strict=True))
    if any(one.goes_to_an_end for one, _ in pairs):
        alike = all(one.goes_to_an_end == two.goes_to_an_end for one, two in pairs)
        return GROWING if alike else OTHERWISE
    grown = after is not None and prod(value.shape) > prod(target.shape)
    return ALIKE if grown and after and sees_as_much(before, after) else OTHERWISE


def sees_as_much(one: Field, two: Field) -> bool:
    """Return whether the widest windows are as wide on two inputs, and not as wide as either."""
    pairs = zip(one.lines, two.lines, strict=True)
    return one.is_narrow and all(a.widths.max() == b.widths.max() for a, b in pairs)


def is_too_large(last: Examination, sizes: tuple[int, ...]) -> bool:
    """Return whether a larger input is over the budget, as the last one tells."""
    more = prod(sizes) // prod(last.sizes)
    made = (value for node in last.graph.nodes for value in node.outputs if value is not None)
    largest = max(prod(value.shape) for value in (last.seed, *made))
    return (
        largest * more > MOST_ELEMENTS
        or max(_most_entries(last), FLAT_COST * _flat(last)) * more > MOST_ENTRIES
        or _most_pairs(last) * more**2 > LARGEST_CONSTANT
    )


def _flat(found: Examination) -> int:
    """Return how many positions of several axes lie along one, as those of all pixels do."""
    made = (value for node in found.graph.nodes for value in node.outputs if value is not None)
    longest = max((size for value in made for size in value.shape), default=0)
    return longest if len(found.sizes) > 1 and longest > 2 * max(found.sizes) else 0


def _most_pairs(found: Examination) -> int:
    """Return the pairs of positions that attention along one axis compares; 0: there is none."""
    if len(found.sizes) != 1:
        return _most_pairs_of_rows(found)
    pairs = found.sizes[0] ** 2
    for node in found.graph.nodes:
        if "scaled_dot_product" in node.operator:
            return pairs
        if any(value and prod(value.shape) >= pairs > 1 << 16 for value in node.outputs):
            return pairs
    return 0


def _most_pairs_of_rows(found: Examination) -> int:
    """Return the same of attention along one of several axes, where their sizes tell them apart."""
    longest = max(found.sizes)
    if found.sizes.count(longest) > 1:
        return 0
    made = (value for node in found.graph.nodes for value in node.outputs if value is not None)
    compared = any(value.shape.count(longest) > 1 for value in made)
    return longest**2 if compared else 0


def _most_entries(found: Examination) -> int:
    return max(
        pattern.entries.size
        for seen in found.dependences.seen.values()
        for term in seen.total
        for pattern in term.sets
    )
