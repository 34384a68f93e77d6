"""What a training step keeps of a wav2vec 2.0, in symbols. No torch.

Symbols of `blocks.saved_activations`: s frames. Of the convolution that tells positions: n
positions that it makes, k taps, g channels of a group. c channels of the last convolution before.
"""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention
from archscope.blocks.map_counts import Maps
from archscope.blocks.saved_activations import sequence
from archscope.families.wav2vec2.spec import Convolution, Wav2Vec2Spec, blocks, convolutions
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: Wav2Vec2Spec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what convolutions, blocks and the head keep for the backward."""
    tape, layers = Tape(_symbols(spec), way), convolutions(spec)
    # Where neither repeats, both are blocks for they stand in lists.
    several = len(layers) > 1 or spec.depth == 1
    with tape.part("feature_extractor"):
        given = Maps(batch=spec.batch_size, channels=1, sizes=(spec.input_size,))
        x = maps.made(tape, "samples", given, holds="input", needs=False)
        for number, layer in enumerate(layers):
            run = partial(_convolved, layer=layer, norm=_norm(spec, number))
            x = maps.counted(tape, layer.path, run, x, several=several)
    with tape.part("encoder"):
        tape.norm("feature_projection.layer_norm", NORM, x.value, "b*s")
        tape.new("feature_projection.projection", "feature_projection.layer_norm", "b*s*c")
        y = _placed(tape)
        y = tape.norm("encoder.layer_norm", NORM, y, "b*s") if spec.norm_place == "post" else y
    y = _blocks(tape, spec, y, is_counted=spec.depth > 1 or len(layers) == 1)
    with tape.part("lm_head"):
        y = tape.norm("encoder.layer_norm", NORM, y, "b*s") if spec.norm_place == "pre" else y
        if spec.classes:
            tape.keep("lm_head", y)
    return tape.saved()


def _symbols(spec: Wav2Vec2Spec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.frames,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.d_model // spec.heads,
        "f": spec.d_ff,
        "n": spec.frames + 1 - spec.position_kernel % 2,
        "k": spec.position_kernel,
        "g": spec.d_model // spec.position_groups,
        "c": convolutions(spec)[-1].out_channels,
    }


def _norm(spec: Wav2Vec2Spec, number: int) -> str:
    return "layer" if spec.conv_norm == "layer" else "none" if number else "group"


def _convolved(tape: Tape, x: maps.Held, *, layer: Convolution, norm: str) -> maps.Held:
    at, channels = layer.path, layer.out_channels
    placed = {"stride": layer.stride, "padding": 0}
    x = maps.convolved(tape, f"{at}.conv", x, channels, layer.kernel_size, **placed)
    if norm == "group":
        x = maps.group_normed(tape, f"{at}.layer_norm", x, channels)
    elif norm == "layer":
        x = maps.layer_normed(tape, f"{at}.layer_norm", x)
    return maps.activated(tape, at, "gelu", x)


def _placed(tape: Tape) -> Value:
    """Return frames and what tells their places, whose convolution has taps of learnt lengths."""
    at = "encoder.pos_conv_embed"
    for what in ("squares of lengths", "lengths", "factors"):
        tape.new(f"{at}.conv", what, "k", minor=True)
    tape.keep(f"{at}.conv", sequence(tape, "feature_projection.projection"))
    tape.new(f"{at}.conv", "weight", "d*g*k")
    tape.new(at, "frames and one more of an even number of taps", "b*n*d")
    return sequence(tape, "frames in their places")


def _blocks(tape: Tape, spec: Wav2Vec2Spec, x: Value, *, is_counted: bool) -> Value:
    feed = partial(blocks_saved.feed_forward, activation="gelu")
    norm = blocks_saved.post_norm if spec.norm_place == "post" else blocks_saved.pre_norm
    run = partial(norm, tape, attend=saved_attention.to_itself, feed=feed)
    again = None if is_counted else False
    for block in blocks(spec):
        x = tape.block(block.path, "", run, x, again=again)
    return x
