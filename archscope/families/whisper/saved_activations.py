"""What a training step keeps of a Whisper, in symbols. No torch.

Beside the symbols of `blocks.saved_activations`: t tokens, F frames of the spectrogram, M its
channels.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention, saved_products
from archscope.blocks.plan import lists
from archscope.blocks.saved_activations import Positions, sequence
from archscope.families.whisper.spec import WhisperSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: WhisperSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what convolutions, both stacks and the head keep for the backward."""
    tape = Tape(_symbols(spec), way)
    stacks = lists(blocks(spec))
    with tape.part("encoder"):
        x = _convolved(tape)
    for block in stacks["encoder.blocks"]:
        x = tape.block(block.path, "encoder", partial(_block, tape, "s"), x)
    with tape.part("encoder.ln_post"):
        memory = tape.norm("encoder.ln_post", NORM, x, "b*s")
    with tape.part("decoder"):
        tape.new("decoder.tok_emb", "tokens", "b*t", type="int64", holds="input")
        tape.new("decoder.pos_emb", "places", "t", type="int64", minor=True)
        x = tape.dropout("decoder.tok_emb", sequence(tape, "decoder.tok_emb", "t"))
    for block in stacks["decoder.blocks"]:
        kind = ("decoder", block.repeatable)
        x = tape.block(block.path, kind, partial(_block, tape, "t"), x, memory)
    with tape.part("decoder.ln"):
        tape.keep("decoder.lm_head", tape.norm("decoder.ln", NORM, x, "b*t"))
    return tape.saved()


def _symbols(spec: WhisperSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.frames,
        "t": spec.target_len,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.d_model // spec.heads,
        "f": spec.d_ff,
        "F": spec.input_size,
        "M": spec.mel_bins,
    }


def _convolved(tape: Tape) -> Value:
    """Return what two convolutions make, whose places are not trained."""
    tape.new("encoder.conv1", "spectrogram", "b*M*F", holds="input")
    x = tape.activation("encoder", "gelu", tape.value("encoder.conv1", "b*d*F"))
    tape.keep("encoder.conv2", x)
    return tape.add(tape.activation("encoder", "gelu", sequence(tape, "encoder.conv2")))


def _block(tape: Tape, positions: str, x: Value, *memory: Value) -> Value:
    rows = f"b*{positions}"
    y = tape.norm("ln_1", NORM, x, rows)
    x = tape.add(x, _attention(tape, "attn", y, y, positions, positions, causal=bool(memory)))
    for source in memory:
        y = tape.norm("ln_cross", NORM, x, rows)
        x = tape.add(x, _attention(tape, "cross", y, source, positions, "s", causal=False))
    y = tape.norm("ln_2", NORM, x, rows)
    return tape.add(
        x, blocks_saved.feed_forward(tape, "mlp", y, activation="gelu", positions=positions)
    )


def _attention(
    tape: Tape, at: str, x: Value, source: Value, asks: str, asked: str, *, causal: bool
) -> Value:
    where = Positions(queries=asks, keys=asked)
    core = partial(saved_products.scaled, where=where, causal=causal, keys="h")
    return saved_attention.attention(tape, at, x, source, core, where=where, fused=False, keys="h")
