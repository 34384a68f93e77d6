"""What a training step keeps of a network of NAS-Bench-201, in symbols. No torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import archscope.blocks.kept_maps as maps
from archscope.blocks.plan import Step
from archscope.families.nasbench201.spec import NasBench201Spec, blocks, nodes
from archscope.theory.keeping import Tape
from archscope.theory.kept import Kept, Way


def kept(spec: NasBench201Spec, way: Way = Way()) -> Kept:  # noqa: B008
    """Return what the cells, the reductions and the classifier keep for the backward."""
    tape, plan = Tape({}, way), nodes(spec.cell)
    with tape.part(""):
        x = maps.images(tape, spec)
        x = maps.normed_convolution(tape, "stem.0", "stem.1", x, spec.channels, 3)
    for step in blocks(spec):
        cell = partial(_cell, plan=plan)
        run = cell if step.kind == "cell" else partial(_reduction, step=step)
        x = maps.block(tape, step, run, x)
    with tape.part(""):
        x = maps.activated(tape, "lastact.1", "relu", maps.normed(tape, "lastact.0", x))
        maps.classified(tape, "classifier", x)
    return maps.with_blocks_rerun(tape)


def _cell(tape: Tape, x: maps.Held, *, plan: tuple[tuple[str, ...], ...]) -> maps.Held:
    found, number = [x], 0
    for node in plan:
        brought = []
        for source, name in zip(found, node, strict=False):
            brought.append(_edge(tape, f"layers.{number}", name, source))
            number += 1
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


def _reduction(tape: Tape, x: maps.Held, *, step: Step) -> maps.Held:
    y = maps.mean_pooled(tape, "downsample.0", x, step.stride, stride=step.stride)
    around = maps.convolved(tape, "downsample.1", y, step.out_channels, 1)
    y = _convolved(tape, "conv_a", x, step.out_channels, 3, stride=step.stride)
    return maps.added(tape, around, _convolved(tape, "conv_b", y, step.out_channels, 3))
