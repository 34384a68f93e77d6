"""What a training step keeps of a SegFormer, in symbols. No torch.

Symbols of `blocks.saved_activations`, of each stage: s positions of its map, t keys; of the
decoder: s those of the finest map, d its channels, n stages. i channels of the image, X its height
and width.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks.plan import lists
from archscope.blocks.saved_activations import Positions, joined, sequence, strided
from archscope.blocks.saved_products import scaled
from archscope.families.segformer.spec import STRIDES, Block, SegformerSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: SegformerSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what stages and decoder keep for the backward."""
    tape, side, found = Tape({}, way), spec.input_size, list[Value]()
    plans = zip(lists(blocks(spec)).values(), STRIDES, strict=True)
    # Stages of one block each are blocks themselves where there are several.
    are_blocks = spec.blocks.count(1) > 1
    for stage, (plan, stride) in enumerate(plans):
        side //= stride
        tape.symbols = _symbols(spec, plan[0], side)
        is_block, at = are_blocks and len(plan) == 1, f"stages.{stage}"
        given = found[-1] if found else tape.value("image", "b*i*X*X", holds="input", needs=False)
        with tape.counted(at, given, among=is_block):
            with tape.part(""):
                tape.keep(f"{at}.patch_emb", given)
                x = tape.norm(f"{at}.ln_emb", NORM, sequence(tape, "patches"), "b*s")
            attend = partial(_attention, reduces=plan[0].reduction > 1)
            run = partial(blocks_saved.pre_norm, tape, attend=attend, feed=_feed_forward)
            for block in plan:
                x = tape.block(block.path, stage, run, x, again=False if is_block else None)
            with tape.part(""):
                found.append(tape.norm(f"{at}.ln_f", NORM, x, "b*s"))
    with tape.part(""):
        _decoder(tape, spec, found)
    return tape.saved()


def _symbols(spec: SegformerSpec, block: Block, side: int) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": side**2,
        "t": (side // block.reduction) ** 2,
        "d": block.width,
        "h": block.heads,
        "e": block.width // block.heads,
        "f": spec.ff_ratio * block.width,
        "i": spec.in_channels,
        "X": spec.input_size,
    }


def _attention(tape: Tape, at: str, x: Value, *, reduces: bool) -> Value:
    """Return attention to keys of which each was a square of positions (Xie et al., equation 2)."""
    q = strided(tape.linear(f"{at}.q", x, "b*s*h*e", division="tensor", axis="h"))
    source = x
    if reduces:
        tape.keep(f"{at}.sr", x)
        tape.norm(f"{at}.norm", NORM, sequence(tape, f"{at}.sr", "t"), "b*t")
        source = sequence(tape, f"{at}.norm", "t")
    both = strided(tape.linear(f"{at}.kv", source, "2*b*t*h*e", division="tensor", axis="h"))
    where = Positions(keys="t")
    answer = scaled(tape, f"{at}.sdpa", q, both, both, where=where, keys="h")
    return tape.linear(f"{at}.proj", joined(tape, answer, "s"), "b*s*d")


def _feed_forward(tape: Tape, at: str, x: Value) -> Value:
    """Return a feed-forward whose hidden features are convolved (Xie et al., equation 3)."""
    for layer in ("fc1", "dwconv"):
        x = tape.linear(f"{at}.{layer}", x, "b*s*f", division="tensor", axis="f")
    return tape.linear(f"{at}.fc2", tape.activation(at, "gelu", x), "b*s*d")


def _decoder(tape: Tape, spec: SegformerSpec, found: list[Value]) -> None:
    for stage, x in enumerate(found):
        tape.keep(f"decoder.linear_c.{stage}", x)
    finest = (spec.input_size // STRIDES[0]) ** 2
    size = {"s": finest, "d": spec.decoder_channels, "n": len(found)}
    tape.symbols = {**tape.symbols, **size}
    tape.new("decoder.linear_fuse", "all maps", "b*n*d*s")
    x = tape.batch_norm("decoder.bn", tape.value("decoder.linear_fuse", "b*d*s"), "d")
    x = tape.activation("decoder", "relu", x)
    tape.keep("decoder.classifier", tape.dropped("decoder.dropout", x))
