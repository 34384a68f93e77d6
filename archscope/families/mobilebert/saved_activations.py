"""What a training step keeps of a MobileBERT, in symbols. No torch.

Beside the symbols of `blocks.saved_activations`: n features within a block, m of the tokens' table.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_products
from archscope.blocks.saved_activations import Positions, sequence, strided
from archscope.families.mobilebert.spec import MobileBertSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: MobileBertSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what tables, blocks and the pooler keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part("tok_emb"):
        x = _embedded(tape, spec)
    # A block of several feed-forwards is a stack: it is those, and attentions, that are counted.
    run, again = partial(_block, tape, spec), None if spec.feed_forwards == 1 else False
    for block in blocks(spec):
        x = tape.block(block.path, "", run, x, again=again)
    with tape.part("pooler"):
        if spec.pooler:
            tape.activation("", "tanh", tape.linear("pooler", x, "b*d"))
    return tape.saved()


def _symbols(spec: MobileBertSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "d": spec.d_model,
        "n": spec.bottleneck,
        "m": spec.embedding_dim,
        "h": spec.heads,
        "e": spec.bottleneck // spec.heads,
        "f": spec.d_ff,
    }


def _embedded(tape: Tape, spec: MobileBertSpec) -> Value:
    tape.new("tok_emb", "tokens", "b*s", type="int64", holds="input")
    x = tape.linear("proj_emb", sequence(tape, "three neighbours", width="3*m"), "b*s*d")
    tape.new("pos_emb", "places", "s", type="int64", minor=True)
    tape.new("type_emb", "token types", "b*s", type="int64", holds="input")
    return _normed(tape, spec, "ln_emb", tape.add(x))


def _normed(tape: Tape, spec: MobileBertSpec, at: str, x: Value) -> Value:
    """Return a norm, or features times weights, which reads what is trained of them alone."""
    if spec.layer_norm:
        return tape.norm(at, "layernorm", x, "b*s")
    tape.keep(at, x)
    return tape.like(x, at)


def _block(tape: Tape, spec: MobileBertSpec, x: Value) -> Value:
    stacked = spec.feed_forwards > 1
    y = _normed(tape, spec, "ln_down", tape.linear("down", x, "b*s*n"))
    with tape.counted("attn", x, among=stacked and spec.depth > 1):
        attended = _attention(tape, spec, "attn", x)
    y = _normed(tape, spec, "ln_1", tape.add(y, attended))
    for number in range(spec.feed_forwards):
        at = f"mlps.{number}"
        with tape.counted(at, y, among=stacked):
            made = blocks_saved.feed_forward(tape, at, y, activation="relu", width="n")
        y = _normed(tape, spec, f"norms.{number}", tape.add(y, made))
    return _normed(tape, spec, "ln_2", tape.add(x, tape.linear("up", y, "b*s*d")))


def _attention(tape: Tape, spec: MobileBertSpec, at: str, x: Value) -> Value:
    """Return attention whose queries and keys read narrow features, its values wide ones."""
    shared = _normed(tape, spec, f"{at}.ln_down", tape.linear(f"{at}.down", x, "b*s*n"))
    q, k, v = (
        strided(tape.linear(f"{at}.{name}", read, "b*s*h*e", division="tensor", axis="h"))
        for name, read in (("q", shared), ("k", shared), ("v", x))
    )
    answer = saved_products.scaled(tape, f"{at}.sdpa", q, k, v, where=Positions(), keys="h")
    made = tape.linear(f"{at}.proj", blocks_saved.joined(tape, answer, "s"), "b*s*n")
    return tape.dropout(at, made)
