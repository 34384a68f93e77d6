"""What a training step keeps of a Longformer, in symbols. No torch.

Symbols of `blocks.saved_activations`: s positions after padding. l positions before it, w tokens on
one side of a window, n blocks of so many, g global tokens.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_products
from archscope.blocks.saved_activations import Positions, copied, heads, joined, sequence, strided
from archscope.families.longformer.spec import LongformerSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "layernorm"


def saved_activations(spec: LongformerSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what tables, blocks and the pooler keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part("tok_emb"):
        x = _embedded(tape, spec)
    for block in blocks(spec):
        x = tape.block(block.path, "", partial(_block, tape, spec), x)
    with tape.part("pooler"):
        tape.activation("", "tanh", tape.linear("pooler", x, "b*d"))
    return tape.saved()


def _symbols(spec: LongformerSpec) -> dict[str, int]:
    one_sided = spec.window // 2
    return {
        "b": spec.batch_size,
        "s": spec.padded_length,
        "l": spec.seq_len,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.d_model // spec.heads,
        "f": spec.d_ff,
        "w": one_sided,
        "n": spec.padded_length // one_sided,
        "g": spec.global_tokens,
    }


def _embedded(tape: Tape, spec: LongformerSpec) -> Value:
    padded = spec.padded_length > spec.seq_len
    tape.new("tok_emb", "tokens", "b*s", type="int64", holds="activation" if padded else "input")
    tape.new("pos_emb", "places", "s", type="int64", minor=True)
    tape.new("type_emb", "token type", "1", type="int64", minor=True)
    return tape.dropout("ln_emb", tape.norm("ln_emb", NORM, sequence(tape, "tok_emb"), "b*s"))


def _block(tape: Tape, spec: LongformerSpec, x: Value) -> Value:
    attend = partial(_attention, spec=spec)
    return blocks_saved.post_norm(
        tape, x, attend, partial(blocks_saved.feed_forward, activation="gelu")
    )


def _attention(tape: Tape, at: str, x: Value, *, spec: LongformerSpec) -> Value:
    q, k, v = (_heads(tape, f"{at}.{name}", x, "s") for name in "qkv")
    answer = _sliding(tape, f"{at}.sliding", q, k, v)
    if spec.global_tokens:
        _full(tape, at, x)
        answer = heads(tape, "global and other tokens", "s")
    made = tape.linear(f"{at}.proj", joined(tape, answer, "s"), "b*s*d")
    return tape.dropout(at, made)


def _heads(tape: Tape, at: str, x: Value, positions: str) -> Value:
    return strided(tape.linear(at, x, f"b*{positions}*h*e", division="tensor", axis="h"))


def _full(tape: Tape, at: str, x: Value) -> None:
    """Let global tokens attend to all, by projections of their own."""
    q, k, v = (
        _heads(tape, f"{at}.{name}_global", _first(tape, x, positions), positions)
        for name, positions in (("q", "g"), ("k", "l"), ("v", "l"))
    )
    where = Positions(queries="g", keys="l")
    saved_products.scaled(tape, f"{at}.full", q, k, v, where=where, keys="h")


def _first(tape: Tape, x: Value, positions: str) -> Value:
    """Return the first positions of each sequence: a copy, unless rows lie at equal distances."""
    copies = tape.size("b") > 1 and 1 < tape.size(positions) < tape.size("s")
    return sequence(tape, "first positions", positions) if copies else x


def _sliding(tape: Tape, at: str, q: Value, k: Value, v: Value) -> Value:
    """Return attention to windows and global tokens (Beltagy et al. 2020, section 3.1).

    Products of overlapping blocks copy what they read of several sequences, heads or blocks.
    """
    several = sum(tape.size(symbol) > 1 for symbol in ("b", "h", "n - 1")) > 1
    for what, x in (("queries", q), ("keys", k)):
        tape.keep(at, heads(tape, f"{what} of pairs of blocks", "(n - 1)*2*w") if several else x)
    tape.new(at, "mask of the edges", "s*3*w", type="byte", minor=True)
    if tape.size("g"):
        tape.keep(at, copied(tape, q, heads(tape, "queries", "s"), "h"))
        tape.keep(at, copied(tape, k, heads(tape, "keys of global tokens", "g"), "h"))
    tape.keep(at, saved_products.softmax(tape, at, "b*h*s*(g + 3*w)"))
    many = tape.size("b*h") > 1
    tape.keep(at, heads(tape, "values of windows", "n*3*w" if many else "(s + 2*w)"))
    if tape.size("g"):
        tape.keep(at, heads(tape, "values of global tokens", "n*g") if many else v)
    return heads(tape, at, "s")
