"""Uses of a receptive field, for a network that runs: delays, tiles, sizes, buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.numbers import plain
from archscope.analyses.rf.operators.order import MODEL
from archscope.analyses.rf.use.answer import in_use
from archscope.analyses.rf.use.rows import AxisRow, BufferRow, with_tiles, without_tiles
from archscope.theory.input_sizes import InputSizes, TriedEnoughError, fewest_trials, input_sizes
from archscope.theory.output_places import Outlook
from archscope.theory.tiling import tiling

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.answer.receptive import Receptive
    from archscope.dependence.answer.size_trials import Trials
    from archscope.dependence.record.graph import Node
    from archscope.subject import Inputs

LARGEST_STEP = 4_096
"""Positions by which maps move together up to which sizes are tried."""

HALVED = 64
"""Sizes that differ by its divisors are tried whatever the strides are."""


def of_network(
    answer: Answer, model: nn.Module, inputs: Inputs, found: Receptive, rate: Fraction | None
) -> Answer:
    """Return the answer of a network's operators with what is done with it."""
    from archscope.dependence.answer.size_trials import Trials

    trials = Trials(model, inputs, found.given, found.target)
    table = _table(found)
    rows = tuple(replace(row, table=table) for row in _rows(found, trials))
    kept, why = _buffers(found, rows)
    rows = tuple(replace(row, unbuffered=why) for row in rows)
    own = answer.totals.output
    return in_use(answer, rows, kept, rate, named="" if own == MODEL else own)


def _table(found: Receptive) -> str:
    """Return the module in which constants first come in that differ from place to place."""
    given = found.given
    # On an input that is smaller than the windows nothing goes along it.
    tables = given.dependences.tables | found.best.dependences.tables
    if not tables:
        return ""
    before = given.ancestors(found.target.value)
    places = sorted(at for at in tables if at < len(given.graph.nodes))
    read = (at for at in places if not before.isdisjoint(given.graph.nodes[at].outputs))
    if len(found.inputs) > 1:  # what has no values may be made of another input
        read = (at for at in read if not _has_no_values(given.graph.nodes[at]))
    return given.module(next(read, None)) or ""


def _has_no_values(node: Node) -> bool:
    """Return whether all constants that a node reads have shapes alone."""
    from archscope.dependence.answer.position_constants import constants_of

    shape = next((value.shape for value in node.outputs if value is not None), ())
    return all(one.numbers.is_meta for one in constants_of(node, shape))


def _rows(found: Receptive, trials: Trials) -> Iterator[AxisRow]:
    """Yield a row for each axis; those that are alike are tried together."""
    axes = range(len(found.given.axes))
    square = len(set(found.given.sizes)) == 1 and len({_kind(found, axis) for axis in axes}) == 1
    known: dict[int, AxisRow] = {}
    for axis in axes:
        if square and known:
            start = _seen_row(found, axis)
            shared = ("start", "axis", "receptive_field")
            known[axis] = replace(known[0], **{name: getattr(start, name) for name in shared})
        else:
            together = tuple(axes) if square else (axis,)
            known[axis] = _row(found, trials, axis, together)
        yield known[axis]


def _kind(found: Receptive, axis: int) -> tuple[Any, ...]:
    """Return all that tells axes apart: windows, which units a border cuts short, maps within."""
    from archscope.dependence.answer.output_windows import outlook_of, shift_of

    line, given = found.target.field.lines[axis], found.given.local_or_total(found.target.value)
    within = tuple(
        layer.value.shape[own]
        for layer in found.layers
        if axis < len(layer.field.sizes) and (own := layer.field.map_axis(axis)) is not None
    )
    clipped = (line.clipped, None if given is None else given.lines[axis].clipped)
    return line.hulls, line.cycle, outlook_of(line), clipped, within, shift_of(found, axis)


def _seen_row(found: Receptive, axis: int) -> AxisRow:
    """Return what the window of the output alone tells of an axis."""
    field, total = found.target.field, found.target.total
    line = field.lines[axis]
    is_global = found.target.global_by is not None
    return AxisRow(
        axis=found.given.axes[axis],
        receptive_field=(total.lines[axis] if is_global else line).hulls[1],
        jump=plain(line.jump) if line.jump else None,  # 0: all see the same
        start=found.target.start[axis] if found.target.start and line.jump else None,
    )


