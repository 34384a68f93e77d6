"""What a training step keeps of a Transformer-XL, in symbols. No torch.

Beside the symbols of `blocks.saved_activations`: m remembered positions, t keys and distances, L
blocks. Of a cluster of the vocabulary: V tokens, n features of its table; c clusters beside the
first.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_products
from archscope.blocks.saved_activations import Positions, sequence, strided
from archscope.families.transformer_xl.spec import TransformerXlSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: TransformerXlSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what tables, blocks and scores keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part("tok_emb"):
        x = _embedded(tape, spec) if spec.scores else _features(tape)
    places = tape.value("places of distances", "t*d", needs=False)
    hidden = tape.value("mask of later keys", "s*t", type="byte", needs=False)
    memory = [tape.value("memory", "L*b*m*d", holds="input", needs=False)] if spec.memory else []
    for block in blocks(spec):
        x = tape.block(block.path, "", partial(_block, tape), x, places, hidden, *memory)
    with tape.part("head"):
        if spec.scores:
            _scores(tape, spec, x)
    return tape.saved()


def _symbols(spec: TransformerXlSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "m": spec.memory,
        "t": spec.memory + spec.seq_len,
        "L": spec.depth,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.head_width,
        "f": spec.d_ff,
        "c": len(spec.cluster_sizes) - 1,
    }


def _features(tape: Tape) -> Value:
    return tape.value("features", "b*s*d", holds="input", needs=False)


def _set_cluster(tape: Tape, spec: TransformerXlSpec, number: int) -> None:
    own = {"V": spec.cluster_sizes[number], "n": spec.d_model // spec.div_val**number}
    tape.symbols = {**tape.symbols, **own}


def _embedded(tape: Tape, spec: TransformerXlSpec) -> Value:
    """Return the sum of what each cluster answers, which a mask leaves of its own tokens."""
    for number, _ in enumerate(spec.cluster_sizes):
        _set_cluster(tape, spec, number)
        tape.new(f"tok_emb.tables.{number}", "places in the table", "b*s", type="int64")
        if spec.div_val > 1:
            tape.keep(f"tok_emb.up.{number}", sequence(tape, "rows of the table", width="n"))
        tape.new("tok_emb", "mask of other clusters", "b*s", type="byte", minor=True)
    return tape.dropout("tok_emb", sequence(tape, "tok_emb"))


def _block(tape: Tape, x: Value, places: Value, hidden: Value, *memory: Value) -> Value:
    attend = partial(_attention, places=places, hidden=hidden, remembers=bool(memory))
    return blocks_saved.post_norm(
        tape, x, attend, partial(blocks_saved.feed_forward, activation="relu")
    )


def _attention(
    tape: Tape, at: str, x: Value, *, places: Value, hidden: Value, remembers: bool
) -> Value:
    x = sequence(tape, "memory and segment", "t") if remembers else x
    wide = partial(tape.linear, division="tensor", axis="h")
    every = strided(wide(f"{at}.qkv", x, "3*b*t*h*e"))
    r = wide(f"{at}.r", places, "t*h*e")
    answer = saved_products.relative(
        tape,
        f"{at}.product",
        every,
        every,
        r,
        distances="t",
        where=Positions(keys="t"),
        hidden=hidden,
    )
    made = tape.linear(f"{at}.proj", blocks_saved.joined(tape, answer, "s"), "b*s*d")
    return tape.dropout(at, made)


def _scores(tape: Tape, spec: TransformerXlSpec, x: Value) -> None:
    """Keep logarithms of probabilities, of which a softmax's derivative is made."""
    for number, _ in enumerate(spec.cluster_sizes):
        _set_cluster(tape, spec, number)
        narrow = tape.linear(f"head.down.{number}", x, "b*s*n") if spec.div_val > 1 else x
        tape.keep(f"head.scores.{number}", narrow)
        tape.new("head", "logarithms of probabilities", "b*s*V" if number else "b*s*(V + c)")
