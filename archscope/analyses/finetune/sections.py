"""Puts together the sections of the finetune analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.finetune.rows import (
    MODULES,
    PARTS,
    TIMELINE,
    WAYS,
    PartRow,
    TimelineRow,
    WayRow,
)
from archscope.analyses.finetune.settings import Settings
from archscope.analyses.finetune.ways import Way, ways
from archscope.analyses.memory.notes import adapter_notes, bound_notes
from archscope.analyses.memory.notes import notes as step_notes
from archscope.analyses.memory.rows import Totals
from archscope.analyses.memory.run_step import has_few_turns
from archscope.analyses.memory.sections import module_rows, part_rows, totals_of
from archscope.results import Headline, Note, Section
from archscope.subject import Subject
from archscope.training.peak import peak, timeline

MOST_TURNS = 200
"""Parts of a step up to which a line through it is drawn."""


def sections(subject: Subject, asked: Settings) -> tuple[Section, ...]:
    """Run a step in each way; see `archscope.analyses.finetune.analysis.run`."""
    failures: list[str] = []
    found = list(ways(subject, asked, failures))
    totals = [totals_of(way.step, peak(way.step)) for way in found]
    full = found[0]
    said = {"device": "cpu" if full.step.has_data else "cpu, without data"}
    about = " · ".join(
        filter(None, (asked.optimizer, "" if asked.dtype == "as-is" else asked.dtype))
    )
    return (
        WAYS.filled(
            map(_way_row, found, totals, [found[0]] * len(found), [totals[0]] * len(found)),
            notes=(*_notes(full, totals[0], failures), *_of_adapters(subject, asked, found)),
            headline=tuple(_headline(totals[0])),
            about=about,
            **said,
        ),
        PARTS.filled(_part_rows(found, totals), **said),
        MODULES.filled(module_rows(full.step), **said),
        TIMELINE.filled(_timeline_rows(found, totals)),
    )


def _of_adapters(subject: Subject, asked: Settings, found: Sequence[Way]) -> Iterator[Note]:
    if any(way.name == "LoRA" for way in found):
        yield from adapter_notes(subject.model, asked.lora)


def _way_row(way: Way, totals: Totals, full: Way, whole: Totals) -> WayRow:
    work, forward = way.work, full.work.forward_macs
    step = work.forward_macs + work.backward_macs + work.again_macs
    complete = not work.unknown and not work.filled
    counted = forward and complete and not full.work.unknown and not full.work.filled
    known = totals.peak is not None and whole.peak is not None
    return WayRow(
        way=way.name,
        trained=work.trained,
        saved=totals.saved,
        saved_of_full=totals.saved / whole.saved if whole.saved else 0.0,
        fixed=totals.gradients + totals.states,
        peak=totals.peak,
        peak_of_full=(totals.peak or 0) / (whole.peak or 1) if known else None,
        backward=work.backward_macs,
        recomputed=work.again_macs,
        step=step / forward if counted else None,
        complete=complete,
        again_complete=complete or not work.again_macs,
        trains=way.trains,
    )


def _part_rows(found: Sequence[Way], totals: Sequence[Totals]) -> Iterator[PartRow]:
    for way, those in zip(found, totals, strict=True):
        if those.peak is None:
            continue
        for row in part_rows(those, peak(way.step)):
            yield PartRow(way=way.name, part=row.part, at_peak=row.at_peak or 0)


def _timeline_rows(found: Sequence[Way], totals: Sequence[Totals]) -> Iterator[TimelineRow]:
    for way, those in zip(found, totals, strict=True):
        if those.peak is None or not has_few_turns(way.step):
            continue
        there = those.weights + those.states + those.buffers + those.inputs
        turns = list(timeline(way.step))
        width = -(-len(turns) // MOST_TURNS)
        parts = (turns[at : at + width] for at in range(0, len(turns), width))
        for number, part in enumerate(parts, start=1):
            phase, path, alive = max(part, key=lambda turn: turn[2])
            yield TimelineRow(
                way=way.name, turn=number, phase=phase, path=path, alive=there + alive
            )


def _headline(totals: Totals) -> Iterator[Headline]:
    yield Headline(
        name="Peak of a training step",
        value=totals.peak,
        kind="bytes",
        detail=(f"all of it trained, in the {totals.peak_phase}",)
        if totals.peak_phase
        else ("not known here",),
        order=30,
    )


def _notes(full: Way, totals: Totals, failures: Sequence[str]) -> Iterator[Note]:
    yield from (Note(level="info", text=f"no row of {failure}") for failure in failures)
    yield from bound_notes(full.work)
    yield from step_notes(full.step, full.settings, totals, 1, ())