def _row(found: Receptive, trials: Trials, axis: int, together: tuple[int, ...]) -> AxisRow:
    from archscope.dependence.answer.output_windows import shift_of

    own, step = found.target.field.map_axis(axis), shift_of(found, axis)
    tried = None if own is None else trials.outputs(together, own)
    # Where only the output's own maps move in step, the network may not run on such tiles.
    steps = dict.fromkeys((shift_of(found, axis, beside=False), step))
    row = _looked(found, axis, steps, tried)  # a tile takes one trial, sizes as many as are left
    # Networks that divide sizes by themselves mostly do so by two, again and again.
    apart = lcm(step or 1, HALVED)
    if tried is None or (step or 1) > LARGEST_STEP:
        return row
    enough = trials.left >= fewest_trials(apart)
    given = found.given.sizes[axis]
    sizes = input_sizes(tried, given, apart, ends=True) if enough else InputSizes()
    if sizes.smallest is None:
        told = "the sizes that run repeat in no way that was found"
        few = "too many operators for sizes to be tried"
        row = replace(row, why=row.why or (told if enough and trials.left else few))
    if row.tile_overlap is not None and not _goes_on(found, axis, row, sizes):
        row = without_tiles(row, "a larger input does not give outputs in step with its size")
    return replace(
        row,
        smallest_input=sizes.smallest,
        allowed_sizes=sizes.allowed,
        outputs=sizes.formula,
    )


def _goes_on(found: Receptive, axis: int, row: AxisRow, sizes: InputSizes) -> bool:
    """Return whether larger inputs that were tried give an output more for each jump, as they do
    not where outputs are cut to a number of their own."""
    given, step = found.given.sizes[axis], row.tile_step
    jump = found.target.field.lines[axis].jump
    assert step is not None
    assert jump
    alike = [(n, m) for n, m in sizes.known if n >= given and (n - given) % step == 0]
    return all((m - alike[0][1]) * jump == n - alike[0][0] for n, m in alike)


def _looked(
    found: Receptive,
    axis: int,
    steps: Iterable[int | None],
    tried: Callable[[int], int | None] | None,
) -> AxisRow:
    """Return how far outputs look along an axis, and how an input is cut by the first step that
    makes tiles which run, or else the last."""
    from archscope.dependence.answer.output_windows import outlook_of

    row, target = _seen_row(found, axis), found.target
    why = _unknown(found, axis)
    seen = outlook_of(target.field.lines[axis]) if why is None else None
    if seen is None:
        why = why or "windows do not repeat from output to output"
        return replace(row, why=why, **_reached(found, axis))
    if not _is_of_given(found, axis, seen):
        return replace(row, why="outputs near the borders see other positions than inside")
    row = replace(row, look_back=seen.behind, look_ahead=seen.ahead)
    if resizing := _by_its_size(found, axis):
        return replace(row, why=f"{resizing} goes by the size of its input")
    cut = replace(row, why="windows of a map within do not repeat from unit to unit")
    for step in steps:
        if step is not None and cut.tile_overlap is None:
            cut = _cut(replace(row, tile_step=step), seen, found, axis, tried)
    return cut


def _by_its_size(found: Receptive, axis: int) -> str:
    """Return what resizes by the size of its input along an axis: no part is as in the whole."""
    from archscope.dependence.answer.size_dependent import goes_by_size

    nodes, last = found.given.graph.nodes, found.target.value.index
    looked = (nodes[place] for place in sorted(found.given.dependences.looked))
    before = (node for node in looked if node.outputs[0] and node.outputs[0].index <= last)
    axes = len(found.given.axes)
    return next((why for node in before if (why := goes_by_size(node, axis, axes))), "")


def _unknown(found: Receptive, axis: int) -> str | None:
    """Return why an output's window is not known for sure; None where it is."""
    target, last = found.target, found.target.value.index
    if target.global_by is not None:
        return f"{target.global_by} reduces over all positions"
    if target.bounded_by is not None:
        return f"the rule of {target.bounded_by} is an upper bound"
    if target.field.map_axis(axis) is None:
        return "outputs lie along no axis of their own"
    if not target.field.lines[axis].is_whole:
        return "outputs reach the border of the input"
    looked = (found.given.graph.nodes[place] for place in sorted(found.given.dependences.looked))
    before = (node for node in looked if node.outputs[0] and node.outputs[0].index <= last)
    adaptive = next((node.operator for node in before if "adaptive" in node.operator), None)
    if adaptive is not None:
        return f"{adaptive} makes parts of any input"
    return None


