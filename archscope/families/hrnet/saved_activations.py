"""What a training step keeps of an HRNet, in symbols. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.families.hrnet.spec import (
    HEAD,
    LAST,
    STEM,
    HrnetSpec,
    basics,
    bottleneck,
    stem,
)
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: HrnetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the stem, the branches and the head keep for the backward."""
    tape = Tape({}, way)
    found = [_stem(tape, spec)]
    # Modules of a single block on each branch are blocks themselves where there are several.
    are_blocks = spec.branch_blocks == 1 and sum(spec.modules) > 1
    for number, count in enumerate(spec.modules, start=2):
        with tape.part(""):
            found = _with_one_more(tape, spec, f"transition{number - 1}", found)
        for module in range(count):
            at = f"stage{number}.{module}"
            given = [x.value for x in found]
            with tape.part(""), tape.counted(at, *given, among=are_blocks):
                found = _exchanged(tape, spec, at, found, again=False if are_blocks else None)
    if spec.head == "classification":
        _classified(tape, spec, found)
    else:
        with tape.part(""):
            _segmented(tape, spec, found)
    return tape.saved()


def _stem(tape: Tape, spec: HrnetSpec) -> maps.Held:
    with tape.part(""):
        x = maps.images(tape, spec)
        for number in (1, 2):
            names = f"conv{number}", f"bn{number}"
            x = maps.normed_convolution(tape, *names, x, STEM, 3, stride=2)
            x = maps.activated(tape, "", "relu", x)
    # A single bottleneck is of a class that there is once, unless the head has them too.
    again = None if spec.stem_blocks > 1 or spec.head == "classification" else False
    for block in stem(spec):
        x = maps.block(tape, block, partial(composed.residual, block=block), x, again=again)
    return x


def _with_one_more(
    tape: Tape, spec: HrnetSpec, at: str, found: Sequence[maps.Held]
) -> list[maps.Held]:
    """Return maps of the branches' channels, and those of a new, coarser branch."""
    made = [
        x if x.maps.channels == width else _normed(tape, f"{at}.{number}", x, width, 3)
        for number, (x, width) in enumerate(zip(found, spec.widths, strict=False))
    ]
    new, width = f"{at}.{len(found)}.0", spec.widths[len(found)]
    return [*made, _normed(tape, new, found[-1], width, 3, stride=2)]


def _normed(
    tape: Tape,
    at: str,
    x: maps.Held,
    channels: int,
    kernel: int,
    *,
    act: str = "relu",
    **at_step: int,
) -> maps.Held:
    return composed.conv_norm_activation(tape, at, x, channels, kernel, activation=act, **at_step)


def _exchanged(
    tape: Tape, spec: HrnetSpec, at: str, found: Sequence[maps.Held], *, again: bool | None
) -> list[maps.Held]:
    """Return of each branch the sum of all, each run by itself before and fitted to its shape."""
    inner = []
    for branch, x in enumerate(found):
        for block in basics(spec, f"{at}.branches.{branch}", branch):
            run = partial(composed.residual, block=block)
            x = maps.block(tape, block, run, x, again=again)
        inner.append(x)
    made = []
    with tape.part(""):
        for target in range(len(inner)):
            fitted = [
                _fitted(tape, f"{at}.fuse_layers.{target}.{source}", inner, source, target)
                for source in range(len(inner))
            ]
            made.append(maps.activated(tape, at, "relu", maps.added(tape, *fitted)))
    return made


def _fitted(tape: Tape, at: str, inner: Sequence[maps.Held], source: int, target: int) -> maps.Held:
    x, like = inner[source], inner[target].maps
    if source > target:
        _normed(tape, at, x, like.channels, 1, act="")
        return maps.made(tape, "enlarged", like)
    for step in range(source + 1, target + 1):
        is_last, path = step == target, f"{at}.{step - source - 1}"
        channels = like.channels if is_last else x.maps.channels
        x = _normed(tape, path, x, channels, 3, act="" if is_last else "relu", stride=2)
    return x


def _classified(tape: Tape, spec: HrnetSpec, found: Sequence[maps.Held]) -> None:
    wide = []
    for number, x in enumerate(found):
        path, width = f"head.incre_modules.{number}.0", HEAD * 2**number
        block = bottleneck(path, x.maps.channels, width)
        wide.append(maps.block(tape, block, partial(composed.residual, block=block), x))
    with tape.part(""):
        x = wide[0]
        for number, (_, other) in enumerate(pairwise(wide)):
            at = f"head.downsamp_modules.{number}"
            x = _normed(tape, at, x, other.maps.channels, 3, stride=2)
            x = maps.added(tape, other, x)
        x = _normed(tape, "head.final_layer", x, LAST, 1)
        maps.classified(tape, "head.classifier", x)


def _segmented(tape: Tape, spec: HrnetSpec, found: Sequence[maps.Held]) -> None:
    channels = sum(spec.widths)
    x = maps.made(tape, "branches", replace(found[0].maps, channels=channels))
    tape.keep("head.last_layer.3", _normed(tape, "head.last_layer", x, channels, 1).value)
