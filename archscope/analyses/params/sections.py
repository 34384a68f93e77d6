"""Puts together the sections of the params analysis, one for each way to look at a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archscope.analyses.params.constants import constant_notes
from archscope.analyses.params.headline import headline
from archscope.analyses.params.letters import legend
from archscope.analyses.params.nonzero import nonzero_notes
from archscope.analyses.params.own import Own, block_of, expand, own_by_module
from archscope.analyses.params.routing import routing_notes
from archscope.analyses.params.rows import (
    COMPONENTS,
    DEPTH,
    MODULES,
    OPERATORS,
    TYPES,
    ComponentRow,
    DepthRow,
    ModuleRow,
    OperatorRow,
    Totals,
)
from archscope.analyses.params.summary import summary
from archscope.analyses.params.tally import Tally, copies_of, sums_of, tally
from archscope.analyses.params.types import type_rows
from archscope.blocks.shapes import shapes_only
from archscope.counting.agreement import Agreement, compare
from archscope.counting.blocks import count_blocks, reruns
from archscope.counting.forward import Execution, ForwardCount, count_forward
from archscope.counting.freezing import frozen_by, tells_copies_apart
from archscope.counting.loose_weights import loose_weight_notes, made_notes, shared_memory_notes
from archscope.errors import ForwardError, first_line
from archscope.results import Note, Section
from archscope.running.attributes import part_of
from archscope.subject import Repeat, Subject


def sections(
    subject: Subject,
    *,
    flops: bool = True,
    flops_per_mac: int,
    execution: Execution,
    nonzero: bool = False,
    freeze: tuple[str, ...] = (),
    totals_alone: bool = False,
) -> tuple[Section, ...]:
    """Count `subject`; see `archscope.analyses.params.analysis.run`."""
    subject = _unfolded(subject, freeze)
    asked: dict[str, Any] = {"nonzero": nonzero, "freeze": freeze, "totals_alone": totals_alone}
    asked["flops"] = flops
    if subject.inputs is None or not flops:
        return _assemble(subject, None, None, flops_per_mac, **asked)
    count = count_forward(subject, execution)
    found = _assemble(subject, count, compare(count), flops_per_mac, **asked)
    if count.failure is not None:
        raise _failure(subject, count, found) from count.failure
    return found


def _unfolded(subject: Subject, freeze: tuple[str, ...]) -> Subject:
    """Return a network with all blocks where some copies of a block are frozen and others not."""
    if subject.whole is None or not tells_copies_apart(subject.model, freeze, subject.repeats):
        return subject
    with shapes_only():
        return replace(subject, model=subject.whole(), repeats=())


def _failure(subject: Subject, count: ForwardCount, found: tuple[Section, ...]) -> ForwardError:
    model, path = subject.model, count.dispatcher.failed_in or ""
    assert count.failure is not None
    where = f"{path or 'the model itself'} ({type(part_of(model, path)).__name__})"
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
    *,
    flops: bool,
    nonzero: bool,
    freeze: tuple[str, ...],
    totals_alone: bool,
) -> tuple[Section, ...]:
    frozen = frozen_by(subject.model, freeze, subject.repeats)
    modules = own_by_module(
        subject, count, agreement, flops_per_mac, nonzero=nonzero, frozen=frozen
    )
    tallies = {own.path: tally(own) for own in modules}
    sums = sums_of(tallies, subject.repeats)
    complete = agreement is None or agreement.complete
    notes = (*constant_notes(subject.model), *_notes(subject, count, agreement, flops=flops))
    notes += routing_notes(modules)
    notes += (*loose_weight_notes(subject.model), *shared_memory_notes(subject.model))
    notes += () if count is None else tuple(made_notes(count.made))
    if count is not None and count.draws:
        text = "its forward draws random numbers: if they choose which layers run, this is one draw"
        notes += (Note(level="info", text=text),)
    if nonzero:
        notes += nonzero_notes(subject.model, modules)
    totals = _totals(sums[""], ran=count is not None, complete=complete)
    device = count.device if count is not None else None
    if totals_alone:
        return (MODULES.filled((), totals=totals, notes=notes, device=device),)
    depths = _depth_rows(subject, count)
    types = tuple(type_rows(subject, count, modules, flops_per_mac))
    said = tuple(summary(totals, depths, sums[""].fp32_bytes))
    return (
        MODULES.filled(
            (_row(path, own, sums[own.path]) for path, own in expand(modules, subject.repeats)),
            totals=totals,
            notes=notes,
            headline=tuple(headline(totals, depths, sums[""].fp32_bytes, flops_per_mac)),
            summary=said,
            device=device,
            about=f"frozen {', '.join(freeze)}" if freeze else "",
        ),
        COMPONENTS.filled(_component_rows(modules, tallies, subject.repeats), summary=said),
        TYPES.filled(types, summary=(*legend(types), *said)),
        OPERATORS.filled(_operator_rows(subject, count), summary=said),
        DEPTH.filled(depths, summary=said),
    )


def _notes(
    subject: Subject, count: ForwardCount | None, agreement: Agreement | None, *, flops: bool
) -> tuple[Note, ...]:
    if not flops:
        text = "parameters alone are counted, as asked; multiply-accumulates are left out"
        return (Note(level="info", text=text),)
    if count is None or agreement is None:
        text = "no inputs given: parameters are counted, multiply-accumulates are unknown"
        return (Note(level="warning", text=text),)
    if count.fvcore is None or not agreement.complete:
        return agreement.notes
    held, alone = len(agreement.agreed), agreement.alone
    if not held:
        return agreement.notes
    text = (
        f"fvcore and torch's dispatcher count the same {'other ' * alone}multiply-accumulates in "
        f"{'every module' if held != 1 else 'the one module'} that has any ({held} compared, "
        f"{'on shapes alone' if count.execution == 'shapes' else 'on data'})"
    )
    return (*agreement.notes, Note(level="info", text=text))


def _row(path: str, own: Own, whole: Tally) -> ModuleRow:
    return ModuleRow(
        path=path,
        type=own.type,
        settings=own.settings,
        component=own.component,
        calls=own.work.calls,
        input_shape=own.work.input_shape,
        output_shape=own.work.output_shape,
        channels_in=own.channels[0],
        channels_out=own.channels[1],
        trainable=whole.trainable,
        frozen=whole.frozen,
        buffers=whole.buffers,
        nonzero=whole.nonzero.exact,
        macs=whole.macs.exact,
        effective_macs=whole.effective_macs.exact,
        flops=whole.flops.exact,
        complete=whole.complete and whole.macs.complete,
        own_trainable=own.weights.trainable,
        own_frozen=own.weights.frozen,
        own_buffers=own.weights.buffers,
        own_nonzero=own.weights.nonzero,
        own_macs=own.work.macs,
        own_effective_macs=own.effective_macs,
        own_flops=own.work.flops,
        shared_with=own.weights.shared_with,
        params_form=own.params_form,
        macs_form=own.macs_form,
    )


def _totals(whole: Tally, *, ran: bool, complete: bool) -> Totals:
    return Totals(
        trainable=whole.trainable,
        frozen=whole.frozen,
        active=whole.active.exact,
        buffers=whole.buffers,
        weight_bytes=whole.weight_bytes,
        nonzero=whole.nonzero.exact,
        macs=whole.macs.known if ran else None,
        effective_macs=whole.effective_macs.exact if ran and complete else None,
        flops=whole.flops.known if ran and whole.flops.is_known else None,
        complete=complete,
    )


def _component_rows(
    modules: list[Own], tallies: Mapping[str, Tally], repeats: tuple[Repeat, ...]
) -> tuple[ComponentRow, ...]:
    sums: dict[str, Tally] = {}
    for own in modules:
        times = copies_of(own.path, repeats)
        here = tallies[own.path] * times if times > 1 else tallies[own.path]
        sums[own.component] = sums[own.component] + here if own.component in sums else here
    rows = (
        ComponentRow(
            component=name,
            trainable=whole.trainable,
            frozen=whole.frozen,
            macs=whole.macs.exact,
            flops=whole.flops.exact,
        )
        for name, whole in sums.items()
    )
    return tuple(row for row in rows if row.trainable or row.frozen or row.macs or row.flops)


def _operator_rows(subject: Subject, count: ForwardCount | None) -> tuple[OperatorRow, ...]:
    if count is None:
        return ()
    times = {repeat.path: len(repeat.copies) for repeat in subject.repeats}
    containers = {path.rpartition(".")[0] for path in times}
    calls: Counter[tuple[str, str]] = Counter()
    elements: Counter[tuple[str, str]] = Counter()
    macs: Counter[tuple[str, str]] = Counter()
    estimated: Counter[tuple[str, str]] = Counter()
    for (path, operator), ran in count.dispatcher.work.items():
        copies = times.get(block_of(path, containers) or "", 1)
        key = operator, ran.kind
        calls[key] += copies * ran.calls
        elements[key] += copies * ran.elements
        macs[key] += copies * ran.macs
        estimated[key] += copies * ran.estimated_flops
    return tuple(
        OperatorRow(
            operator=operator,
            kind=kind,
            calls=calls[operator, kind],
            elements=elements[operator, kind],
            macs=None if kind == "unknown" else macs[operator, kind],
            estimated_flops=estimated[operator, kind] if kind == "estimated" else None,
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