def _is_of_given(found: Receptive, axis: int, seen: Outlook) -> bool:
    """Return whether windows, cut short by the borders, are those that the given input has.

    They are not where padding depends on the size, or continues at the other end.
    """
    from archscope.dependence.answer.output_windows import is_cut_short

    field = found.given.local_or_total(found.target.value)
    return field is not None and is_cut_short(field.lines[axis], seen)


def _reached(found: Receptive, axis: int) -> dict[str, Any]:
    """Return how far ahead outputs see of the given input that see back to its first position, and
    that nothing ahead is seen where that holds, as under a mask."""
    from archscope.dependence.answer.causality import jump_of, steady_ahead
    from archscope.dependence.answer.output_windows import reach

    total, size = found.target.total, found.given.sizes[axis]
    own = total.map_axis(axis)
    if own is None:
        return {}
    line, units = total.lines[axis], found.target.value.shape[own]
    exact = found.target.bounded_by is None
    if units == size:
        behind, ahead = reach(line)
        if not ahead:
            return {"look_ahead": 0, "sees_first": exact and behind == size - 1}
    jump = jump_of(line, units, size) if exact and line.sees_first else None
    steady = steady_ahead(line, jump) if jump else None
    return {"look_ahead": steady[1], "sees_first": True} if steady else {}


def _cut(
    row: AxisRow,
    seen: Outlook,
    found: Receptive,
    axis: int,
    tried: Callable[[int], int | None] | None,
) -> AxisRow:
    """Return a row with how an input is cut by steps that are known."""
    # Padding and cuts may depend on what a size leaves of the strides: tiles leave the same.
    rest = found.given.sizes[axis] % (row.tile_step or 1)
    ends = _cut_at_ends(found, axis, row.tile_step or 1)
    if tried is None or row.tile_step is None or ends is None:
        return replace(row, why="no tile that was tried keeps clear of its borders")
    try:
        cut = tiling(seen, row.tile_step, tried, rest=rest, clipped=lambda _: ends)
    except TriedEnoughError:
        return replace(row, why="too many operators for tiles to be tried")
    if cut is None:
        return replace(row, why="no tile that was tried keeps clear of its borders")
    return with_tiles(row, cut)


def _cut_at_ends(found: Receptive, axis: int, step: int) -> tuple[int, int] | None:
    """Return how many outputs at the start and at the end a border cuts short, of an input that
    leaves the same of the strides as the given one and is large enough to tell; None: not known."""
    from archscope.dependence.answer.output_windows import cut_at_ends

    rest = found.given.sizes[axis] % step
    for field in (found.given.local_or_total(found.target.value), found.target.field):
        if field is not None and field.sizes[axis] % step == rest:
            line = field.lines[axis]
            if len(line.interior):
                return cut_at_ends(line)
    return None


def _buffers(found: Receptive, rows: tuple[AxisRow, ...]) -> tuple[tuple[BufferRow, ...], str]:
    """Return what each layer of a causal sequence keeps, and why that is not known."""
    from archscope.dependence.answer.buffers import buffers_of

    if len(rows) != 1:
        return (), "positions lie along several axes"
    if rows[0].look_ahead is None or rows[0].tile_step is None:
        return (), rows[0].why or "its windows are not known"
    if found.output_is_all is not None:
        return (), f"{found.output_is_all} reads all positions"
    kept, why = buffers_of(found.given, found.target.value)
    # A pool holds what the convolutions around it hold.
    size = next((one.itemsize for one in kept if one.itemsize is not None), None)
    rows_of = (
        BufferRow(
            layer=one.module or "(model)",
            kernel=one.kernel,
            dilation=one.dilation,
            positions=one.positions,
            channels=one.channels,
            bytes=None if size is None else one.positions * one.channels * (one.itemsize or size),
        )
        for one in kept
    )
    return tuple(rows_of), why
