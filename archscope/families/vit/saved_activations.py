"""What a training step keeps of a Vision Transformer, in symbols. No torch.

Beside the symbols of `blocks.saved_activations`: s counts the class token too; i channels of the
image, X its height and width.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention
from archscope.blocks.saved_activations import sequence
from archscope.families.vit.spec import VitSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: VitSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what embeddings, blocks, norm and head keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part("patch_emb"):
        tape.new("patch_emb", "image", "b*i*X*X", holds="input")
        tape.new("class_token", "its place", "1", type="int64", minor=True)
        tape.new("pos_emb", "places", "s", type="int64", minor=True)
        x = tape.dropout("patch_emb", sequence(tape, "patch_emb"))
    feed = partial(blocks_saved.feed_forward, activation="gelu")
    run = partial(blocks_saved.pre_norm, tape, attend=saved_attention.to_itself, feed=feed)
    for block in blocks(spec):
        x = tape.block(block.path, "", run, x)
    with tape.part("ln_f"):
        tape.keep("head", tape.norm("ln_f", "layernorm", x, "b*s"))
    return tape.saved()


def _symbols(spec: VitSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": 1 + spec.patches,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.d_model // spec.heads,
        "f": spec.d_ff,
        "i": spec.in_channels,
        "X": spec.input_size,
    }
