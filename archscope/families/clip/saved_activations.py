"""What a training step keeps of a CLIP, in symbols. No torch.

Symbols of `blocks.saved_activations`, of either encoder: s counts the class token too. E features
in which both are compared, i channels of the image, X its height and width.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention
from archscope.blocks.plan import lists
from archscope.blocks.saved_activations import sequence
from archscope.families.clip.spec import IMAGES, TEXTS, ClipSpec, blocks
from archscope.theory.counts import Symbols
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: ClipSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what both encoders and the comparison keep for the backward."""
    tape = Tape(_of_images(spec), way)
    image = _images(tape, spec)
    tape.symbols = _of_texts(spec)
    text = _texts(tape, spec)
    with tape.part(""):
        tape.new("", "what scales", "1", minor=True)
        tape.keep("", image, tape.like(image, "scaled images"), text)
    return tape.saved()


def _of_images(spec: ClipSpec) -> Symbols:
    width, size = spec.d_model, {"i": 3, "X": spec.input_size, "s": 1 + spec.patches}
    return {**_encoder(spec, width, spec.heads, spec.d_ff), **size}


def _of_texts(spec: ClipSpec) -> Symbols:
    width = spec.text_d_model
    return {**_encoder(spec, width, spec.text_heads, spec.text_d_ff), "s": spec.seq_len}


def _encoder(spec: ClipSpec, width: int, heads: int, hidden: int | None) -> Symbols:
    own = {"d": width, "h": heads, "e": width // heads, "f": hidden or 4 * width}
    return {"b": spec.batch_size, "E": spec.projection_dim, **own}


def _images(tape: Tape, spec: ClipSpec) -> Value:
    with tape.part("visual"):
        tape.new("visual.conv1", "image", "b*i*X*X", holds="input")
        tape.new("visual.class_embedding", "its place", "1", type="int64", minor=True)
        tape.new("visual.positional_embedding", "places", "s", type="int64", minor=True)
        x = tape.norm("visual.ln_pre", NORM, sequence(tape, "places and patches"), "b*s")
    x = _blocks(tape, spec, IMAGES, x, causal=False)
    with tape.part("visual.ln_post"):
        tape.norm("visual.ln_post", NORM, x, "b")
        tape.keep("visual.proj", tape.value("visual.ln_post", "b*d"))
        return _normalised(tape, tape.value("visual.proj", "b*E"))


def _texts(tape: Tape, spec: ClipSpec) -> Value:
    with tape.part("token_embedding"):
        tape.new("token_embedding", "texts", "b*s", type="int64", holds="input")
        tape.new("positional_embedding", "places", "s", type="int64", minor=True)
    x = _blocks(tape, spec, TEXTS, sequence(tape, "token_embedding"), causal=True)
    with tape.part("ln_final"):
        tape.keep("", tape.norm("ln_final", NORM, x, "b*s"))
        tape.new("", "where texts end", "b", type="int64", minor=True)
        tape.keep("text_projection", tape.value("ends of texts", "b*d"))
        return _normalised(tape, tape.value("text_projection", "b*E"))


def _blocks(tape: Tape, spec: ClipSpec, path: str, x: Value, *, causal: bool) -> Value:
    attend = partial(saved_attention.to_itself, causal=causal)
    feed = partial(blocks_saved.feed_forward, activation=spec.activation)
    # Where each encoder is of one block, they are blocks themselves.
    is_block = spec.depth == spec.text_depth == 1
    with tape.counted(path.rpartition(".")[0], x, among=is_block):
        for block in lists(blocks(spec))[path]:
            run = partial(blocks_saved.pre_norm, tape, attend=attend, feed=feed)
            x = tape.block(block.path, path, run, x, again=False if is_block else None)
    return x


def _normalised(tape: Tape, x: Value) -> Value:
    """Return features divided by their length, all of whose steps keep what they read."""
    tape.keep("", x)
    for what in ("lengths", "lengths above nothing"):
        tape.new("", what, "b", minor=True)
    return tape.like(x, "of length 1")
