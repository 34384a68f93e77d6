"""What a training step keeps of an XLNet, in symbols. No torch.

Beside the symbols of `blocks.saved_activations`: p distances.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_products
from archscope.blocks.saved_activations import sequence, strided
from archscope.families.xlnet.spec import XlnetSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: XlnetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the table and the blocks keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part("tok_emb"):
        tape.new("tok_emb", "tokens", "b*s", type="int64", holds="input")
    x = tape.dropout("tok_emb", sequence(tape, "tok_emb"))
    beside = [tape.value("places of distances", "p*d", needs=False)]
    if spec.segments:
        beside.append(tape.value("pairs of two segments", "b*s*s", type="byte", needs=False))
    for block in blocks(spec):
        x = tape.block(block.path, "", partial(_block, tape), x, *beside)
    return tape.saved()


def _symbols(spec: XlnetSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "p": 2 * spec.seq_len,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.d_model // spec.heads,
        "f": spec.d_ff,
    }


def _block(tape: Tape, x: Value, places: Value, *apart: Value) -> Value:
    attend = partial(_attention, places=places, apart=apart[0] if apart else None)
    return blocks_saved.post_norm(
        tape, x, attend, partial(blocks_saved.feed_forward, activation="gelu")
    )


def _attention(tape: Tape, at: str, x: Value, *, places: Value, apart: Value | None) -> Value:
    wide = partial(tape.linear, form="b*s*h*e", division="tensor", axis="h")
    _, k, v = (strided(wide(f"{at}.{name}", x)) for name in "qkv")
    r = tape.linear(f"{at}.r", places, "p*h*e", division="tensor", axis="h")
    answer = saved_products.relative(tape, f"{at}.product", k, v, r, distances="p", apart=apart)
    made = tape.linear(f"{at}.proj", blocks_saved.joined(tape, answer, "s"), "b*s*d")
    return tape.dropout(at, made)
