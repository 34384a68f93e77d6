"""What a training step keeps of a DeepSeek network, in symbols. No torch.

Beside the symbols of `blocks.saved_activations`: e features of a head's queries and keys, r of them
with a position, v of its values, L rank of keys and values, q of queries, g hidden width of an
expert, w of the shared ones side by side.
"""

from __future__ import annotations

from functools import partial

from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_products
from archscope.blocks.plan import Numbered
from archscope.blocks.saved_activations import Positions, heads, sequence, strided
from archscope.blocks.saved_attention import rotated
from archscope.families.deepseek.spec import DENSE, DeepSeekSpec, blocks
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

NORM = "rmsnorm"


def saved_activations(spec: DeepSeekSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what embeddings, blocks, norm and head keep for the backward."""
    tape = Tape(_symbols(spec), way)
    with tape.part("tok_emb"):
        tape.new("tok_emb", "tokens", "b*s", type="int64", holds="input")
        x = tape.dropout("tok_emb", sequence(tape, "tok_emb"))
    for block in blocks(spec):
        x = tape.block(block.path, block.kind, partial(_block, tape, spec, block), x)
    with tape.part("ln_f"):
        tape.keep("lm_head", tape.norm("ln_f", NORM, x, "b*s"))
    return tape.saved()


def _symbols(spec: DeepSeekSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "d": spec.d_model,
        "h": spec.heads,
        "e": spec.nope_dim + spec.rope_dim,
        "r": spec.rope_dim,
        "v": spec.value_dim,
        "L": spec.kv_rank,
        "q": spec.q_rank or 0,
        "f": spec.d_ff,
        "g": spec.expert_ff,
        "w": spec.shared_experts * spec.expert_ff,
        "E": spec.experts,
        "c": spec.top_k,
    }


def _block(tape: Tape, spec: DeepSeekSpec, block: Numbered, x: Value) -> Value:
    x = tape.add(x, _attention(tape, spec, tape.norm("ln_1", NORM, x, "b*s")))
    y = tape.norm("ln_2", NORM, x, "b*s")
    if block.kind == DENSE:
        return tape.add(x, blocks_saved.feed_forward(tape, "mlp", y, activation="swiglu"))
    return tape.add(x, _experts(tape, spec, y))


def _attention(tape: Tape, spec: DeepSeekSpec, x: Value) -> Value:
    """Return latent attention (DeepSeek-AI 2024, DeepSeek-V2, equations 9 to 19)."""
    tape.keep("attn.kv_down", x)
    # Of more than one row the latent vectors are copied out of what stands beside them.
    rank = "L" if tape.size("b*s") > 1 else "(L + r)"
    latent = sequence(tape, "latent keys and values", width=rank)
    tape.norm("attn.kv_norm", NORM, latent, "b*s")
    latent = sequence(tape, "attn.kv_norm", width="L")
    both = "b*s*h*(e - r + v)"
    value = strided(tape.linear("attn.kv", latent, both, division="tensor", axis="h"))
    made = heads(tape, "keys", "s")
    rotated(tape, "attn", x, made, "s", "r")
    if spec.q_rank:
        x = tape.linear("attn.q_down", x, "b*s*q")
        x = tape.norm("attn.q_norm", NORM, x, "b*s")
    tape.keep("attn.q", x)
    asked = rotated(tape, "attn", x, heads(tape, "queries", "s"), "s", "r")
    wide = spec.value_dim != spec.nope_dim + spec.rope_dim
    answer = saved_products.scaled(
        tape,
        "attn.sdpa",
        asked,
        made,
        value,
        where=Positions(),
        causal=True,
        keys="h",
        value_width="v",
        side_by_side=wide,
    )
    joined = blocks_saved.joined(tape, answer, "s")
    return tape.dropout("attn", tape.linear("attn.proj", joined, "b*s*d"))


def _experts(tape: Tape, spec: DeepSeekSpec, x: Value) -> Value:
    """Return what shared and routed experts answer (DeepSeek-V3, equations 12 to 16)."""
    tape.keep("mlp.router", x)
    tape.new("mlp", "scores of experts", "b*s*E")
    tape.new("mlp", "chosen experts", "b*s*c", type="int64")
    if spec.routing == "balanced":
        tape.new("mlp", "scores of the chosen", "b*s*c")
        tape.new("mlp", "their sums", "b*s", minor=True)
    routed = blocks_saved.experts(
        tape, "mlp.experts", activation="swiglu", rows="b*s*c", hidden="g"
    )
    tape.multiply("mlp", routed, tape.value("weights of experts", "b*s*c"))
    answer = sequence(tape, "mlp")
    if not spec.shared_experts:
        return tape.dropout("mlp", answer)
    shared = blocks_saved.feed_forward(tape, "mlp.shared", x, activation="swiglu", hidden="w")
    return tape.add(answer, shared)
