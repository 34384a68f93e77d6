"""What a training step keeps of a Conv-TasNet, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks.map_counts import Maps
from archscope.families.conv_tasnet.spec import Block, ConvTasNetSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: ConvTasNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what encoder, masks and decoder keep for the backward."""
    tape, at = Tape({}, way), "mask_generator"
    with tape.part(""):
        frames = _encoded(tape, spec)
        x = _normed(tape, spec, f"{at}.input_norm", frames)
        x = maps.convolved(tape, f"{at}.input_conv", x, spec.bottleneck_channels, 1)
    skips: tuple[maps.Held, ...] = ()
    for block in blocks(spec):
        x = maps.block(tape, block, partial(_block, spec=spec, block=block), x, *skips)
        skips = (maps.made(tape, "skips", x.maps),)
    with tape.part(""):
        y = maps.sloped(tape, f"{at}.output_prelu", skips[0])
        y = maps.convolved(tape, f"{at}.output_conv", y, spec.filters * spec.sources, 1)
        masks = maps.activated(tape, f"{at}.mask_activate", spec.mask, y)
        masked = tape.multiply("", masks.value, frames.value)
        tape.keep("decoder", masked)
    return tape.saved_of_several()


def _encoded(tape: Tape, spec: ConvTasNetSpec) -> maps.Held:
    """Return the frames of a mixture, to which so much is added that they are whole."""
    given = Maps(batch=spec.batch_size, channels=1, sizes=(spec.input_size,))
    x = maps.padded(tape, "", maps.made(tape, "mixture", given, needs=False), [(0, spec.spare)])
    placed = {"stride": spec.stride, "padding": spec.stride}
    return maps.convolved(tape, "encoder", x, spec.filters, spec.filter_length, **placed)


def _block(
    tape: Tape, x: maps.Held, *skips: maps.Held, spec: ConvTasNetSpec, block: Block
) -> maps.Held:
    """Return what goes on; what is added to the skips keeps nothing of them."""
    reach = (spec.kernel_size - 1) * block.dilation
    y = maps.convolved(tape, "conv1", x, spec.hidden_channels, 1)
    y = _normed(tape, spec, "norm1", maps.sloped(tape, "prelu1", y))
    inside, y = y.maps, maps.padded(tape, "depthwise", y, [(reach, 0)])
    tape.keep("depthwise", y.value)
    y = maps.sloped(tape, "prelu2", maps.made(tape, "depthwise", inside))
    y = _normed(tape, spec, "norm2", y)
    tape.keep("skip_out", y.value)
    if not block.residual:
        return x
    return maps.added(tape, x, maps.convolved(tape, "res_out", y, spec.bottleneck_channels, 1))


def _normed(tape: Tape, spec: ConvTasNetSpec, at: str, x: maps.Held) -> maps.Held:
    if spec.norm == "global":
        return maps.group_normed(tape, at, x, 1)
    if spec.norm == "batchnorm":
        return maps.normed(tape, at, x)
    return _cumulatively_normed(tape, at, x)


def _cumulatively_normed(tape: Tape, at: str, x: maps.Held) -> maps.Held:
    """Return a norm over all frames so far, all of whose steps keep what they read."""
    frames = (("x", x.maps.sizes[0]),)
    tape.new(at, "channels of all frames so far", "x", type="int64", numbers=frames, minor=True)
    tape.keep(at, x.value)
    for what in ("means", "reciprocals of deviations"):
        tape.keep(at, maps.made(tape, what, replace(x.maps, channels=1)).value, minor=True)
    for what in ("distances from the means", "normalised"):
        tape.keep(at, maps.made(tape, what, x.maps).value)
    return maps.made(tape, at, x.maps)
