"""Uses of a receptive field, for a network that runs: delays, tiles, sizes, buffers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.operators.axis_use import AxisUse, is_by_all_ways, seen_row
from archscope.analyses.rf.operators.order import MODEL
from archscope.analyses.rf.use.answer import in_use
from archscope.analyses.rf.use.rows import AxisRow, BufferRow

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.answer.receptive import Receptive
    from archscope.dependence.answer.size_trials import Trials
    from archscope.dependence.record.graph import Node
    from archscope.subject import Inputs


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
            start = seen_row(found, axis)
            shared = ("start", "axis", "receptive_field")
            known[axis] = replace(known[0], **{name: getattr(start, name) for name in shared})
        else:
            together = tuple(axes) if square else (axis,)
            known[axis] = AxisUse(found, trials, axis, together).row()
        yield known[axis]


def _kind(found: Receptive, axis: int) -> tuple[Any, ...]:
    """Return all that tells axes apart: windows, which units a border cuts short, maps within."""
    from archscope.dependence.answer.output_windows import outlook_of, shift_of

    line, given = found.target.field.lines[axis], found.given.local_or_total(found.target.value)
    by_all = is_by_all_ways(found, axis)
    within = tuple(
        layer.value.shape[own]
        for layer in found.layers
        if axis < len(layer.field.sizes) and (own := layer.field.map_axis(axis)) is not None
    )
    clipped = (line.clipped, None if given is None else given.lines[axis].clipped)
    seen = (line.hulls, found.target.total.lines[axis].hulls, line.cycle, outlook_of(line), by_all)
    return *seen, clipped, within, shift_of(found, axis)


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
