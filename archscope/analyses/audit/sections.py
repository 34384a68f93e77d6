"""Puts together the sections of the audit: the counters, and why they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archscope.analyses.audit.causes import Cause
from archscope.analyses.audit.evidence import Evidence, gather
from archscope.analyses.audit.headline import headline
from archscope.analyses.audit.macs import causes as causes_in_macs
from archscope.analyses.audit.params import causes as causes_in_params
from archscope.analyses.audit.rows import (
    DIFFERENCES,
    TOOLS,
    UNEXPLAINED,
    AuditTotals,
    DifferenceRow,
    ToolRow,
)
from archscope.counting.agreement import compare
from archscope.counting.forward import ForwardCount, count_forward
from archscope.counting.fused import FusedAttention
from archscope.counting.isolated_run import Outcome, run
from archscope.counting.others import Figures, tools
from archscope.errors import ForwardError, UsageError, first_line
from archscope.results import Note, Section
from archscope.running.attributes import parameters_of
from archscope.subject import Subject
from archscope.version import __version__

_COUNTED = "MACs of products, convolutions, attention; shared weights once"
_PARAMS = 2**27
_MACS = 2**35
"""Parameters and multiply-accumulates up to which a network is run on data, some six times over:
half a gigabyte of weights, seconds on one core."""


def sections(subject: Subject, real: Callable[[], Subject] | None) -> tuple[Section, ...]:
    """Audit `subject`; see `archscope.analyses.audit.analysis.run`."""
    if subject.repeats:
        raise UsageError("a network with its repeated blocks built once cannot be audited")
    fused = FusedAttention()
    count = _counted(subject, fused)
    evidence = gather(subject.model, count, fused.macs)
    agreement = compare(count)
    on_shapes = any(parameter.is_meta for parameter in parameters_of(subject.model))
    if on_shapes and real and evidence.params <= _PARAMS and evidence.macs <= _MACS:
        subject, on_shapes = real(), False
    assert subject.inputs is not None
    reached = "needs a copy, and this network reaches itself by a name from outside"
    outcomes = [
        Outcome(tool=tool, reason=reached)
        if count.in_place
        else run(tool, subject.model, subject.inputs)
        for tool in tools()
    ]
    differences = tuple(row for outcome in outcomes for row in _differences(outcome, evidence))
    figures = Figures(params=evidence.params, macs=evidence.macs)
    others = (
        _row(o.tool.name, o.version, o.figures, o.reason or o.tool.convention, evidence)
        for o in outcomes
    )
    ours = _row("archscope", __version__, figures, _COUNTED, evidence)
    totals = _totals(outcomes, differences, evidence, agreement.complete)
    return (
        TOOLS.filled(
            (ours, *others),
            totals=totals,
            notes=(
                _verdict(totals),
                *agreement.notes,
                *_notes(outcomes, differences, on_shapes),
            ),
            headline=tuple(headline(totals)),
            device="meta" if on_shapes else _device(subject, count),
        ),
        DIFFERENCES.filled(differences),
    )


def _counted(subject: Subject, fused: FusedAttention) -> ForwardCount:
    count = count_forward(subject, around=fused.following)
    if count.failure is not None:
        where = count.dispatcher.failed_in or "the model itself"
        raise ForwardError(
            f"forward failed in {where}: {first_line(count.failure)}; there is nothing to compare"
        ) from count.failure
    return count


def _device(subject: Subject, count: ForwardCount) -> str:
    """Return where the counters ran a network that has data; ours may have run without."""
    return next((str(p.device) for p in parameters_of(subject.model)), count.device)


def _row(
    tool: str, version: str | None, figures: Figures | None, state: str, evidence: Evidence
) -> ToolRow:
    params = figures.params if figures else None
    macs = figures.macs if figures else None
    return ToolRow(
        tool=tool,
        version=version,
        params=params,
        params_ratio=_share(params, evidence.params),
        macs=macs,
        macs_ratio=_share(macs, evidence.macs),
        state=state,
        counted=figures is not None,
    )


def _share(part: int | None, whole: int) -> float | None:
    return None if part is None or not whole else part / whole


def _differences(outcome: Outcome, evidence: Evidence) -> Iterator[DifferenceRow]:
    """Yield a row for each reason, the largest first."""
    figures = outcome.figures
    if figures is None:
        return
    if figures.params is not None:
        found = causes_in_params(figures, evidence)
        yield from _grouped(outcome.tool.name, "params", found, evidence.params)
    found = causes_in_macs(outcome.tool, figures, evidence)
    yield from _grouped(outcome.tool.name, "macs", found, evidence.macs)


def _grouped(tool: str, quantity: str, causes: list[Cause], whole: int) -> list[DifferenceRow]:
    groups: dict[str | None, list[Cause]] = {}
    for cause in causes:
        groups.setdefault(cause.reason, []).append(cause)
    rows = [
        DifferenceRow(
            tool=tool,
            quantity=quantity,
            amount=sum(cause.amount for cause in group),
            share=_share(sum(cause.amount for cause in group), whole),
            reason=reason or UNEXPLAINED,
            modules=len({cause.path for cause in group} - {None}) or None,
            example=next((cause.path for cause in group if cause.path is not None), ""),
            explained=reason is not None,
        )
        for reason, group in groups.items()
    ]
    return sorted(rows, key=lambda row: (-abs(row.amount), row.reason))


def _totals(
    outcomes: list[Outcome],
    differences: tuple[DifferenceRow, ...],
    evidence: Evidence,
    complete: bool,
) -> AuditTotals:
    counted = [outcome.tool.name for outcome in outcomes if outcome.figures is not None]
    different = {row.tool for row in differences}
    return AuditTotals(
        our_params=evidence.params,
        our_macs=evidence.macs,
        complete=complete,
        counters=len(counted),
        agreeing=len(set(counted) - different),
        unexplained=len({row.tool for row in differences if not row.explained}),
    )


def _verdict(totals: AuditTotals) -> Note:
    """Return in a sentence how the other counters stand to ours."""
    rest = totals.counters - totals.agreeing
    said = f"{totals.agreeing} of {totals.counters} other counters agree"
    if not totals.counters:
        return Note(level="info", text="no other counter gave figures: there is nothing to compare")
    if totals.unexplained:
        text = f"{said}; {totals.unexplained} differ for an unexplained reason"
        return Note(level="warning", text=text)
    why = "; every difference of the others is explained" if rest else ""
    return Note(level="info", text=said + why)


def _notes(
    outcomes: list[Outcome], differences: tuple[DifferenceRow, ...], on_shapes: bool
) -> Iterator[Note]:
    for outcome in outcomes:
        if outcome.figures is None:
            continue
        rows = [row for row in differences if row.tool == outcome.tool.name]
        if not rows:
            yield Note(level="ok", text=f"{outcome.tool.name} agrees")
            continue
        explained = all(row.explained for row in rows)
        yield Note(
            level="info" if explained else "warning",
            text=f"{outcome.tool.name} differs"
            + ("" if explained else "; a part of it has no explanation"),
            details=tuple(_sentence(row) for row in rows),
        )
    if on_shapes:
        text = (
            "the counters ran on shapes alone, since the network is large; one that needs data "
            "gives no figures"
        )
        yield Note(level="info", text=text)


def _sentence(row: DifferenceRow) -> str:
    word = {"params": "parameters", "macs": "MACs"}[row.quantity]
    where = ""
    if row.modules:
        number = "1 module" if row.modules == 1 else f"{row.modules:,} modules"
        where = f" ({number}: {row.example or 'the model itself'})"
        if row.modules > 1:
            where = f" ({number}, the first {row.example or 'the model itself'})"
    return f"{row.amount:+,} {word}: {row.reason}{where}"
