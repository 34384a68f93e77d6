"""Puts together the sections of the params analysis: modules, components, operators, depth."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archscope.analyses.params.headline import headline
from archscope.analyses.params.own import Own, block_of, expand, own_by_module
from archscope.analyses.params.rows import (
    COMPONENTS,
    DEPTH,
    MODULES,
    OPERATORS,
    ComponentRow,
    DepthRow,
    ModuleRow,
    OperatorRow,
    Totals,
)
from archscope.analyses.params.summary import summary
from archscope.counting.agreement import Agreement, compare
from archscope.counting.blocks import count_blocks, reruns
from archscope.counting.forward import Execution, ForwardCount, count_forward
from archscope.errors import ForwardError, first_line
from archscope.results import Note, Section
from archscope.subject import Subject

if TYPE_CHECKING:
    from torch import nn


def sections(subject: Subject, *, flops_per_mac: int, execution: Execution) -> tuple[Section, ...]:
    """Count `subject`; see `archscope.analyses.params.analysis.run`."""
    if subject.inputs is None:
        return _assemble(subject, None, None, flops_per_mac)
    count = count_forward(subject, execution)
    found = _assemble(subject, count, compare(count), flops_per_mac)
    if count.failure is not None:
        raise _failure(subject.model, count, found) from count.failure
    return found


def _failure(model: nn.Module, count: ForwardCount, found: tuple[Section, ...]) -> ForwardError:
    path = count.dispatcher.failed_in or ""
    assert count.failure is not None
    where = f"{path or 'the model itself'} ({type(model.get_submodule(path)).__name__})"
    shapes = count.dispatcher.input_shapes.get(path, ())
    given = ", ".join("x".join(map(str, shape)) for shape in shapes)
    return ForwardError(
        f"forward failed in {where}"
        + (f" with input {given}" if given else "")
        + f": {first_line(count.failure)}. Parameters are complete; FLOPs stop there.",
        module=path,
        sections=found,
    )


def _assemble(
    subject: Subject,
    count: ForwardCount | None,
    agreement: Agreement | None,
    flops_per_mac: int,
) -> tuple[Section, ...]:
    placed = expand(own_by_module(subject, count, agreement, flops_per_mac), subject.repeats)
    rows, modules = _rows(placed), [own for _, own in placed]
    complete = agreement is None or agreement.complete
    notes = _notes(subject, count, agreement)
    totals = _totals(modules, ran=count is not None, complete=complete)
    depths = _depth_rows(subject, count)
    said = tuple(summary(totals, depths))
    return (
        MODULES.filled(
            rows,
            totals=totals,
            notes=notes,
            headline=tuple(headline(totals, depths, flops_per_mac)),
            summary=said,
            device=count.device if count is not None else None,
        ),
        COMPONENTS.filled(_component_rows(modules), summary=said),
        OPERATORS.filled(_operator_rows(subject, count), summary=said),
        DEPTH.filled(depths, summary=said),
    )


def _notes(
    subject: Subject, count: ForwardCount | None, agreement: Agreement | None
) -> tuple[Note, ...]:
    if count is None or agreement is None:
        text = "no inputs were given: parameters are counted, multiply-accumulates are unknown"
        return (Note(level="warning", text=text),)
    if count.fvcore is None or not agreement.complete:
        return agreement.notes
    held = len(agreement.macs)
    text = (
        f"fvcore and torch's dispatcher agree on the multiply-accumulates of "
        f"{'every module' if held != 1 else 'the one module'} that has any ({held} held against "
        f"each other, {'on shapes alone' if count.execution == 'shapes' else 'on data'})"
    )
    return (*agreement.notes, Note(level="info", text=text))


def _rows(placed: list[tuple[str, Own]]) -> tuple[ModuleRow, ...]:
    """Add each module's own figures to all that it is part of."""
    sums = {path: [0, 0, 0, 0, 0] for path, _ in placed}
    unknown: dict[str, tuple[bool, bool]] = {path: (False, False) for path, _ in placed}
    for path, own in reversed(placed):  # submodules come after what they are part of
        here = sums[path]
        here[0] += own.weights.trainable
        here[1] += own.weights.frozen
        here[2] += own.weights.buffers
        here[3] += own.work.macs or 0
        here[4] += own.work.flops or 0
        macs, flops = unknown[path]
        doubt = (macs or _uncounted(own, own.work.macs), flops or _uncounted(own, own.work.flops))
        unknown[path] = doubt
        if path:
            parent = path.rpartition(".")[0]
            sums[parent] = [a + b for a, b in zip(sums[parent], here, strict=True)]
            above = unknown[parent]
            unknown[parent] = (above[0] or doubt[0], above[1] or doubt[1])
    return tuple(_row(path, own, sums[path], unknown[path]) for path, own in placed)


