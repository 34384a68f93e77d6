"""Puts together the sections of the memory analysis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from archscope.analyses.memory.closed_form import agreement, closed_form, closed_rows, refusal
from archscope.analyses.memory.notes import adapter_notes, headline, notes, recurrent_in, summary
from archscope.analyses.memory.real_step import check_rows
from archscope.analyses.memory.rows import (
    CHECK,
    CLOSED,
    MODULES,
    PARTS,
    SAVED,
    TIMELINE,
    ModuleRow,
    PartRow,
    SavedRow,
    TimelineRow,
    Totals,
)
from archscope.analyses.memory.run_step import has_few_turns, whole_where_cheap
from archscope.analyses.memory.settings import Settings
from archscope.counting.loose_weights import loose_weight_notes, shared_memory_notes
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.results import Section
from archscope.running.module_stack import outwards
from archscope.subject import Subject
from archscope.training.folding import block_of, names, times_saved, unfolded_paths
from archscope.training.micro_batch import in_parts
from archscope.training.peak import Peak, peak, timeline
from archscope.training.saved import Saved
from archscope.training.step import Step


def sections(subject: Subject, settings: Settings) -> tuple[Section, ...]:
    """Run a step of `subject` and return what it keeps; see `analysis.run`."""
    subject, passes = in_parts(subject, settings.micro_batch)
    step = whole_where_cheap(subject, settings, passes)
    most = peak(step)
    totals = totals_of(step, most)
    told = closed_form(subject, settings)
    checked = tuple(check_rows(subject, settings)) if settings.check else ()
    said = {
        "summary": tuple(summary(totals)),
        "device": "cpu" if step.has_data else "cpu, without data",
    }
    found: tuple[Section, ...] = (
        MODULES.filled(
            module_rows(step),
            totals=totals,
            notes=(
                *notes(step, settings, totals, passes, checked),
                *loose_weight_notes(subject.model),
                *shared_memory_notes(subject.model),
                *adapter_notes(subject.model, settings.lora),
                agreement(told, step, settings),
            ),
            headline=tuple(headline(totals)),
            about=_about(settings),
            **said,
        ),
        SAVED.filled(_saved_rows(step), **said),
        PARTS.filled(part_rows(totals, most), **said),
        TIMELINE.filled(_timeline_rows(step, totals) if has_few_turns(step) else ()),
    )
    if settings.explain:
        if isinstance(told, str):
            raise UsageError(refusal(subject, told))
        found = (CLOSED.filled(closed_rows(told, settings), **said), *found)
    return (*found, CHECK.filled(checked, **said)) if settings.check else found


@frozen
class _Own:
    """What a module keeps by itself."""

    saved: int = 0
    weights: int = 0
    gradients: int = 0
    states: int = 0

    def __add__(self, other: _Own) -> _Own:
        return _Own(
            saved=self.saved + other.saved,
            weights=self.weights + other.weights,
            gradients=self.gradients + other.gradients,
            states=self.states + other.states,
        )


def module_rows(step: Step) -> Iterator[ModuleRow]:
    """Yield a row for each module, in the model's order, and for each copy of one that repeats."""
    own = _own(step)
    every = unfolded_paths(step.types, step.repeats)
    whole: dict[str, _Own] = {path: own.get(path, _Own()) for path in every}
    for path in every:
        for around in outwards(path):
            whole[around] = whole.get(around, _Own()) + own.get(path, _Own())
    keeps = _keeps(step)
    for path, first in every.items():
        yield ModuleRow(
            path=path,
            type=step.types[first],
            saved=whole[path].saved,
            weights=whole[path].weights,
            gradients=whole[path].gradients,
            states=whole[path].states,
            keeps=keeps.get(first, ""),
            own_saved=own.get(path, _Own()).saved,
            own_weights=own.get(path, _Own()).weights,
            own_gradients=own.get(path, _Own()).gradients,
            own_states=own.get(path, _Own()).states,
        )


def _own(step: Step) -> Mapping[str, _Own]:
    found: dict[str, _Own] = {}
    for saved in step.saved:
        copies = list(names(saved.path, step.repeats))
        for name in copies[: times_saved(saved, step.repeats)]:
            found[name] = found.get(name, _Own()) + _Own(saved=saved.bytes)
    for held in step.parameters:
        block = block_of(held.path, step.repeats)
        copies = list(names(held.path, step.repeats))
        size = _Own(weights=held.bytes, gradients=held.gradient, states=held.state)
        for name in copies[:1] if block is not None and block.shared else copies:
            found[name] = found.get(name, _Own()) + size
    return found


