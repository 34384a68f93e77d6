"""What one output sees and misses: from the outline, from the operators that run, or both."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.answer import closed_form
from archscope.analyses.rf.use.answer import of_outline
from archscope.errors import ForwardError, UsageError
from archscope.results import Note, Section
from archscope.subject import Sketch, Subject
from archscope.theory.rates import read_rate

if TYPE_CHECKING:
    from archscope.analyses.rf.network import Look
    from archscope.theory.outline import Outline


def run(
    subject: Subject | Sketch,
    *,
    verify: bool = False,
    graph: bool = False,
    compare: bool = False,
    output: str | None = None,
    unit: tuple[int, ...] | None = None,
    studied: str | None = None,
    axes: tuple[int, ...] | None = None,
    erf: int = 0,
    images: Any = None,
    sample_rate: str | float | None = None,
) -> tuple[Section, ...]:
    """Return what one output sees: in closed form where a family tells, else from the operators.

    Layers and the maps within; of an outline positions and branches too, of the operators the unit
    that was looked back from. An outline needs no torch. With `graph`, or where an output, a unit
    or the effective field is asked for, rows are of the operators, and what the outline alone
    tells stands beside them. The two roads are compared with each other wherever both are gone:
    also with `verify`, which runs the network as well, and with `compare` where it costs little.

    `output` is a module's path or a place among what the model returns, `unit` the unit of it that
    is looked back from, `studied` the input and `axes` its axes of positions; `erf` is how many
    images the effective receptive field is measured on, `images` those images themselves (N, ...).
    `sample_rate` is positions a second, e.g. `16kHz`: then delays are told in milliseconds too.
    `ArchscopeError` is raised where the roads, or the network, contradict each other.
    """
    asked = {"output": output, "unit": unit, "studied": studied, "axes": axes}
    measures = bool(erf) or images is not None
    outline = subject.outline
    rate = None if sample_rate is None else read_rate(sample_rate)
    closed = None if outline is None else of_outline(closed_form(outline), outline, rate)
    if (
        outline is None
        or closed is None
        or graph
        or measures
        or any(value is not None for value in asked.values())
    ):
        more = {"erf": erf, "images": images, "rate": rate}
        return _by_operators(subject, closed, asked, verify=verify, **more)
    if verify:
        return _verified(subject, outline, closed).sections()
    if compare:
        return _compared(subject, outline, closed).sections()
    return closed.sections()


def _by_operators(
    subject: Subject | Sketch,
    closed: Answer | None,
    asked: dict[str, Any],
    *,
    verify: bool,
    erf: int,
    images: Any,
    rate: Fraction | None,
) -> tuple[Section, ...]:
    """Answer from the operators that run, beside an outline where there is one."""
    from archscope.analyses.rf import network
    from archscope.analyses.rf.operators.answer import operators_answer
    from archscope.analyses.rf.operators.use import of_network

    seen = network.look(subject, **asked)
    answer = operators_answer(seen.model, seen.found)
    answer = of_network(answer, seen.model, seen.inputs, seen.found, rate)
    if closed is not None:
        answer = network.with_source(seen, _held(seen, answer, closed), closed, rows=True)
    elif asked["studied"] is None:
        answer = replace(answer, notes=(*answer.notes, *network.other_inputs(seen)))
    if verify:
        answer = network.proven(seen, answer)
    sections = answer.sections()
    if erf or images is not None:
        sections += network.effective(seen, erf, images, asked["unit"])
    network.raise_failure(seen, sections)
    return sections


def _held(seen: Look, answer: Answer, closed: Answer) -> Answer:
    """Return the operators' answer, compared with the outline's."""
    from archscope.analyses.rf import network

    agreed, outline = network.compared(seen, closed), seen.outline
    if seen.of_its_own and network.follows_outline(seen):
        answer = _beside(answer, closed)
    layers = answer.layers
    if outline is not None and outline.input_size is None:  # it was looked at on nobody's input
        layers = tuple(replace(row, output_size=None) for row in layers)
    return replace(answer, layers=layers, notes=(*answer.notes, *agreed))


def _beside(answer: Answer, closed: Answer) -> Answer:
    """Return the operators' answer with what the outline alone tells: paths, branches, remedies."""
    paths = {name: getattr(closed.totals, name) for name in ("paths", "fewest_paths", "most_paths")}
    alike = answer.totals.receptive_field == closed.totals.receptive_field
    return replace(
        answer,
        totals=replace(answer.totals, **paths),
        branches=closed.branches,
        positions=closed.positions,
        verdict=closed.verdict if alike else answer.verdict,
        notes=(*answer.notes, *closed.notes),
    )


def _verified(subject: Subject | Sketch, outline: Outline, closed: Answer) -> Answer:
    """Return the outline's answer with what looking at the network and running it says of it."""
    from archscope.analyses.rf import agreement, network

    if not agreement.is_possible(outline, closed):
        return _unverified(closed, "the network is too large to run here")
    try:
        seen = network.look(subject, output=outline.output or None)
    except UsageError as error:  # torch has no such layer
        return _unverified(closed, str(error))
    network.raise_failure(seen)
    agreed = replace(closed, notes=(*closed.notes, *network.compared(seen, closed)))
    return network.proven(seen, network.with_source(seen, agreed, closed))


def _unverified(closed: Answer, reason: str) -> Answer:
    note = Note(level="warning", text=f"not verified: {reason}")
    return replace(closed, notes=(*closed.notes, note))


def _compared(subject: Subject | Sketch, outline: Outline, closed: Answer) -> Answer:
    """Return the outline's answer, compared with the operators where these can be looked at."""
    from archscope.analyses.rf import agreement

    if not agreement.is_cheap(outline, closed):
        return closed
    from archscope.analyses.rf import network

    try:
        seen = network.look(subject)
        network.raise_failure(seen)
    except (ForwardError, UsageError):
        return closed  # it needs data, or is of no input: the outline tells all the same
    agreed = replace(closed, notes=(*closed.notes, *network.compared(seen, closed)))
    return network.with_source(seen, agreed, closed)
