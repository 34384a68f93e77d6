"""What a training step keeps of a ViTDet, in symbols. No torch.

Symbols of `blocks.saved_activations`: s patches. Within attention b counts the windows of all
images, s the positions of one and w those along its side. i channels of the image, X its height and
width, p positions that were learnt.
"""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention, saved_products
from archscope.blocks.map_counts import Maps
from archscope.blocks.saved_activations import Positions, heads, sequence
from archscope.families.vitdet.spec import WINDOW, VitDetSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: VitDetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what patches, blocks and neck keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part(""):
        tape.new("net.patch_emb", "image", "b*i*X*X", holds="input")
        tape.new("net.pos_emb", "places", "p", type="int64", minor=True)
        x = sequence(tape, "places and patches")
    feed = partial(blocks_saved.feed_forward, activation="gelu")
    for block in blocks(spec):
        attend = partial(_attention, spec=spec, windows=block.kind == WINDOW)
        run = partial(blocks_saved.pre_norm, tape, attend=attend, feed=feed)
        x = tape.block(block.path, block.kind, run, x)
    with tape.part(""):
        _neck(tape, spec, x)
    return tape.saved()


def _symbols(spec: VitDetSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.side**2,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.d_model // spec.heads,
        "f": spec.ff_ratio * spec.d_model,
        "i": spec.in_channels,
        "X": spec.input_size,
        "p": spec.places**2,
    }


def _attention(tape: Tape, at: str, x: Value, *, spec: VitDetSpec, windows: bool) -> Value:
    """Return attention over the whole map, or within windows whose positions are copied."""
    around, side = tape.symbols, spec.window if windows else spec.side
    if windows:
        many = (-(-spec.side // side)) ** 2
        tape.symbols = {**around, "b": many * spec.batch_size, "s": side**2}
    tape.symbols = {**tape.symbols, "w": side}
    read = sequence(tape, "windows") if windows else x

    def core(tape: Tape, at_core: str, q: Value, k: Value, v: Value) -> Value:
        mask = _bias(tape, f"{at}.bias", q) if spec.relative else None
        return saved_products.scaled(
            tape,
            at_core,
            q,
            k,
            v,
            where=Positions(),
            mask=mask,
            keys="h",
            side_by_side=spec.relative,
        )

    saved_attention.attention(tape, at, read, read, core, where=Positions(), fused=True, keys="h")
    tape.symbols = around
    return tape.like(x, at)


def _bias(tape: Tape, at: str, q: Value) -> Value:
    """Return scores of queries with offsets along both axes.

    Products copy queries whose heads, rows or columns do not lie in one piece; those of a single
    feature are multiplied as they lie.
    """
    windows, number, side = (tape.size(name) > 1 for name in "bhw")
    rows_spread = windows + number + side > 1
    for spread in (rows_spread, number and (windows or side)):
        tape.new(at, "offsets", "w*w", type="int64", minor=True)
        tape.keep(at, heads(tape, "queries", "s") if spread and tape.size("e") > 1 else q)
        tape.new(at, "vectors of offsets", "w*w*e")
    return tape.value(at, "b*h*s*s", division="tensor", axis="h")


def _neck(tape: Tape, spec: VitDetSpec, last: Value) -> None:
    size = Maps(batch=spec.batch_size, channels=spec.d_model, sizes=(spec.side, spec.side))
    x = maps.Held(maps=size, value=last)
    if spec.neck == "single":
        _fused(tape, spec, "neck", x)
        return
    half = spec.d_model // 2
    y = maps.layer_normed(tape, "simfp_2.1", maps.doubled(tape, "simfp_2.0", x, half))
    y = maps.activated(tape, "simfp_2.2", "gelu", y)
    _fused(tape, spec, "simfp_2", maps.doubled(tape, "simfp_2.3", y, half // 2), first=4)
    _fused(tape, spec, "simfp_3", maps.doubled(tape, "simfp_3.0", x, half), first=1)
    _fused(tape, spec, "simfp_4", x)
    y = maps.max_pooled(tape, "simfp_5.0", x, 2, stride=2)
    y = _fused(tape, spec, "simfp_5", y, first=1)
    maps.max_pooled(tape, "p6", y, 1, stride=2)


def _fused(tape: Tape, spec: VitDetSpec, at: str, x: maps.Held, *, first: int = 0) -> maps.Held:
    """Return what a pointwise convolution and one of 3x3 make, with a norm after each."""
    for place, kernel in ((first, 1), (first + 2, 3)):
        x = maps.convolved(tape, f"{at}.{place}", x, spec.channels, kernel)
        x = maps.layer_normed(tape, f"{at}.{place + 1}", x)
    return x
