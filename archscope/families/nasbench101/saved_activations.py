"""What a training step keeps of a network of NAS-Bench-101, in symbols. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import Step
from archscope.families.nasbench101.cell import Cell, Vertex
from archscope.families.nasbench101.spec import NasBench101Spec, blocks, cell
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: NasBench101Spec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the stem, the cells and the classifier keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x = _normed(tape, "stem", maps.images(tape, spec), spec.channels, 3)
    for step in blocks(spec):
        plan = cell(spec.matrix, spec.operators, step.out_channels)
        x = maps.block(tape, step, partial(_cell, step=step, plan=plan), x)
    with tape.part(""):
        maps.classified(tape, "classifier", x)
    return tape.saved_of_several()


def _normed(tape: Tape, at: str, x: maps.Held, channels: int, kernel: int) -> maps.Held:
    return composed.conv_norm_activation(tape, at, x, channels, kernel, activation="relu")


def _cell(tape: Tape, x: maps.Held, *, step: Step, plan: Cell) -> maps.Held:
    x = maps.max_pooled(tape, "pool", x, 2, stride=2, ceil=True) if step.stride > 1 else x
    found = [x]
    for vertex in plan.vertices:
        found.append(_vertex(tape, found, vertex))
    out = [found[vertex.number] for vertex in plan.vertices if vertex.goes_out]
    parts = [maps.joined(tape, "both", out)] if out else []
    if plan.passes_input:
        parts.append(_normed(tape, "projection", x, step.out_channels, 1))
    return parts[0] if len(parts) == 1 else maps.added(tape, *parts)


def _vertex(tape: Tape, found: Sequence[maps.Held], vertex: Vertex) -> maps.Held:
    """Return what an operator makes of the sum of what a vertex reads, or of a view of one."""
    at = f"vertex_{vertex.number}"
    read = [found[source] for source in vertex.sources]
    if vertex.reads_input:
        read.append(_normed(tape, f"{at}.projection", found[0], vertex.channels, 1))
    cut = replace(found[0].maps, channels=vertex.channels)
    x = maps.made(tape, "sum", cut) if len(read) > 1 else replace(read[0], maps=cut)
    at = f"{at}.operator"
    if vertex.kernel:
        return _normed(tape, at, x, vertex.channels, vertex.kernel)
    return maps.max_pooled(tape, at, x, 3, stride=1, padding=1)
