"""What a training step keeps of a Transformer, from its spec and the plan of its blocks. No torch.

Beside the symbols of `blocks.saved_activations`: t positions of a target, n width of the
embeddings, w keys of a window, T taps of a convolution, D hidden width of dense feed-forwards, g of
a shared expert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import archscope.families.transformer.kinds as kinds
from archscope.blocks import saved_activations as blocks_saved
from archscope.blocks import saved_attention, saved_mixers, saved_products
from archscope.blocks.plan import lists
from archscope.blocks.saved_activations import Positions, sequence
from archscope.blocks.saved_attention import Core
from archscope.families.transformer.spec import BlockPlan, TransformerSpec, blocks
from archscope.theory import mixing_counts
from archscope.theory.saved_activation_notes import Value
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: TransformerSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what embeddings, blocks, norms and heads keep for the backward."""
    tape = Tape(_symbols(spec), way)
    if spec.has_two_stacks:
        stacks = lists(blocks(spec))
        memory = _embedded(tape, spec, "", "s")
        memory = _run(tape, spec, memory, stacks["encoder"], "s")
        with tape.part("ln_encoder"):
            memory = _final_norm(tape, spec, memory, "ln_encoder", "s")
        x = _embedded(tape, spec, "target_", "t")
        x = _run(tape, spec, x, stacks["decoder"], "t", memory)
        _heads(tape, spec, x, "t")
    else:
        x = _embedded(tape, spec, "", "s")
        x = _run(tape, spec, x, tuple(blocks(spec)), "s")
        _heads(tape, spec, x, "s")
    return tape.saved()


def _symbols(spec: TransformerSpec) -> dict[str, int]:
    return {
        "b": spec.batch_size,
        "s": spec.seq_len,
        "t": spec.target_length,
        "d": spec.d_model,
        "h": spec.heads,
        "k": spec.key_heads,
        "e": spec.head_width,
        "f": spec.hidden_width,
        "n": spec.table_width,
        "R": getattr(spec.positions, "rotary_dim", None) or spec.head_width,
        "V": spec.vocab_size,
    }


def _embedded(tape: Tape, spec: TransformerSpec, side: str, positions: str) -> Value:
    """Return what enters a stack; `side`: what the names of the target's tables begin with."""
    with tape.part(f"{side}tok_emb"):
        if spec.vocab_size:
            table = "tok_emb" if spec.tied else f"{side}tok_emb"
            tape.new(table, "tokens", f"b*{positions}", type="int64", holds="input")
            x = sequence(tape, table, positions, _table_width(spec))
        else:
            x = sequence(tape, "features", positions, needs=False)
            x = replace(x, holds="input")
        if isinstance(spec.positions, kinds.Learned):
            tape.new(f"{side}pos_emb", "positions", positions, type="int64", minor=True)
            x = tape.add(x, tape.value("positions", f"{positions}*n"))
        if isinstance(spec.positions, kinds.Sinusoidal):
            x = tape.add(x)
        if spec.token_types:
            tape.new("type_emb", "token types", f"b*{positions}", type="int64", holds="input")
            x = tape.add(x, tape.value("types", f"b*{positions}*n"))
        if spec.embedding_norm:
            x = tape.norm(f"{side}ln_emb", _norm(spec), x, f"b*{positions}")
        if spec.embedding_dim is not None:
            at = "proj_emb" if spec.tied else f"{side}proj_emb"
            x = tape.linear(at, x, f"b*{positions}*d")
    return x


def _table_width(spec: TransformerSpec) -> str:
    return "d" if spec.embedding_dim is None else "n"


def _run(
    tape: Tape,
    spec: TransformerSpec,
    x: Value,
    plan: Sequence[BlockPlan],
    positions: str,
    *memory: Value,
) -> Value:
    if spec.shared_blocks and tape.way.every > 1:
        tape.unknown("of one block that runs over and over all runs are made again, or none")
    for block in plan:
        kind = replace(block, path="", repeatable=True)
        x = tape.block(block.path, kind, partial(_block, tape, spec, block, positions), x, *memory)
    return x


