"""The same model on larger inputs, until an output is away from all borders.

Where every output reaches the border of the given input, its window is not known from that; then
the model is looked at again on larger inputs, which costs little, since nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, lcm, prod

import numpy as np
from torch import nn

from archscope.dependence.answer.borders import without_inner
from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.fields import Field, has_units
from archscope.dependence.answer.forward import look, lower
from archscope.dependence.answer.resizing import resized
from archscope.dependence.record.argument_names import input_tensors
from archscope.dependence.record.capture import capture
from archscope.dependence.record.graph import Graph, Value
from archscope.dependence.record.recorder import LARGEST_CONSTANT
from archscope.dependence.rules.sequence import RUNNING
from archscope.dependence.sets.lines import Line
from archscope.dependence.sets.links import Links, Ranges
from archscope.dependence.sets.steps import Take
from archscope.records import frozen
from archscope.subject import Inputs

MOST_ELEMENTS = 1 << 34
"""Elements of the input, and of the largest map, up to which larger inputs are tried."""
MOST_ENTRIES = 1 << 22
"""Entries of one value up to which larger inputs are tried: axes that are entangled."""
FEW_UNITS = 16
"""Units away from borders among which a repeated pattern would have shown."""

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


def away_from_borders(
    model: nn.Module, inputs: Inputs, given: Examination, value: Value
) -> tuple[Examination, Growth]:
    """Return the smallest pass in which outputs are away from all borders, or nearest to it."""
    field = _field(given, value)
    if field is None or field.is_empty or not has_units(field):
        return given, Growth(sizes=given.sizes, reason=NOTHING)
    best, last, together = given, given, False
    unclear = [] if field.is_whole else _unclear(given, field)
    growing = _growing_already(model, inputs, given, value, unclear)
    while axes := [axis for axis in _unclear(last, field) if axis not in growing]:
        sizes = tuple(size * (1 + (axis in axes)) for axis, size in enumerate(last.sizes))
        if _is_too_large(last, sizes):
            detail = "×".join(map(str, sizes))
            reason = TOO_LARGE
            break
        found = _larger(model, inputs, given, value, sizes, together=together)
        if isinstance(found, Growth):
            reason, detail = found.reason, found.detail
            break
        larger, together = found
        wider = _field(larger, larger.again(value))
        if wider is None or not field.maps_alike(wider):
            reason, detail = ALIKE if wider and _is_of_a_crop(field, wider) else FIXED, ""
            break
        if last is given and _growing(given, larger, value) is not None:
            for axis in axes:
                alone = tuple(n * (1 + (at == axis)) for at, n in enumerate(given.sizes))
                tried: Examination | Growth = larger
                if alone != sizes:
                    tried = _looked_at(model, inputs, given, value, alone, together=together)
                one = _growing(given, larger if isinstance(tried, Growth) else tried, value)
                growing.update({} if one is None else {axis: one})
        last, field = larger, wider
        if field.is_whole and field.is_narrow and not growing:
            best = larger
    else:
        left = [growing[axis] for axis in _unclear(last, field)]
        reason, detail = (GROWING, left[0]) if left else (CLEAR, "")
    if reason == CLEAR and best is given:
        best, together = _beside_others(model, inputs, given, value)
        last = best
    return best, Growth(sizes=last.sizes, reason=reason, detail=detail, together=together)


def _growing_already(
    model: nn.Module, inputs: Inputs, given: Examination, value: Value, axes: list[int]
) -> dict[int, str]:
    """Return the axis along which windows are larger than on half the input, and the first module
    that has such; empty where that is not so, or was not asked.

    It is asked of running sums alone, of which half tells what twice the input does, for a quarter
    of the work: a mask may be of a window that is wider than the input, and end.
    """
    if len(axes) != 1 or not any(map(_goes_far, _running(given))):
        return {}
    sizes = tuple(size // (1 + (axis in axes)) for axis, size in enumerate(given.sizes))
    smaller = _looked_at(model, inputs, given, value, sizes, together=False)
    if isinstance(smaller, Growth):
        return {}
    target = smaller.again(value)
    one = None if target is None else _growing(smaller, given, target)
    return {} if one is None else {axes[0]: one}


def _running(exam: Examination) -> Iterator[Links]:
    for each in exam.lowered:
        for edge in each.edges if each.node.operator in RUNNING else ():
            yield from (step.links for step in edge.steps if isinstance(step, Take))


def _goes_far(links: Links) -> bool:
    """Return whether some position reads at least half of an axis, and no border cuts it short."""
    return isinstance(links, Ranges) and links.clipped is None and 2 * _widest(links) >= links.reads


def _beside_others(
    model: nn.Module, inputs: Inputs, given: Examination, value: Value
) -> tuple[Examination, bool]:
    """Return a pass in which an output that is alone along an axis has others beside it.

    A classifier of patches makes one output of one patch: how the next would lie is known of a
    larger input alone. Where it does not run on one, or sees more there, the given one stays.
    """
    field = _field(given, value)
    assert field is not None
    alone = [
        field.map_axis(axis) is not None and len(line.entries) == 1
        for axis, line in enumerate(field.lines)
    ]
    sizes = tuple(size * (1 + is_so) for size, is_so in zip(given.sizes, alone, strict=True))
    if not any(alone) or _is_too_large(given, sizes):
        return given, False
    found = _larger(model, inputs, given, value, sizes, together=False)
    wider = None if isinstance(found, Growth) else _field(found[0], found[0].again(value))
    if isinstance(found, Growth) or wider is None or not wider.is_map or _unclear(found[0], wider):
        return given, False
    alike = all(a.hulls == b.hulls for a, b in zip(field.lines, wider.lines, strict=True))
    several = all(len(line.entries) > 1 for line in wider.lines)
    return found if alike and several else (given, False)


def is_clear(exam: Examination, value: Value) -> bool:
    """Return whether a value is away from borders in a pass, at all phases of the strides."""
    field = _field(exam, exam.again(value))
    return field is not None and not _unclear(exam, field)


def _field(exam: Examination, value: Value | None) -> Field | None:
    return None if value is None else exam.local(value) or exam.total(value)


def _unclear(exam: Examination, field: Field) -> list[int]:
    """Return the axes along which a larger input would tell more."""
    found = [
        axis
        for axis, line in enumerate(field.lines)
        if not _is_clear(line, _period(exam, field, axis))
    ]
    return found if field.is_map or not found else list(range(len(field.sizes)))


def _is_clear(line: Line, period: int) -> bool:
    """Return whether windows are known away from borders, at all phases of the strides."""
    if not line.is_whole:
        return False
    if len(line.entries) == 1:
        return True
    if line.cycle is None and len(line.interior) <= FEW_UNITS:
        return False
    inside = np.zeros(len(line.entries) + 2, dtype=np.int64)
    inside[1:-1] = line.kinds == 0
    inside[1 + line.interior] = 1
    if inside.sum() == len(line.entries):
        return True
    edges = np.flatnonzero(np.diff(inside))
    longest = int((edges[1::2] - edges[::2]).max())
    if line.cycle is not None and not line.cycle[1]:
        return longest > period  # units of one period may share a window, those of the next do not
    return longest >= period


def _period(exam: Examination, field: Field, axis: int) -> int:
    """Return after how many outputs the phases of all strides on the way to them repeat."""
    own = field.map_axis(axis)
    if own is None:
        return 1
    before = behind(exam, field.value)
    jumps = {place.jump for value, place in exam.places(axis).items() if value in before}
    positions = lcm(*(abs(jump) for jump in jumps if jump))
    return ceil(positions * field.value.shape[own] / field.sizes[axis])


def _growing(one: Examination, two: Examination, target: Value) -> str | None:
    """Return the first module with windows that are larger on the larger input; None: none has.

    So it is with running sums and adaptive pools. Windows that end at a border do not count.
    """
    before = behind(one, target)
    for number, (a, b) in enumerate(zip(one.lowered, two.lowered, strict=False)):
        for mine, other in zip(a.edges, b.edges, strict=False):
            if mine.target not in before or mine in one.dependences.cut:
                continue
            for step, larger in zip(mine.steps, other.steps, strict=False):
                if isinstance(step, Take) and isinstance(larger, Take):
                    widest = _widest(larger.links)
                    if widest > 1 and 2 * widest >= 3 * _widest(step.links) > 0:
                        return one.module(number)
    return None


def _widest(links: Links) -> int:
    """Return how many positions are read at most by one that no border cuts short."""
    counts = links.counts if links.clipped is None else links.counts[~links.clipped]
    return int(counts.max(initial=0))


def behind(exam: Examination, target: Value) -> set[Value]:
    """Return the values that a value is made of, and itself."""
    found = {target}
    for each in reversed(exam.lowered):
        for edge in each.edges:
            if edge.target in found:
                found.add(edge.source)
    return found


def _is_too_large(last: Examination, sizes: tuple[int, ...]) -> bool:
    more = prod(sizes) // prod(last.sizes)
    made = (value for node in last.graph.nodes for value in node.outputs if value is not None)
    largest = max(prod(value.shape) for value in (last.seed, *made))
    return (
        largest * more > MOST_ELEMENTS
        or _most_entries(last) * more > MOST_ENTRIES
        or _most_pairs(last) * more**2 > LARGEST_CONSTANT
    )


def _larger(
    model: nn.Module,
    inputs: Inputs,
    given: Examination,
    target: Value,
    sizes: tuple[int, ...],
    *,
    together: bool,
) -> tuple[Examination, bool] | Growth:
    """Return the model on a larger input, and whether others grew too; or why that cannot be.

    Other inputs grow, and axes that need not, only where the model does not run without.
    """
    first: Growth | None = None
    factor = max(size // before for size, before in zip(sizes, given.sizes, strict=True))
    alike = tuple(size * factor for size in given.sizes)
    others = len(input_tensors(inputs)) > 1
    for wanted in dict.fromkeys((sizes, alike)):
        for so in (True,) if together else (False, True) if others else (False,):
            found = _looked_at(model, inputs, given, target, wanted, together=so)
            if isinstance(found, Examination):
                return found, so
            first = first or found
    assert first is not None
    return first


def _looked_at(
    model: nn.Module,
    inputs: Inputs,
    given: Examination,
    target: Value,
    sizes: tuple[int, ...],
    *,
    together: bool,
) -> Examination | Growth:
    larger = resized(inputs, given, sizes, together=together)
    graph = capture(model, larger, (given.input,))
    value = _made_alike(given.graph, graph, target)
    if value is None or not _ends_alike(given.graph, graph, target, value):
        if graph.failure is None:
            return Growth(sizes=sizes, reason=_otherwise(given, graph, target))
        said = " ".join(str(graph.failure).split()) or type(graph.failure).__name__
        return Growth(sizes=sizes, reason=RAISED, detail=said)
    lowered = lower(graph)
    if all(size > before for size, before in zip(sizes, given.sizes, strict=True)):
        lowered = without_inner(given.lowered, lowered)
    wanted = [value for call in graph.calls for value in (*call.inputs, *call.outputs)]
    dependences = look(lowered, graph.inputs[given.input], given.axes, [*wanted, value])
    found = Examination(graph, lowered, given.input, given.roles, dependences)
    before, after = given.seen(target), found.seen(value)
    if before and after and before.cut_by != after.cut_by:
        return Growth(sizes=sizes, reason=MASK if before.cut_by is None else OTHERWISE)
    return found


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
    return ALIKE if grown and after and _sees_as_much(before, after) else OTHERWISE


def _is_of_a_crop(one: Field, two: Field) -> bool:
    """Return whether outputs see the same positions of two inputs, and not all of either."""
    return _sees_as_much(one, two) and one.together == two.together


def _sees_as_much(one: Field, two: Field) -> bool:
    """Return whether the widest windows are as wide on two inputs, and not as wide as either."""
    pairs = zip(one.lines, two.lines, strict=True)
    return one.is_narrow and all(a.widths.max() == b.widths.max() for a, b in pairs)


def _most_pairs(found: Examination) -> int:
    """Return the pairs of positions that attention along one axis compares; 0: there is none."""
    if len(found.sizes) != 1:
        return 0
    pairs = found.sizes[0] ** 2
    for node in found.graph.nodes:
        if "scaled_dot_product" in node.operator:
            return pairs
        if any(value and prod(value.shape) >= pairs > 1 << 16 for value in node.outputs):
            return pairs
    return 0


def _most_entries(found: Examination) -> int:
    return max(
        pattern.entries.size
        for seen in found.dependences.seen.values()
        for term in seen.total
        for pattern in term.sets
    )


def _made_alike(one: Graph, two: Graph, target: Value) -> Value | None:
    """Return a value of the second graph that both made alike, on maps of whatever size."""
    for a, b in zip(one.nodes, two.nodes, strict=False):
        mine, other = ([value and value.index for value in node.outputs] for node in (a, b))
        if a.operator != b.operator or mine != other:
            return None
        if target.index in mine:
            return b.outputs[mine.index(target.index)]
    return None
