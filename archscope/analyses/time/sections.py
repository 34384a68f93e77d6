"""Puts together the sections of the time analysis: passes, layers, samples, conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archscope.analyses.time.batch import items_of
from archscope.analyses.time.conditions import conditions
from archscope.analyses.time.layers import layer_rows
from archscope.analyses.time.notes import notes
from archscope.analyses.time.roof import roof_of
from archscope.analyses.time.rows import (
    CONDITIONS,
    LAYERS,
    PASSES,
    SAMPLES,
    LayerRow,
    PassRow,
    SampleRow,
    Totals,
)
from archscope.analyses.time.summary import headline, passes, taken
from archscope.results import Section
from archscope.subject import Subject
from archscope.timing.out_of_memory import batch_size
from archscope.timing.statistics import summarise

if TYPE_CHECKING:
    from archscope.analyses.time.measure import Measured
    from archscope.analyses.time.work import Counts
    from archscope.timing.sampling import Samples

STEP = "training step"
GRAPH = ", CUDA graph"
"""Stands behind the name of a pass that is replayed as one."""
FORWARD = "forward"
DECODE = "decode"
_PER_ITEM = (FORWARD, STEP, FORWARD + GRAPH, DECODE, DECODE + GRAPH)
"""The passes that take in a whole batch."""


def sections(subject: Subject, found: Measured, counts: Counts | None) -> tuple[Section, ...]:
    """Return what was measured as sections; see `archscope.analyses.time.analysis.run`."""
    item, items = items_of(subject, found.batch_axis)
    if found.settings.step == DECODE and items is not None:
        items = batch_size(subject.inputs) if subject.inputs else None
    series = tuple(_series(found))
    rows = tuple(_pass_row(found, counts, items, *one) for one in series)
    # What params counted of modules is not what they do for one token.
    of_modules = None if found.settings.step == DECODE else counts
    modules = layer_rows(found, of_modules, rows[0].median_s)
    bound_s = _bound(found, counts, modules)
    rows = tuple(_with_bound(row, bound_s) for row in rows)
    totals = Totals(
        device=str(found.device),
        macs=None if counts is None else counts.total,
        item=item,
        items=items,
        complete=counts is not None and counts.complete,
        interrupted=found.interrupted,
    )
    samples = tuple(
        SampleRow(stage=name, run=number, seconds=seconds, runs=_taken(found, name).runs_each)
        for name, times, _ in series
        if name != STEP  # the sum of its stages
        for number, seconds in enumerate(times, start=1)
    )
    where = str(found.device)
    said = conditions(subject, found)
    how = tuple(taken(said))
    shown: tuple[Section, ...] = (
        PASSES.filled(
            rows,
            totals=totals,
            notes=notes(found, counts, rows, modules),
            headline=(headline(rows[0], found.device_name),),
            summary=how,
            device=where,
        ),
    )
    if found.settings.per_layer and modules:
        shown += (LAYERS.filled(modules, summary=(passes(rows), *how), device=where),)
    return (
        *shown,
        SAMPLES.filled(samples, device=where),
        CONDITIONS.filled(said, device=where),
    )


def _series(found: Measured) -> Iterator[tuple[str, Sequence[float], int | None]]:
    """Yield the name, the samples and the peak memory of each pass."""
    peaks = found.peak_bytes
    for index, name in enumerate(found.stages):
        yield name, found.samples.stage(index), None if peaks is None else peaks[index]
    if len(found.stages) > 1:
        yield STEP, found.samples.whole(), None if peaks is None else max(peaks)
    if found.graph is not None:
        yield found.stages[0] + GRAPH, found.graph.whole(), None


def _taken(found: Measured, name: str) -> Samples:
    """Return the sampling that a pass was taken in."""
    return found.graph if name.endswith(GRAPH) and found.graph is not None else found.samples


def _pass_row(
    found: Measured,
    counts: Counts | None,
    items: int | None,
    name: str,
    times: Sequence[float],
    peak_bytes: int | None,
) -> PassRow:
    summary = summarise(times)
    macs = _macs(found, counts, name)
    flops_per_s = 2 * macs / summary.median_s if macs else None
    peak = None if found.card is None else found.card.peak(found.precision)
    return PassRow(
        stage=name,
        median_s=summary.median_s,
        p5_s=summary.p5_s,
        p95_s=summary.p95_s,
        iqr_s=summary.iqr_s,
        samples=summary.samples,
        items_per_s=items / summary.median_s if items and name in _PER_ITEM else None,
        macs=macs,
        flops_per_s=flops_per_s,
        peak_share=flops_per_s / peak if flops_per_s and peak else None,
        peak_bytes=peak_bytes,
        runs_each=_taken(found, name).runs_each,
    )


def _bound(found: Measured, counts: Counts | None, modules: Sequence[LayerRow]) -> float | None:
    """Return what a pass takes at least on the card: module by module, or a step of decoding."""
    if found.settings.step != DECODE:
        return next((row.bound_s for row in modules if not row.path), None)
    roof = None if found.card is None else roof_of(found.card, found.precision)
    if roof is None or found.step_bytes is None:
        return None
    return roof.bound(None if counts is None else counts.total, found.step_bytes).seconds


def _with_bound(row: PassRow, bound_s: float | None) -> PassRow:
    if row.stage.removesuffix(GRAPH) not in (FORWARD, DECODE) or not bound_s:
        return row
    return replace(row, bound_s=bound_s, over_bound=row.median_s / bound_s)


def _macs(found: Measured, counts: Counts | None, name: str) -> int | None:
    forward = None if counts is None else counts.total
    backward = found.backward.macs if found.backward and not found.backward.unknown else None
    if name == "backward":
        return backward
    if name == STEP:
        return None if forward is None or backward is None else forward + backward
    return 0 if name == "optimiser" else forward
