"""Times a pass with one batch size after another, until memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archscope.analyses.time.batch import batch_axis, items_of
from archscope.analyses.time.conditions import conditions
from archscope.analyses.time.measure import Measured, measured
from archscope.analyses.time.notes import advice, device_notes
from archscope.analyses.time.rows import (
    BATCHES,
    CONDITIONS,
    SAMPLES,
    BatchRow,
    BatchTotals,
    SampleRow,
)
from archscope.analyses.time.settings import Settings
from archscope.errors import UsageError
from archscope.results import Amount, Headline, Note, Section, Words
from archscope.subject import Subject
from archscope.timing.out_of_memory import batch_size, free, with_batch
from archscope.timing.statistics import summarise

if TYPE_CHECKING:
    from archscope.analyses.time.work import Counts

ENOUGH = 0.95
"""Of the largest throughput: where a larger batch is hardly worth its memory."""
Fits = Callable[[int], bool]
"""Says whether a batch is to be tried."""


def by_batch(
    subject: Subject, sizes: Sequence[int], counts: Counts | None, settings: Settings, fits: Fits
) -> tuple[Section, ...]:
    """Return the sections batches, samples and conditions.

    `counts` are those of the inputs as they are given; a batch of twice the size does twice as
    much. Inputs are cut, or repeated, along the axis on which samples lie.
    """
    if subject.inputs is None:
        raise UsageError(f"{subject.name}: time needs inputs for the network")
    axis = batch_axis(subject.model, subject.inputs)
    given = batch_size(subject.inputs, axis)
    if axis is None or given is None:
        raise UsageError(
            f"{subject.name}: it takes a single sample, so there is no batch size to choose"
        )
    each = replace(settings, budget=settings.budget / len(sizes), cuda_graph=False)
    found: dict[int, Measured | None] = {}
    for size in sorted(set(sizes)):
        found[size] = _timed(subject, size, axis, each) if fits(size) else None
        last = found[size]
        if last is None or last.interrupted:
            break
    macs = None if counts is None else counts.total
    rows = tuple(_rows(subject, found, sizes, None if macs is None else macs / given))
    return tuple(_sections(subject, found, rows))


def _timed(subject: Subject, size: int, axis: int, settings: Settings) -> Measured | None:
    assert subject.inputs is not None
    cut = replace(subject, inputs=with_batch(subject.inputs, size, axis))
    what = f"timing batch {size}"
    found = measured(cut, settings, explain=False, what=what, axis=axis)
    if found is not None:
        if found.interrupted and not settings.keep_interrupted:
            raise KeyboardInterrupt
        free(found.device)
    return found


def _rows(
    subject: Subject,
    found: dict[int, Measured | None],
    sizes: Sequence[int],
    macs_each: float | None,
) -> Iterator[BatchRow]:
    for size in sorted(set(sizes)):
        one = found.get(size)
        if one is None:
            why = "out of memory" if size in found else "a smaller one did not fit"
            interrupted = any(each is not None and each.interrupted for each in found.values())
            why = "interrupted before" if interrupted and size not in found else why
            yield BatchRow(
                batch=size, median_s=None, p5_s=None, p95_s=None, samples=0, items_per_s=None,
                flops_per_s=None, peak_share=None, peak_bytes=None, unknown=why,
            )  # fmt: skip
        else:
            yield _row(subject, size, one, macs_each)


def _row(subject: Subject, size: int, found: Measured, macs_each: float | None) -> BatchRow:
    spread = summarise(found.samples.whole())
    assert subject.inputs is not None
    axis = found.batch_axis
    cut = replace(subject, inputs=with_batch(subject.inputs, size, axis or 0))
    items = items_of(cut, axis)[1]
    forward = found.settings.step == "forward"
    rate = 2 * macs_each * size / spread.median_s if macs_each and forward else None
    peak = None if found.card is None else found.card.peak(found.precision)
    return BatchRow(
        batch=size,
        median_s=spread.median_s,
        p5_s=spread.p5_s,
        p95_s=spread.p95_s,
        samples=spread.samples,
        items_per_s=items / spread.median_s if items else None,
        flops_per_s=rate,
        peak_share=rate / peak if rate and peak else None,
        peak_bytes=None if found.peak_bytes is None else max(found.peak_bytes),
        unknown=None,
        runs_each=found.samples.runs_each,
    )


def _sections(
    subject: Subject, found: dict[int, Measured | None], rows: Sequence[BatchRow]
) -> Iterator[Section]:
    timed = {size: one for size, one in found.items() if one is not None}
    if not timed:
        raise UsageError(f"not even batch {min(found)} fits into memory; give smaller ones")
    last = timed[max(timed)]
    where = str(last.device)
    totals = _totals(subject, last, rows)
    yield BATCHES.filled(
        rows,
        totals=totals,
        notes=(*_notes(last, rows), *advice(timed.values())),
        headline=tuple(_headline(rows, totals, last.device_name)),
        summary=tuple(_summary(rows, totals)),
        device=where,
    )
    samples = (
        SampleRow(
            stage=f"{totals.stage}, batch {size}",
            run=number,
            seconds=seconds,
            runs=one.samples.runs_each,
        )
        for size, one in timed.items()
        for number, seconds in enumerate(one.samples.whole(), start=1)
    )
    yield SAMPLES.filled(samples, device=where)
    said = conditions(subject, last)
    yield CONDITIONS.filled((row for row in said if row.name != "batch"), device=where)


def _totals(subject: Subject, last: Measured, rows: Sequence[BatchRow]) -> BatchTotals:
    rates = {row.batch: row.items_per_s for row in rows if row.items_per_s is not None}
    best = max(rates, key=lambda size: rates[size], default=None)
    most = 0.0 if best is None else rates[best]
    return BatchTotals(
        device=str(last.device),
        stage=last.settings.pass_name,
        item=items_of(subject, last.batch_axis)[0],
        best=best,
        enough=next((size for size, rate in rates.items() if rate >= ENOUGH * most), None),
        interrupted=last.interrupted,
    )


def _notes(last: Measured, rows: Sequence[BatchRow]) -> Iterator[Note]:
    yield from device_notes(last)
    if last.peak_unknown is not None:
        yield Note(level="info", text=f"peak memory is unknown, because {last.peak_unknown}")
    missing = [row for row in rows if row.unknown == "out of memory"]
    for row in missing:
        yield Note(level="info", text=f"batch {row.batch} does not fit into memory")


def _headline(rows: Sequence[BatchRow], totals: BatchTotals, device: str) -> Iterator[Headline]:
    best = next((row for row in rows if row.batch == totals.best), None)
    if best is not None:
        yield Headline(
            name=f"Most {totals.item}s/s",
            value=best.items_per_s,
            kind="rate",
            detail=(f"at batch {best.batch}, on {device}",),
            order=40,
        )


def _summary(rows: Sequence[BatchRow], totals: BatchTotals) -> Iterator[Words]:
    best = next((row for row in rows if row.batch == totals.best), None)
    if best is None:
        return
    most = Amount(value=best.items_per_s, kind="rate")
    yield (f"most at batch {best.batch}: ", most, f" {totals.item}s/s")
    if totals.enough != best.batch:
        yield (f"{ENOUGH:.0%} of that from batch {totals.enough} on",)
