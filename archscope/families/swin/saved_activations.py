"""What a training step keeps of a Swin Transformer, in symbols. No torch.

Symbols of `blocks.saved_activations`, of each stage: s positions of its map. Within attention b
counts the windows of all images and s the positions of one. i channels of the image, X its height
and width.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention, saved_products
from archscope.blocks.plan import lists
from archscope.blocks.saved_activations import Positions, sequence
from archscope.families.swin.spec import Block, SwinSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: SwinSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what patches, stages and the classifier keep for the backward."""
    tape, side = Tape({}, way), spec.input_size // spec.patch_size
    x: Value | None = None
    # Stages of one block each are blocks themselves where there are several, or one alone.
    are_blocks = spec.blocks.count(1) > 1 or spec.blocks == (1,)
    for stage, plan in enumerate(lists(blocks(spec)).values()):
        side = -(-side // 2) if stage else side
        tape.symbols = _symbols(spec, plan[0], side)
        is_block = are_blocks and len(plan) == 1
        if x is None:
            with tape.part(""):
                x = _patches(tape)
        with tape.counted(f"stages.{stage}", x, among=is_block):
            if stage:
                several = len(spec.blocks) > 2 and not is_block
                with tape.part(""):
                    x = _merged(tape, f"stages.{stage}.merging", x, several=several)
            for block in plan:
                run = partial(_block, tape, block, side=side, window=spec.window)
                again = False if is_block else None
                x = tape.block(block.path, (stage, block.shift), run, x, again=again)
    with tape.part(""):
        assert x is not None
        tape.norm("ln_f", NORM, x, "b*s")
        tape.new("head", "mean", "b*d")
    return tape.saved()


def _symbols(spec: SwinSpec, block: Block, side: int) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": side**2,
        "d": block.width,
        "h": block.heads,
        "e": block.width // block.heads,
        "f": spec.ff_ratio * block.width,
        "i": spec.in_channels,
        "X": spec.input_size,
    }


def _patches(tape: Tape) -> Value:
    tape.new("patch_emb", "image", "b*i*X*X", holds="input")
    return tape.norm("ln_emb", NORM, sequence(tape, "patches"), "b*s")


def _merged(tape: Tape, at: str, x: Value, *, several: bool) -> Value:
    """Return four neighbours side by side, normalised and projected to half as many features."""
    with tape.counted(at, x, among=several):
        corners = tape.value("four neighbours", "b*s*2*d")
        tape.keep(f"{at}.reduction", tape.norm(f"{at}.norm", NORM, corners, "b*s"))
    return sequence(tape, at)


def _block(tape: Tape, block: Block, x: Value, *, side: int, window: int) -> Value:
    attend = partial(_attention, side=side, window=window, shift=block.shift)
    feed = partial(blocks_saved.feed_forward, activation="gelu")
    return blocks_saved.pre_norm(tape, x, attend, feed)


def _attention(tape: Tape, at: str, x: Value, *, side: int, window: int, shift: int) -> Value:
    """Return attention within windows, whose positions are copied side by side."""
    around, across = tape.symbols, -(-side // window)
    windows = across**2
    tape.symbols = {**around, "b": windows * tape.size("b"), "s": window**2, "m": windows}
    tape.new(f"{at}.bias", "offsets", "s*s", type="int64", holds="buffer", minor=True)
    form = "h*s*s"
    if shift and across > 1:
        tape.new(at, "mask of what is apart", "m*s*s", type="byte", minor=True)
        form = "b*h*s*s"
    bias = tape.value(f"{at}.bias", form, division="tensor", axis="h")
    core = partial(saved_products.scaled, where=Positions(), mask=bias, keys="h", side_by_side=True)
    made = sequence(tape, "windows")
    saved_attention.attention(tape, at, made, made, core, where=Positions(), fused=True, keys="h")
    tape.symbols = around
    return tape.like(x, at)
