"""What a training step keeps of a Conformer, in symbols. No torch.

Symbols of `blocks.saved_activations`: s frames of the blocks. p distances, t frames that a
depthwise convolution reads, n features of a frame behind the convolutions before, F features of the
input.
"""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention, saved_products
from archscope.blocks.map_counts import Maps
from archscope.blocks.saved_activations import sequence, strided
from archscope.families.conformer.spec import KERNEL, STRIDE, ConformerSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: ConformerSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what convolutions, blocks and the head keep for the backward."""
    tape = Tape({}, way)
    with tape.part("pre_encode"):
        given = Maps(batch=spec.batch_size, channels=1, sizes=(spec.input_size, spec.features))
        frames = maps.made(tape, "frames", given, holds="input", needs=False)
        x = _subsampled(tape, spec, frames)
    places = tape.value("places of distances", "p*d", needs=False)
    run = partial(_block, tape, spec)
    for block in blocks(spec):
        x = tape.block(block.path, "", run, x, places, again=None if spec.depth > 1 else False)
    with tape.part("head"):
        if spec.head == "ctc":
            tape.keep("ctc", x)
        elif spec.head == "transducer":
            tape.unknown(blocks_saved.RECURRENT)
    return tape.saved()


def _symbols(spec: ConformerSpec, frames: int) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": frames,
        "p": 2 * frames - 1,
        "t": frames + spec.kernel_size - 1,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.d_model // spec.heads,
        "f": spec.d_ff or 4 * spec.d_model,
        "n": spec.channels * spec.bins,
    }


def _subsampled(tape: Tape, spec: ConformerSpec, x: maps.Held) -> Value:
    """Return features of the frames that convolutions over frames and features leave."""
    place, given = 0, x.value
    for number in range(spec.strides):
        placed = {"stride": STRIDE, "padding": KERNEL // 2}
        x = maps.convolved(tape, f"pre_encode.conv.{place}", x, spec.channels, KERNEL, **placed)
        if number and spec.subsampling_conv == "depthwise-separable":
            place += 1
            x = maps.convolved(tape, f"pre_encode.conv.{place}", x, spec.channels, 1)
        x = maps.activated(tape, f"pre_encode.conv.{place + 1}", "relu", x)
        place += 2
    frames, bins = x.maps.sizes
    tape.symbols = _symbols(spec, frames)
    if not spec.strides:
        return given
    # Channels and bins of a frame are copied side by side, unless they lie so.
    copies = frames > 1 and spec.channels > 1 and (bins > 1 or spec.batch_size > 1)
    tape.keep("pre_encode.out", tape.value("channels side by side", "b*s*n") if copies else x.value)
    return sequence(tape, "pre_encode.out")


def _block(tape: Tape, spec: ConformerSpec, x: Value, places: Value) -> Value:
    norm = partial(_normed, tape)

    def feed(at: str, x: Value) -> Value:
        # In a single block its feed-forwards are blocks themselves.
        with tape.counted(at, x, among=spec.depth == 1):
            return blocks_saved.feed_forward(tape, at, x, activation="silu")

    x = tape.add(sequence(tape, "half"), feed("feed_forward1", norm("norm_feed_forward1", x)))
    y = norm("norm_self_att", x)
    if spec.positions == "relative":
        x = tape.add(x, _attention(tape, "self_attn", y, places))
    else:
        x = tape.add(x, saved_attention.to_itself(tape, "self_attn", y))
    x = tape.add(x, _convolved(tape, spec, "conv", norm("norm_conv", x)))
    x = tape.add(x, feed("feed_forward2", norm("norm_feed_forward2", x)))
    return norm("norm_out", x)


def _normed(tape: Tape, at: str, x: Value) -> Value:
    tape.norm(at, NORM, x, "b*s")
    return sequence(tape, at)


def _attention(tape: Tape, at: str, x: Value, places: Value) -> Value:
    form = "3*b*s*h*e"
    every = strided(tape.linear(f"{at}.qkv", x, form, division="tensor", axis="h"))
    r = tape.linear(f"{at}.linear_pos", places, "p*h*e", division="tensor", axis="h")
    answer = saved_products.relative(tape, f"{at}.product", every, every, r, distances="p")
    return tape.linear(f"{at}.proj", blocks_saved.joined(tape, answer, "s"), "b*s*d")


def _convolved(tape: Tape, spec: ConformerSpec, at: str, x: Value) -> Value:
    """Return pointwise convolutions around a depthwise one: a gate before, a norm behind it."""
    tape.keep(at, tape.linear(f"{at}.pointwise_conv1", x, "b*s*2*d"))
    tape.new(f"{at}.depthwise_conv", "padded frames", "b*t*d")
    x = sequence(tape, f"{at}.depthwise_conv")
    if spec.conv_norm == "groupnorm":
        x = tape.norm(f"{at}.batch_norm", NORM, x, "b")
    else:
        x = tape.batch_norm(f"{at}.batch_norm", x, "d")
    x = tape.activation(at, "silu", x)
    return tape.linear(f"{at}.pointwise_conv2", x, "b*s*d")
