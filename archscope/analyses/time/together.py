"""Times several networks in turns, in one run, so that what drifts falls on all of them alike.

A turn runs all of them in order and back again, A B B A: what grows evenly within a turn cancels in
its ratio, what changes from turn to turn too. Where the device has a cache to be emptied it is,
before each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from archscope.analyses.time.conditions import conditions
from archscope.analyses.time.measure import Measured, require_sense, way_of
from archscope.analyses.time.notes import advice
from archscope.analyses.time.rows import CONDITIONS, SAMPLES
from archscope.analyses.time.rows import SampleRow as Sample
from archscope.analyses.time.rows_together import RATIOS, RatioRow, RatioTotals
from archscope.analyses.time.settings import Settings
from archscope.errors import ArchscopeError, UsageError, is_out_of_memory
from archscope.results import Headline, Note, Section
from archscope.running.process import process_as_found
from archscope.subject import Subject
from archscope.timing.advice import heard
from archscope.timing.cache import emptied
from archscope.timing.clocks import clock_for
from archscope.timing.devices import name_of, resolve
from archscope.timing.machine import read
from archscope.timing.out_of_memory import free
from archscope.timing.passes import Workload, failures_told, first_call, ready
from archscope.timing.precision import check, tries_algorithms
from archscope.timing.sampling import Plan, Samples, Stage, sample
from archscope.timing.statistics import median_interval, summarise

if TYPE_CHECKING:
    import torch

Counted = Mapping[str, int | None]
"""Multiply-accumulates of one pass of each network, by what it is called."""


def together(
    subjects: Mapping[str, Subject], counted: Counted, settings: Settings
) -> tuple[Section, ...]:
    """Time networks by what they are called; return the sections ratios, samples and conditions.

    Raises `ArchscopeError` where they do not fit into memory side by side.
    """
    device = resolve(settings.device)
    require_sense(settings, device)
    try:
        found = process_as_found(lambda: _measure(subjects, settings, device))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        error.__traceback__ = None
    else:
        return _sections(found, subjects, counted)
    free(device)
    raise ArchscopeError(
        f"{device.type.upper()} out of memory for {len(subjects)} networks at once. Use a smaller "
        "batch, or time them one by one."
    )


def _measure(subjects: Mapping[str, Subject], settings: Settings, device: torch.device) -> Measured:
    precision, way = check(settings.dtype, device), way_of(settings)
    clock = clock_for(device)
    cache = None if settings.warm_cache else emptied(device)
    with heard() as said, ExitStack() as opened:
        stages = []
        for name, subject in subjects.items():
            if subject.inputs is None:
                raise UsageError(f"{name}: time needs inputs for the network")
            workload = opened.enter_context(
                ready(
                    subject.model, subject.inputs, device=device, precision=precision, way=way,
                    copy=settings.copy,
                )
            )  # fmt: skip
            first_call(workload.stages[0].run, workload.original)
            for stage in workload.stages[1:]:
                stage.run()
            stages.append(Stage(name=name, run=_whole(workload), before=cache))
        turn = [*stages, *reversed(stages)]
        plan = Plan(warmup=settings.warmup, runs=settings.runs, budget_s=settings.budget)
        with failures_told("a pass after the first"):
            samples = sample(turn, clock, plan, what="timing in turns")
        if not samples.seconds or (samples.interrupted and not settings.keep_interrupted):
            raise KeyboardInterrupt
        return Measured(
            settings=settings,
            device=device,
            device_name=name_of(device),
            precision=way.autocast or precision,
            card=None,
            clock=clock.name,
            ready_s=0.0,
            stages=tuple(subjects),
            samples=samples,
            peak_bytes=None,
            benchmark=tries_algorithms(),
            cache_emptied=cache is not None,
            machine=read(device),
            advice=tuple(said),
            interrupted=samples.interrupted,
        )


def _whole(workload: Workload) -> Callable[[], object]:
    """Return what runs a pass: all stages of a training step."""
    runs = [stage.run for stage in workload.stages]
    if len(runs) == 1:
        return runs[0]

    def step() -> None:
        for run in runs:
            run()

    return step


def _sections(
    found: Measured, subjects: Mapping[str, Subject], counted: Counted
) -> tuple[Section, ...]:
    rows = tuple(_rows(found.samples, tuple(subjects), counted))
    totals = RatioTotals(
        device=str(found.device),
        stage=found.settings.pass_name,
        turns=len(found.samples.seconds) * found.samples.runs_each,
        interrupted=found.interrupted,
    )
    taken = [
        Sample(stage=name, run=number, seconds=seconds, runs=found.samples.runs_each)
        for name, times in _times(found.samples, tuple(subjects))
        for number, seconds in enumerate(times, start=1)
    ]
    where = str(found.device)
    said = [
        row
        for row in conditions(next(iter(subjects.values())), found)
        if row.name not in ("batch", "ready after", "dense peak", "memory bandwidth")
    ]
    each = found.samples.runs_each
    means = "" if each == 1 else f", {each:,} to a sample, which is their mean"
    how = f"{totals.turns:,} turns{means}, each network twice in each, on {found.device_name}"
    return (
        RATIOS.filled(
            rows,
            totals=totals,
            notes=tuple(_notes(rows, found)),
            headline=tuple(_headline(rows, found.device_name)),
            summary=((f"{how} · clock: {found.clock}",),),
            device=where,
        ),
        SAMPLES.filled(taken, device=where),
        CONDITIONS.filled(said, device=where),
    )


def _times(samples: Samples, names: Sequence[str]) -> Iterator[tuple[str, list[float]]]:
    """Yield each network with its times, two of each turn."""
    for at, name in enumerate(names):
        yield name, [turn[place] for turn in samples.seconds for place in (at, -1 - at)]


def _rows(samples: Samples, names: Sequence[str], counted: Counted) -> Iterator[RatioRow]:
    first = [turn[0] + turn[-1] for turn in samples.seconds]
    for at, (name, times) in enumerate(_times(samples, names)):
        spread = summarise(times)
        pairs = zip(samples.seconds, first, strict=True)
        ratios = sorted((turn[at] + turn[-1 - at]) / other for turn, other in pairs)
        interval = median_interval(ratios) if at else None
        macs = counted[name]
        yield RatioRow(
            network=name,
            median_s=spread.median_s,
            p5_s=spread.p5_s,
            p95_s=spread.p95_s,
            samples=spread.samples,
            macs=macs,
            flops_per_s=2 * macs / spread.median_s if macs else None,
            ratio=summarise(ratios).median_s if at else None,
            ratio_low=interval[0] if interval else None,
            ratio_high=interval[1] if interval else None,
            runs_each=samples.runs_each,
        )


def _headline(rows: Sequence[RatioRow], device: str) -> Iterator[Headline]:
    first, *others = rows
    for row in others:
        interval = ""
        if row.ratio_low is not None and row.ratio_high is not None:
            interval = f"; between {row.ratio_low:.2f} and {row.ratio_high:.2f} at 95%"
        yield Headline(
            name=f"Time of {row.network}",
            value=row.ratio,
            kind="number",
            detail=(f"times that of {first.network}, on {device}{interval}",),
            order=40,
        )


def _notes(rows: Sequence[RatioRow], found: Measured) -> Iterator[Note]:
    first, *others = rows
    if found.interrupted:
        turns = len(found.samples.seconds) * found.samples.runs_each
        yield Note(level="warning", text=f"interrupted after {turns} turns")
    if found.device.type == "cpu":
        yield Note(level="info", text="timed on the CPU, which says nothing about a GPU's time")
    yield from advice((found,))
    for row in others:
        if row.ratio_low is None or row.ratio_high is None:
            yield Note(
                level="info",
                text=f"{row.network}: too few turns for an interval; raise --runs or --budget",
            )
        elif row.ratio_low <= 1 <= row.ratio_high:
            yield Note(
                level="info",
                text=f"{row.network} and {first.network} cannot be told apart: the interval of "
                "their ratio contains 1",
            )
