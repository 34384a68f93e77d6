"""The real network: traced through its operators, compared with its outline, and run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf import agreement
from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.source import named
from archscope.analyses.rf.numbers import extent
from archscope.analyses.rf.operators.answer import totals_of
from archscope.analyses.rf.operators.layer_rows import layer_row, layers_of
from archscope.errors import ForwardError, UsageError, and_
from archscope.records import frozen
from archscope.results import Note, Section
from archscope.subject import Inputs, Sketch, Subject

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.answer.receptive import Receptive
    from archscope.theory.outline import Outline


@frozen
class Look:
    """One look at a network, and what was found in the operators that it ran."""

    subject: Subject
    """Where the network is from."""
    model: nn.Module
    """With each of its blocks."""
    inputs: Inputs
    """What it was called with."""
    found: Receptive
    """What its modules and its output see."""
    outline: Outline | None
    """What its family tells of the input that was looked at."""
    of_its_own: bool
    """Whether nobody asked for another output, unit, input or axes than its own."""
    axes_chosen: bool = False
    """Whether the axes of positions were asked for."""


def look(subject: Subject | Sketch, **asked: Any) -> Look:
    """Look at a network, made for it where there is only a sketch; see `receptive`."""
    if isinstance(subject, Sketch):
        if subject.whole is None:
            raise UsageError(f"{subject.name} was not built: there are no operators to follow")
        subject = subject.whole()
    inputs = subject.required_inputs("rf")
    model = _whole(subject)
    return Look(
        subject=subject,
        model=model,
        inputs=inputs,
        found=_found(model, inputs, subject.outline, asked),
        outline=subject.outline,
        of_its_own=all(value is None for value in asked.values()),
        axes_chosen=asked.get("axes") is not None,
    )


def _found(
    model: nn.Module, inputs: Inputs, outline: Outline | None, asked: dict[str, Any]
) -> Receptive:
    """Look at the input that was asked for, else at the one that the outline is of.

    An output that was asked for may depend on another one alone, as an encoder's does.
    """
    from archscope.dependence.answer.receptive import receptive

    if asked.get("studied") is not None or outline is None or not outline.argument:
        return receptive(model, inputs, **asked)
    try:
        return receptive(model, inputs, **{**asked, "studied": outline.argument})
    except UsageError:
        if asked.get("output") is None:
            raise
    return receptive(model, inputs, **asked)


def look_at_source(seen: Look) -> Look | None:
    """Look at the same network from its other input; None where its family tells of none."""
    source = None if seen.outline is None else seen.outline.source
    if source is None or not seen.of_its_own:
        return None
    found = _found(seen.model, seen.inputs, source.outline, {})
    return replace(seen, found=found, outline=source.outline, of_its_own=False)


def other_inputs(seen: Look) -> tuple[Note, ...]:
    """Return a note that names the other inputs that can be asked about, masks aside."""
    from archscope.dependence.record.argument_names import argument_names

    names = argument_names(seen.model, seen.found.inputs)
    own = names.pop(seen.found.given.input)
    others = [name for name in names.values() if "mask" not in name]
    if not others:
        return ()
    asked = f"--wrt {others[0]}" if len(others) == 1 else "--wrt NAME"
    text = f"traced back to the input {own}; for {and_(others)} use {asked}"
    return (Note(level="info", text=text),)


def _whole(subject: Subject, *, data: bool = False) -> nn.Module:
    """Return the model with each of its blocks; a family may have built one for several.

    It is built anew: masks and indices have their values, and with `data` weights too. One of the
    user's own is as it is.
    """
    if subject.whole is None:
        return subject.model
    from archscope.blocks.constants import weights_without_values

    if data:
        return subject.whole()
    with weights_without_values() as finished:
        return finished(subject.whole())


def follows_outline(seen: Look) -> bool:
    """Return whether the operators were followed from the input that the outline is of."""
    outline, given = seen.outline, seen.found.given
    if outline is None or len(given.sizes) != outline.axes:
        return False
    if outline.argument and outline.argument != given.input:
        return False
    return outline.sizes is None or given.sizes == outline.sizes


def compared(seen: Look, closed: Answer) -> tuple[Note, ...]:
    """Return what the outline and the operators agree in; see `agreement.compare`."""
    outline, found = seen.outline, seen.found
    if outline is None or not follows_outline(seen):
        size = extent(found.given.sizes)
        text = f"the closed form is of another input than the {size} one that operators follow"
        return (Note(level="info", text=text),)
    layers = layers_of(seen.model, found)
    # A small input may leave one output, which then reads all of the map that is spoken of.
    before = found.target.value not in found.given.graph.outputs.values()
    before = before and not (outline.reads_all or outline.attention)
    own = seen.of_its_own and not before
    output = layer_row(seen.model, found.target, found) if own else None
    # So may the map that the closed form speaks of, and the operators speak of the one before.
    spoken_of = outline.output or (closed.totals.output if outline.reads_all else "")
    named_row = next((row for row in layers if row.layer == spoken_of), None)
    if outline.output or named_row is not None:
        output = named_row
    note = agreement.compare(outline, closed, layers, output, found.best.sizes)
    if own and not outline.output:
        agreement.compare_order(outline, closed.totals, totals_of(found), found.given.sizes)
    return () if note is None else (_of_input(note, seen),)


def _of_input(note: Note, seen: Look) -> Note:
    """Return a note that says which input it is of, where that has a name among several."""
    outline = seen.outline
    if outline is None or not outline.input_name or outline.argument != seen.found.given.input:
        return note
    said, colon, rest = note.text.partition(":")
    return replace(note, text=f"{said}, of the {outline.input_name}{colon}{rest}")


def with_source(seen: Look, answer: Answer, closed: Answer, *, rows: bool = False) -> Answer:
    """Return an answer with what the other input's operators and its outline agree in.

    With `rows` what modules see of it is said by the operators: those that look around, and those
    that see nothing of the first input.
    """
    source = look_at_source(seen)
    if source is None or source.outline is None or seen.outline is None:
        return answer
    agreed = compared(source, replace(closed, layers=closed.sources))
    answer = replace(answer, notes=(*answer.notes, *agreed))
    if not rows:
        return answer
    known = {row.layer for row in answer.layers}
    of_source = layers_of(source.model, source.found)
    kept = tuple(row for row in of_source if row.listed or row.layer not in known)
    return replace(
        answer,
        layers=named(answer.layers, seen.outline),
        sources=named(kept, source.outline),
    )


def proven(seen: Look, answer: Answer) -> Answer:
    """Return an answer with what running the network proves of what its operators say.

    Of two inputs both are proven, or what is said is not.
    """
    from archscope.analyses.rf.proof import proof_of

    levels, notes = [], list(answer.notes)
    for one in filter(None, (seen, look_at_source(seen))):
        level, said = proof_of(
            one.model,
            one.inputs,
            one.found,
            lambda: _whole(seen.subject, data=True),
            axes_chosen=one.axes_chosen,
        )
        levels.append(level)
        notes += [_of_input(note, one) for note in said]
    proof = min(levels, key=(None, "bounded", "verified").index)
    return replace(answer, totals=replace(answer.totals, proof=proof), notes=tuple(notes))


def effective(seen: Look, erf: int, images: Any, unit: Sequence[int] | None) -> tuple[Section, ...]:
    """Return the sections of the effective receptive field."""
    from archscope.analyses.rf.erf.analysis import erf_sections

    if seen.found.given.graph.failure is not None:
        return ()
    own = unit is not None
    return erf_sections(seen.model, seen.inputs, seen.found, erf, images, own_unit=own)


def raise_failure(seen: Look, sections: tuple[Section, ...] = ()) -> None:
    """Raise `ForwardError`, with the sections up to the failure, where the forward failed."""
    graph = seen.found.given.graph
    if graph.failure is None:
        return
    where = graph.nodes[-1].module if graph.nodes else None
    reason = str(graph.failure).strip().splitlines() or [type(graph.failure).__name__]
    raise ForwardError(
        f"the forward failed after {where or 'its first operators'}: {reason[0]}",
        module=where,
        sections=sections,
    ) from graph.failure
