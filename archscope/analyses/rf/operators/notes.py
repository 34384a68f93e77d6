"""What a reader must know of a module's receptive field, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archscope.analyses.rf.numbers import counted, extent
from archscope.analyses.rf.operators.growth import size_notes
from archscope.analyses.rf.operators.order import MODEL, MODULES_NAMED, order_notes
from archscope.analyses.rf.operators.verdict import (
    named,
    narrowly,
    others,
    part_of,
    partly,
    verdict,
)
from archscope.analyses.rf.rows import MapRow
from archscope.analyses.rf.totals import Totals
from archscope.results import Note

if TYPE_CHECKING:
    from archscope.dependence.answer.causality import Causality
    from archscope.dependence.answer.receptive import Receptive
    from archscope.dependence.record.graph import Node

_OF_POSITIONS = ("depends on data", "a mask whose values are not known")
"""Why rules are bounds that matter only where they are of what positions see."""
_OF_OPERATORS = {
    "unknown operator": "no rule is known for {0}; its outputs are taken to depend on all of its "
    "inputs",
    "depends on data": "which positions {0} reads depends on data: it is taken to read all",
    "a mask whose values are not known": "{0} is under a mask whose values are not known: it is "
    "taken to let everything through",
    "may cancel": "{0} may undo what came before it: that it reads all is a bound",
}
"""What is said of operators whose rules are bounds, by why."""
_OF_MODULES = {
    "read by Python": "Python reads values of the input in {0}, and the result depends on them: it "
    "is taken to depend on everything that they may have decided",
    "out of sight": "numbers of the input come into {0} by a way that no operator shows (a thread, "
    "a copy of memory): what it makes is taken to depend on all of it",
}
"""The same of modules that compute where no operator shows it."""


def notes(
    found: Receptive, totals: Totals, maps: Sequence[MapRow], order: Sequence[Causality | None]
) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """Return the verdict, and what it rests on."""
    said = (*verdict(found, totals, maps), *_everything(found, totals), *others(found))
    rest = (
        *_unlike(totals),
        *_around(found),
        *order_notes(found, totals, order),
        *_axes(found),
        *size_notes(found),
        *_left_out(found),
    )
    return said, (*rest, *_bounds(found))


def flagged(found: Receptive) -> list[tuple[Node, str]]:
    """Return the nodes whose rules are bounds, and why."""
    bounds = found.given.dependences.bounds
    return [
        (each.node, each.flag)
        for place, each in enumerate(found.given.lowered)
        if place in bounds or (each.flag and each.flag not in _OF_POSITIONS)
    ]


def _everything(found: Receptive, totals: Totals) -> Iterator[Note]:
    size = extent(found.given.sizes)
    if totals.reads_all:
        yield Note(
            level="info",
            text=f"{totals.reads_all} reads all positions, so the network's output depends on "
            f"{_share(found)} {size} input; the table's last rows show this, and the verdict "
            f"is about {named(totals)}",
        )
        return
    if found.target.bounded_by is not None:
        return  # what reduces over all may do so by the bound alone
    if found.is_before:
        yield Note(
            level="info",
            text=f"the network's output depends on {_share(found)} {size} input, and tells no "
            f"positions apart; the verdict is of {named(totals)}, the last module's map before it "
            "that does",
        )
    if totals.global_by and totals.local_field:
        local = totals.local_field
        sees = counted(local[0], "position") if len(local) == 1 else extent(local)
        yield Note(
            level="info",
            text=f"{totals.global_by} reduces over all positions, so that {_depending(found)} "
            f"{part_of(found.target)} the {size} input; without such ways it sees {sees}",
        )
    elif totals.global_by:
        yield Note(
            level="info",
            text=f"{totals.global_by} reduces over all positions{_alike_along(found)} "
            f"{part_of(found.target)} the {size} input",
        )


def _depending(found: Receptive) -> str:
    """Return which outputs depend on as much of the input as is told: not every one where what is
    reduced over lies before outputs, as steps of a recurrent layer do.
    """
    if all(line.hulls[0] == line.hulls[1] for line in found.target.total.lines):
        return "every output depends on"
    counted_one = not found.target.total.is_narrow and partly(found.target) is not None
    return "an output in the middle depends on" if counted_one else "an output depends on up to"


def _alike_along(found: Receptive) -> str:
    """Return along which axes every output sees all, where that is not so along each, in words."""
    lines = found.target.total.lines
    alike = [line.hulls[0] == line.hulls[1] for line in lines]
    if all(alike) or not any(alike):
        return ": every output depends on"
    axes = [str(axis) for axis, is_so in zip(found.given.axes, alike, strict=True) if is_so]
    return f" along axis {', '.join(axes)}: an output depends on up to"


def _share(found: Receptive) -> str:
    """Return how much of the input the network's own outputs depend on, in words."""
    outputs = (found.given.total(value) for value in found.given.graph.outputs.values())
    narrow = [field for field in outputs if field is not None and field.is_narrow]
    return f"{narrowly(narrow[0])} its" if narrow else "all of its"