def _block(
    tape: Tape, spec: TransformerSpec, block: BlockPlan, positions: str, x: Value, *memory: Value
) -> Value:
    mixer = partial(_mixed, tape, spec, block, positions)
    mlp = partial(_feed_forward, tape, spec, block, positions)
    norm = partial(_normed, tape, spec, positions)
    if getattr(spec.norm_place, "parallel", False):
        first = norm("ln_1", x)
        second = first if getattr(spec.norm_place, "shared_norm", False) else norm("ln_2", x)
        return tape.add(x, mixer(first), mlp(second))
    x = _part(tape, spec, norm, "ln_1", mixer, x)
    if block.cross:
        cross = partial(_crossed, tape, spec, positions, memory[0])
        x = _part(tape, spec, norm, "ln_cross", cross, x)
    return _part(tape, spec, norm, "ln_2", mlp, x)


def _part(
    tape: Tape,
    spec: TransformerSpec,
    norm: Callable[[str, Value], Value],
    at: str,
    part: Callable[[Value], Value],
    x: Value,
) -> Value:
    """Return a part of a block with its norm and the sum around it."""
    match spec.norm_place:
        case kinds.PostNorm():
            return norm(at, tape.add(x, part(x)))
        case kinds.SandwichNorm():
            return tape.add(x, norm(f"{at}_out", part(norm(at, x))))
        case _:
            return tape.add(x, part(norm(at, x)))


def _norm(spec: TransformerSpec) -> str:
    return spec.norm.word


def _normed(tape: Tape, spec: TransformerSpec, positions: str, at: str, x: Value) -> Value:
    return tape.norm(at, _norm(spec), x, f"b*{positions}")


def _mixed(tape: Tape, spec: TransformerSpec, block: BlockPlan, positions: str, x: Value) -> Value:
    match block.mixer:
        case kinds.DilatedConv(kernel_size=(taps,), dilations=(dilation,)):
            tape.symbols = {**tape.symbols, "r": (taps - 1) * dilation}
            form = f"b*d*({positions} + r)"
            tape.new("mixer.conv", "padded features", form, division="sequence")
            return tape.dropout("mixer", sequence(tape, "mixer.conv", positions))
        case kinds.SelfAttention(output_gate=gate):
            core = _core(tape, spec, block, positions)
            return _attended(tape, spec, core, positions, x, output_gate=gate)
        case kinds.LinearAttention():
            where = Positions(queries=positions, keys=positions)
            core = partial(saved_mixers.linear_attention, where=where, causal=block.causal)
            return _attended(tape, spec, core, positions, x)
        case kinds.StateSpace(state_size=state, expansion=expand, state_kernel=taps) as mixer:
            rank = mixing_counts.rank_of_steps(spec.d_model)
            scan = {"i": expand * spec.d_model, "z": state, "a": rank, "p": taps - 1}
            tape.symbols = {**tape.symbols, **scan}
            normed = _norm(spec) if mixer.state_norm else ""
            return saved_mixers.state_space(
                tape, "mixer", x, positions=positions, causal=block.causal, normed=normed
            )
        case kinds.DualStateSpace() as mixer:
            return saved_mixers.dual_state_space(
                tape,
                "mixer",
                x,
                positions=positions,
                inner=mixer.expansion * spec.d_model,
                head_dim=mixer.state_head_dim,
                state=mixer.state_size,
                chunk=mixer.state_chunk,
                taps=mixer.state_kernel,
                groups=mixer.state_groups,
            )
        case _:
            tape.unknown(f"what {block.mixer.word} keeps has no closed form here")
            return sequence(tape, "mixer", positions)


def _attended(
    tape: Tape,
    spec: TransformerSpec,
    core: Core,
    positions: str,
    x: Value,
    *,
    output_gate: bool = False,
) -> Value:
    return saved_attention.attention(
        tape,
        "attn",
        x,
        x,
        core,
        where=Positions(queries=positions, keys=positions),
        fused=spec.key_heads == spec.heads,
        head_norm=_norm(spec) if spec.qk_norm else "",
        rotary=isinstance(spec.positions, kinds.Rotary),
        turned="R",
        norm_across=spec.qk_norm_across,
        output_gate=output_gate,
    )


def _crossed(tape: Tape, spec: TransformerSpec, positions: str, memory: Value, x: Value) -> Value:
    where = Positions(queries=positions, keys="s")
    grouped = spec.key_heads != spec.heads
    return saved_attention.attention(
        tape,
        "cross",
        x,
        memory,
        partial(saved_products.scaled, where=where, grouped=grouped),
        where=where,
        fused=False,
        head_norm=_norm(spec) if spec.qk_norm else "",
        norm_across=spec.qk_norm_across,
    )