def _uncounted(own: Own, figure: int | None) -> bool:
    return figure is None and not own.weights.alias


def _row(path: str, own: Own, sums: list[int], unknown: tuple[bool, bool]) -> ModuleRow:
    return ModuleRow(
        path=path,
        type=own.type,
        settings=own.settings,
        component=own.component,
        calls=own.work.calls,
        output_shape=own.work.output_shape,
        trainable=sums[0],
        frozen=sums[1],
        buffers=sums[2],
        macs=None if unknown[0] else sums[3],
        flops=None if unknown[1] else sums[4],
        own_trainable=own.weights.trainable,
        own_frozen=own.weights.frozen,
        own_buffers=own.weights.buffers,
        own_macs=own.work.macs,
        own_flops=own.work.flops,
        shared_with=own.weights.shared_with,
        params_form=own.params_form,
        macs_form=own.macs_form,
    )


def _totals(modules: list[Own], *, ran: bool, complete: bool) -> Totals:
    flops = [own.work.flops for own in modules]
    known = [figure for figure in flops if figure is not None]
    return Totals(
        trainable=sum(own.weights.trainable for own in modules),
        frozen=sum(own.weights.frozen for own in modules),
        active=sum(own.weights.active for own in modules),
        buffers=sum(own.weights.buffers for own in modules),
        weight_bytes=sum(own.weights.weight_bytes for own in modules),
        macs=sum(own.work.macs or 0 for own in modules) if ran else None,
        flops=sum(known) if ran and known else None,
        complete=complete,
    )


def _component_rows(modules: list[Own]) -> tuple[ComponentRow, ...]:
    grouped: dict[str, list[Own]] = {}
    for own in modules:
        grouped.setdefault(own.component, []).append(own)
    rows = (
        ComponentRow(
            component=name,
            trainable=sum(own.weights.trainable for own in group),
            frozen=sum(own.weights.frozen for own in group),
            macs=_sum([own.work.macs for own in group if not own.weights.alias]),
            flops=_sum([own.work.flops for own in group if not own.weights.alias]),
        )
        for name, group in grouped.items()
    )
    return tuple(row for row in rows if row.trainable or row.frozen or row.macs or row.flops)


def _sum(figures: list[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None


def _operator_rows(subject: Subject, count: ForwardCount | None) -> tuple[OperatorRow, ...]:
    if count is None:
        return ()
    times = {repeat.path: len(repeat.copies) for repeat in subject.repeats}
    containers = {path.rpartition(".")[0] for path in times}
    calls: Counter[tuple[str, str]] = Counter()
    elements: Counter[tuple[str, str]] = Counter()
    macs: Counter[tuple[str, str]] = Counter()
    for (path, operator), tally in count.dispatcher.work.items():
        copies = times.get(block_of(path, containers) or "", 1)
        key = operator, tally.kind
        calls[key] += copies * tally.calls
        elements[key] += copies * tally.elements
        macs[key] += copies * tally.macs
    return tuple(
        OperatorRow(
            operator=operator,
            kind=kind,
            calls=calls[operator, kind],
            elements=elements[operator, kind],
            macs=None if kind == "unknown" else macs[operator, kind],
        )
        for operator, kind in sorted(calls, key=lambda key: (-macs[key], -elements[key], key))
    )


def _depth_rows(subject: Subject, count: ForwardCount | None) -> tuple[DepthRow, ...]:
    times = {repeat.path: len(repeat.copies) for repeat in subject.repeats}
    path = count.dispatcher.depth if count is not None and count.failure is None else None
    return (
        DepthRow(
            measure="blocks",
            value=count_blocks(subject.model, {**times, **_reruns(subject, count)}),
            definition=(
                "modules of the class that repeats, as in GPT-2's 12 layers; one of a list that "
                "runs over and over, as in ALBERT, counts each time"
            ),
        ),
        DepthRow(
            measure="weighted layers",
            value=path.weighted if path else None,
            definition=(
                "linear, convolution and recurrent layers on the longest path, "
                "as in the name ResNet-50; a lookup table is none"
            ),
        ),
        DepthRow(
            measure="nonlinear transformations",
            value=path.nonlinear if path else None,
            definition="activation functions and softmaxes on the longest path; not norms",
        ),
    )


def _reruns(subject: Subject, count: ForwardCount | None) -> dict[str, int]:
    return {} if count is None else reruns(subject.model, count.dispatcher.calls)