def _unlike(totals: Totals) -> Iterator[Note]:
    if totals.global_by or totals.smallest_field == totals.receptive_field:
        return
    least, most = totals.smallest_field, totals.receptive_field
    ranges = (f"{a:,} to {b:,}" if a != b else f"{a:,}" for a, b in zip(least, most, strict=True))
    yield Note(
        level="info",
        text=f"the receptive field differs from output to output: {' × '.join(ranges)} positions",
    )


def _left_out(found: Receptive) -> Iterator[Note]:
    from archscope.dependence.answer.layers import MOST_WALKS

    left = [layer for layer in found.layers if layer.is_left_out and layer.call.path]
    if left:
        yield Note(
            level="info",
            text=f"coverage of {counted(len(left), 'module')} is unknown, because no more than "
            f"{MOST_WALKS} are traced back one by one; ask for one, e.g. --of {left[-1].name}",
        )


def _around(found: Receptive) -> Iterator[Note]:
    field = found.target.field
    if not field.is_map:
        return
    for axis, line in zip(found.given.axes, field.lines, strict=True):
        if line.around:
            some = f"{line.around:,} of {counted(len(line.entries), 'output')}"
            sees = "sees" if line.around == 1 else "see"
            ends = f"axis {axis} {sees} around its ends"
            yield Note(
                level="info",
                text=f"{some} along {ends}: what lies beyond one comes in at the other",
            )


def _axes(found: Receptive) -> Iterator[Note]:
    """Yield what is odd about the axes of the input."""
    exam = found.given
    shape, roles = "×".join(map(str, exam.seed.shape)), exam.roles
    if roles.batch_mixes:
        yield Note(
            level="warning",
            text=f"rows of the batch mix: outputs see other places along axis {roles.batch} of the "
            f"{shape} input, which is taken for the batch; --axes chooses the axes of positions",
        )
    for axis in roles.read_whole:
        yield Note(
            level="info",
            text=f"along axis {axis} of the {shape} input no output has a place of its own; all "
            "this is about the other axes",
        )


def _bounds(found: Receptive) -> Iterator[Note]:
    yield from _by_operator(found)
    yield from _by_module(found)
    yield from _tried(found)
    if found.given.graph.padding is not None:
        yield Note(
            level="info",
            text=f"no token is taken for padding (token {found.given.graph.padding}): masks "
            "against it let everything through",
        )


def _by_operator(found: Receptive) -> Iterator[Note]:
    """Yield which operators may read less than is said, and why."""
    for why, said in _OF_OPERATORS.items():
        nodes = [node for node, flag in flagged(found) if flag == why]
        for operator, calls in Counter(node.operator for node in nodes).items():
            yield Note(
                level="warning",
                text=f"{said.format(operator)} (in {_modules(nodes, operator)})",
                operator=operator if "::" in operator else f"aten::{operator}",
                calls=calls,
            )


def _by_module(found: Receptive) -> Iterator[Note]:
    """Yield which modules compute with the input's values where no operator shows it."""
    for why, said in _OF_MODULES.items():
        if nodes := [node for node, flag in flagged(found) if flag == why]:
            yield Note(level="warning", text=said.format(_modules(nodes)))


def _tried(found: Receptive) -> Iterator[Note]:
    """Yield what was found by running operators, which no rule says."""
    nodes = [each.node for each in found.given.lowered if each.is_tried]
    for operator in dict.fromkeys(node.operator for node in nodes):
        yield Note(
            level="info",
            text=f"{operator} undoes part of what came before it (in {_modules(nodes, operator)}): "
            "what is seen through both was found by running them on random numbers; it is not a "
            "bound",
        )


def _modules(nodes: Sequence[Node], operator: str | None = None) -> str:
    """Return the modules that ran some nodes, or those of one operator, the first few by name."""
    modules = list(
        dict.fromkeys(node.module for node in nodes if operator in (None, node.operator))
    )
    named = ", ".join(module or MODEL for module in modules[:MODULES_NAMED])
    rest = len(modules) - MODULES_NAMED
    return f"{named} and {rest} more" if rest > 0 else named