def _keeps(step: Step) -> dict[str, str]:
    """Return the largest of what each module keeps by itself, in words."""
    found: dict[str, list[Saved]] = {}
    for saved in step.saved:
        found.setdefault(saved.path, []).append(saved)
    return {path: _largest(each) for path, each in found.items()}


def _largest(saved: list[Saved]) -> str:
    most = max(saved, key=lambda each: each.bytes)
    shape = "×".join(map(str, most.shape)) or "a number"
    more = f", and {len(saved) - 1} more" if len(saved) > 1 else ""
    return f"{shape} {most.dtype} by {most.function or 'an operator'}{more}"


def _saved_rows(step: Step) -> Iterator[SavedRow]:
    for saved in step.saved:
        yield SavedRow(
            path=saved.path,
            function=saved.function,
            shape=saved.shape,
            dtype=saved.dtype,
            bytes=saved.bytes * times_saved(saved, step.repeats),
            holds=saved.holds,
            made_in=saved.made_in,
        )


def totals_of(step: Step, most: Peak | None) -> Totals:
    kept: Counter[str] = Counter()
    for saved in step.saved:
        kept[saved.holds] += saved.bytes * times_saved(saved, step.repeats)
    own = _sum(_own(step).values())
    buffers = sum(held.bytes * len(list(names(held.path, step.repeats))) for held in step.buffers)
    there = own.weights + own.states + buffers + step.inputs
    return Totals(
        saved=kept.total(),
        activations=kept["activation"],
        weights=own.weights,
        trained=_trained(step),
        buffers=buffers,
        inputs=step.inputs,
        gradients=own.gradients,
        states=own.states,
        peak=None if most is None else there + most.bytes,
        peak_phase=None if most is None else most.phase,
        peak_path=None if most is None else most.path,
        exact=not recurrent_in(step.saved),
    )


def _trained(step: Step) -> int:
    """Return the bytes of the parameters that get a gradient, shared ones once."""
    found = 0
    for held in step.parameters:
        block = block_of(held.path, step.repeats)
        copies = 1 if block is None or block.shared else len(block.copies)
        found += copies * held.bytes if held.gradient else 0
    return found


def _sum(parts: Iterable[_Own]) -> _Own:
    return sum(parts, start=_Own())


def part_rows(totals: Totals, most: Peak | None) -> Iterator[PartRow]:
    always = "there all the time"
    rows: tuple[tuple[str, int | None, int | None, str], ...] = (
        ("weights", totals.weights, totals.weights, f"parameters; {always}"),
        ("buffers", totals.buffers, totals.buffers, f"e.g. running means; {always}"),
        ("optimizer", totals.states, totals.states, f"its state; {always}, but for the first step"),
        ("inputs", totals.inputs, totals.inputs, f"what the forward is called with; {always}"),
        (
            "gradients",
            totals.gradients,
            None if most is None else most.gradients,
            "of the weights; made in the backward, given back after the update",
        ),
        (
            "saved activations",
            totals.activations,
            None if most is None else most.saved,
            "made in the forward, given back in the backward",
        ),
        (
            "temporary",
            None,
            None if most is None else most.temporary,
            "outputs, gradients of activations, what operators make on the way",
        ),
    )
    for part, size, at_peak, definition in rows:
        yield PartRow(
            part=part,
            bytes=size,
            at_peak=None if most is None else at_peak,
            definition=definition,
        )


def _timeline_rows(step: Step, totals: Totals) -> Iterator[TimelineRow]:
    there = totals.weights + totals.states + totals.buffers + totals.inputs
    for turn, (phase, path, alive) in enumerate(timeline(step), start=1):
        yield TimelineRow(turn=turn, phase=phase, path=path, alive=there + alive)


def _about(settings: Settings) -> str:
    said: list[str] = [settings.optimizer]
    if settings.dtype != "as-is":
        said.append(settings.dtype)
    if settings.autocast != "off":
        said.append(f"autocast {settings.autocast}")
    if settings.attention_kernel != "flash":
        said.append(f"{settings.attention_kernel} attention")
    if settings.freeze:
        said.append(f"frozen {settings.freeze}")
    if settings.lora:
        said.append(f"LoRA {settings.lora}")
    if settings.micro_batch is not None:
        said.append(f"micro-batch {settings.micro_batch}")
    if settings.recompute != "none":
        said.append(f"recompute {settings.recompute}")
    return " · ".join(said)
