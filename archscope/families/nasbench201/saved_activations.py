"""What a training step keeps of a network of NAS-Bench-201, in symbols. No torch."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from itertools import count
from typing import Any, TypeAlias

import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import Step
from archscope.families.nasbench201.spec import NasBench201Spec, blocks, nodes
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

Nodes: TypeAlias = tuple[tuple[str, ...], ...]
"""Of each node behind the input what its edges do, from the first node on."""


def saved_activations(spec: NasBench201Spec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the cells, the reductions and the classifier keep for the backward."""
    tape, plan = Tape({}, way), nodes(spec.cell)
    *before, last = blocks(spec)
    # A cell whose output the input does not reach cuts off all that stands before it.
    cut_off = nullcontext() if 0 in _leading(plan) else tape.leading_nowhere()
    with cut_off:
        with tape.part(""):
            x = maps.images(tape, spec)
            x = maps.normed_convolution(tape, "stem.0", "stem.1", x, spec.channels, 3)
        for step in before:
            x = maps.block(tape, step, partial(_block, step=step, plan=plan), x)
    x = maps.block(tape, last, partial(_block, step=last, plan=plan), x)
    with tape.part(""):
        x = maps.activated(tape, "lastact.1", "relu", maps.normed(tape, "lastact.0", x))
        maps.classified(tape, "classifier", x)
    return tape.saved_of_several()


def _leading(plan: Nodes) -> frozenset[int]:
    """Return the nodes of a cell, the input as 0, from which something comes to its output."""
    leading = {len(plan)}
    for source in reversed(range(len(plan))):
        ways = ((number, node[source]) for number, node in enumerate(plan, 1) if source < number)
        if any(name != "none" and number in leading for number, name in ways):
            leading.add(source)
    return frozenset(leading)


def _block(tape: Tape, x: maps.Held, *, step: Step, plan: Nodes) -> maps.Held:
    return _cell(tape, x, plan) if step.kind == "cell" else _reduction(tape, x, step)


def _cell(tape: Tape, x: maps.Held, plan: Nodes) -> maps.Held:
    found, places, leading = [x], count(), _leading(plan)
    for number, node in enumerate(plan, start=1):
        with nullcontext() if number in leading else tape.leading_nowhere():
            brought = [
                _edge(tape, f"layers.{next(places)}", name, source)
                for source, name in zip(found, node, strict=False)
            ]
        found.append(brought[0] if len(brought) == 1 else maps.added(tape, *brought))
    return found[-1]


def _edge(tape: Tape, at: str, name: str, x: maps.Held) -> maps.Held:
    match name:
        case "none":
            return maps.made(tape, "zeros", x.maps, needs=False)
        case "skip_connect":
            return x
        case "avg_pool_3x3":
            return maps.mean_pooled(tape, at, x, 3, stride=1, padding=1)
        case _:
            return _convolved(tape, at, x, x.maps.channels, int(name[-1]))


def _convolved(
    tape: Tape, at: str, x: maps.Held, channels: int, kernel: int, **placed: Any
) -> maps.Held:
    x = maps.activated(tape, f"{at}.0", "relu", x)
    return maps.normed_convolution(tape, f"{at}.1", f"{at}.2", x, channels, kernel, **placed)


def _reduction(tape: Tape, x: maps.Held, step: Step) -> maps.Held:
    y = maps.mean_pooled(tape, "downsample.0", x, step.stride, stride=step.stride)
    around = maps.convolved(tape, "downsample.1", y, step.out_channels, 1)
    y = _convolved(tape, "conv_a", x, step.out_channels, 3, stride=step.stride)
    return maps.added(tape, around, _convolved(tape, "conv_b", y, step.out_channels, 3))