def _core(tape: Tape, spec: TransformerSpec, block: BlockPlan, positions: str) -> Core:
    """Return the product of a block's attention, as the network chooses it."""
    grouped = spec.key_heads != spec.heads
    where = Positions(queries=positions, keys=positions)
    alibi = isinstance(spec.positions, kinds.Alibi)
    if getattr(spec.attention, "sinks", False):
        return partial(saved_products.with_sinks, positions=positions)
    if alibi or (block.window is not None and spec.masks_scores):
        form = f"h*{positions}*{positions}" if alibi else f"{positions}*{positions}"
        kind: dict[str, Any] = {"division": "tensor", "axis": "h"} if alibi else {}
        mask = tape.value("mask", form, needs=False, **kind)
        return partial(
            saved_products.scaled, where=where, grouped=grouped, mask=mask, side_by_side=alibi
        )
    tokens, step = tape.size(positions), spec.window_step
    if block.chunk is not None and block.chunk < tokens:
        tape.unknown("what attention within chunks keeps has no closed form here")
    if block.window is None or mixing_counts.window_covers(
        tokens, window=block.window, dilation=step, causal=block.causal
    ):
        return partial(saved_products.scaled, where=where, grouped=grouped, causal=block.causal)
    tape.symbols = {**tape.symbols, "w": block.window}
    reach = (block.window - 1) * step
    return partial(saved_products.windowed, reach=reach, positions=positions)


def _feed_forward(
    tape: Tape, spec: TransformerSpec, block: BlockPlan, positions: str, x: Value
) -> Value:
    kind, experts = spec.activation, block.experts
    if experts is None:
        tape.symbols = {**tape.symbols, "D": spec.dense_width}
        hidden = "f" if spec.dense_width == spec.hidden_width else "D"
        return blocks_saved.feed_forward(
            tape, "mlp", x, activation=kind, positions=positions, hidden=hidden
        )
    chosen = {"E": experts.experts, "c": experts.chosen, "g": experts.shared_ff}
    tape.symbols = {**tape.symbols, **chosen}
    routed = blocks_saved.mixture(tape, "mlp", x, activation=kind, positions=positions)
    if not experts.shared_ff:
        return routed
    shared = blocks_saved.feed_forward(
        tape, "mlp.shared", x, activation=kind, positions=positions, hidden="g"
    )
    if experts.shared_gate:
        gate = tape.linear("mlp.shared_gate", x, f"b*{positions}")
        shared = tape.multiply("mlp", shared, tape.activation("mlp", "sigmoid", gate))
    return tape.add(routed, shared)


def _final_norm(tape: Tape, spec: TransformerSpec, x: Value, at: str, positions: str) -> Value:
    return _normed(tape, spec, positions, at, x) if spec.ends_normalised else x


def _heads(tape: Tape, spec: TransformerSpec, x: Value, positions: str) -> None:
    with tape.part("ln_f"):
        x = _final_norm(tape, spec, x, "ln_f", positions)
        _vocabulary_head(tape, spec, x, positions)
        if spec.pooler:
            x = tape.linear("pooled.pooler.dense", x, _pooled(spec, positions))
            x = tape.activation("pooled.pooler", "tanh", x)
        if spec.classes:
            tape.linear("pooled.classifier", x, "b")


def _pooled(spec: TransformerSpec, positions: str) -> str:
    return f"b*{positions}*d" if spec.classify == "token" else "b*d"


def _vocabulary_head(tape: Tape, spec: TransformerSpec, x: Value, positions: str) -> None:
    match spec.vocabulary_head:
        case kinds.NoHead():
            return
        case kinds.MaskedHead():
            x = tape.linear("lm_head.dense", x, f"b*{positions}*n")
            x = tape.activation("lm_head", "gelu", x)
            x = tape.norm("lm_head.norm", _norm(spec), x, f"b*{positions}")
            tape.keep("lm_head.decoder", x)
        case _ if spec.embedding_dim is not None:
            x = tape.linear("lm_head.proj", x, f"b*{positions}*n")
            tape.keep("lm_head.decoder", x)
        case _:
            tape.keep("lm_head", x)
