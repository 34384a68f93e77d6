"""What a training step keeps of a ConvNeXt, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import lists
from archscope.families.convnext.spec import EXPANSION, KERNEL, STEM, ConvNextSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: ConvNextSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the stages and the classifier keep for the backward."""
    tape, run = Tape({}, way), partial(_block, is_v1=spec.version == "v1")
    x = maps.images(tape, spec)
    for number, stage in enumerate(lists(blocks(spec)).values()):
        with tape.part(""):
            at, channels = f"features.{2 * number}", stage[0].in_channels
            x = _halved(tape, at, x, channels) if number else _stem(tape, at, x, channels)
        for block in stage:
            x = maps.block(tape, block, run, x)
    with tape.part(""):
        x = maps.layer_normed(tape, "norm", maps.mean(tape, "avgpool", x))
        tape.keep("fc", x.value)
    return tape.saved_of_several()


def _stem(tape: Tape, at: str, x: maps.Held, channels: int) -> maps.Held:
    x = maps.convolved(tape, f"{at}.0", x, channels, STEM, stride=STEM, padding=0)
    return maps.layer_normed(tape, f"{at}.1", x)


def _halved(tape: Tape, at: str, x: maps.Held, channels: int) -> maps.Held:
    x = maps.layer_normed(tape, f"{at}.0", x)
    return maps.convolved(tape, f"{at}.1", x, channels, 2, stride=2, padding=0)


def _block(tape: Tape, x: maps.Held, *, is_v1: bool) -> maps.Held:
    width = x.maps.channels
    y = maps.convolved(tape, "depthwise", x, width, KERNEL)
    y = maps.layer_normed(tape, "norm", y)
    y = maps.convolved(tape, "pointwise1", y, EXPANSION * width, 1)
    y = maps.activated(tape, "", "gelu", y)
    y = y if is_v1 else _response_normed(tape, "response_norm", y)
    y = maps.convolved(tape, "pointwise2", y, width, 1)
    if is_v1:  # the factors' gradient reads what they scale
        tape.keep("scale", y.value)
    return maps.added(tape, x, y)


def _response_normed(tape: Tape, at: str, x: maps.Held) -> maps.Held:
    """Return what a response norm makes, all of whose steps keep what they read."""
    tape.keep(at, x.value)
    sums, norms, response = (maps.mean(tape, what, x) for what in ("squares", "norms", "response"))
    tape.keep(at, sums.value, norms.value)
    tape.new(at, "means of norms", "b", numbers=(("b", x.maps.batch),), minor=True)
    tape.keep(at, response.value, maps.made(tape, "product", x.maps).value)
    return maps.made(tape, at, x.maps)
