"""Which values of a Transformer's fields fit together.

A kind carries the numbers that it alone reads, so that `--window 256` without a window is refused
by itself; here is what concerns several fields. The spec calls these checks as it is made and so
stands above them: here it is anything that has its fields.
"""

from __future__ import annotations

from typing import Any

import archscope.families.transformer.kinds as kinds
from archscope.blocks.checks import check_divides
from archscope.errors import SpecError
from archscope.specs import fields, nearest_divisors, shown


def check_together(spec: Any) -> None:
    """Raise `SpecError` for the first field whose value another field rules out."""
    _check_mixers(spec)
    _check_heads(spec)
    _check_window(spec)
    _check_chunks(spec)
    _check_positions(spec)
    _check_experts(spec)
    _check_shared_blocks(spec)
    _check_stacks(spec)
    _check_vocabulary(spec)


def _check_mixers(spec: Any) -> None:
    longest = max(spec.stacks)
    _check_length("mixer", spec.mixer, longest)
    for mixer in spec.mixer:
        if isinstance(mixer, kinds.DilatedConv):
            turns = sum(spec.mixer[block % len(spec.mixer)] == mixer for block in range(longest))
            _check_length("kernel_size", mixer.kernel_size, turns)
            _check_length("dilations", mixer.dilations, turns)
        elif isinstance(mixer, kinds.PAST_ONLY) and (
            spec.has_two_stacks or not spec.sees_only_past
        ):
            problem = "sees only the past: it is for one stack that does, as {arch} decoder"
            raise SpecError("mixer", mixer.word, problem)
        if isinstance(mixer, kinds.DualStateSpace):
            _check_state_heads(spec, mixer)


def _check_state_heads(spec: Any, mixer: kinds.DualStateSpace) -> None:
    inner = mixer.expansion * spec.d_model
    if inner % mixer.state_head_dim:
        near = ", ".join(map(str, nearest_divisors(inner, mixer.state_head_dim)))
        problem = f"does not divide the {inner} inner features. Nearest: {near}"
        raise SpecError("state_head_dim", mixer.state_head_dim, problem)
    heads = inner // mixer.state_head_dim
    if heads % mixer.state_groups:
        near = ", ".join(map(str, nearest_divisors(heads, mixer.state_groups)))
        problem = f"does not divide the {heads} heads. Nearest: {near}"
        raise SpecError("state_groups", mixer.state_groups, problem)


def _check_length(field: str, items: tuple[Any, ...], most: int) -> None:
    if len(items) > most:
        blocks, some = ("block", "1") if most == 1 else ("blocks", f"1 to {most}")
        problem = f"has {len(items)} items for {most} {blocks} that read it; give {some}"
        raise SpecError(field, shown(items), problem)


def _check_heads(spec: Any) -> None:
    if not spec.attends and spec.attention != kinds.Full():
        sinks = isinstance(spec.attention, kinds.Full)
        field, value = ("sinks", True) if sinks else ("attention", spec.attention.word)
        raise SpecError(field, value, "needs {mixer} attention")
    usual = {field.name: field.default for field in fields(type(spec))}
    if not spec.has_heads:
        _refuse(
            spec,
            usual,
            "kv_heads",
            "head_dim",
            "attn_bias",
            "qkv_bias",
            "qk_norm",
            "qk_norm_across",
        )
        return
    if not (spec.mixes_by_heads or spec.has_two_stacks):
        _refuse(spec, usual, "kv_heads", "qkv_bias", "qk_norm")
    if spec.qk_norm_across and not spec.qk_norm:
        raise SpecError("qk_norm_across", True, "needs {qk_norm}")
    if spec.head_dim is None:
        check_divides("heads", spec.heads, "d_model", spec.d_model)
    check_divides("kv_heads", spec.key_heads, "heads", spec.heads)


def _refuse(spec: Any, usual: dict[str, Any], *names: str) -> None:
    for field in names:
        if getattr(spec, field) != usual[field]:
            raise SpecError(field, getattr(spec, field), "needs {mixer} attention")


def _check_chunks(spec: Any) -> None:
    if not isinstance(spec.attention, kinds.Chunk):
        return
    if spec.has_two_stacks or not spec.sees_only_past:
        problem = "sees only the past: it is for one stack that does, as {arch} decoder"
        raise SpecError("attention", "chunk", problem)
    attends = [isinstance(spec.mixer_of(block), kinds.SelfAttention) for block in range(spec.depth)]
    if not any(on and spec.attends_in_full(block) for block, on in enumerate(attends)):
        problem = f"leaves no block of {spec.depth} that attends in full, and chunks never meet"
        raise SpecError("full_every", spec.attention.full_every, problem)


def _check_window(spec: Any) -> None:
    keys = spec.window_keys
    both_sides = not spec.sees_only_past or spec.has_two_stacks
    if keys is not None and both_sides and keys % 2 == 0:
        problem = "is even, but a window to both sides is centred on the query"
        raise SpecError("window", keys, f"{problem}. Nearest: {keys - 1}, {keys + 1}")


def _check_positions(spec: Any) -> None:
    match spec.positions:
        case kinds.Rotary(rotary_dim=turned):
            _check_rotary(spec, turned)
        case kinds.Alibi():
            _check_alibi(spec)
        case kinds.Sinusoidal() if spec.table_width % 2:
            field = "d_model" if spec.embedding_dim is None else "embedding_dim"
            near = f"{spec.table_width - 1}, {spec.table_width + 1}"
            problem = f"needs an even {{{field}}}, not {spec.table_width}. Nearest: {near}"
            raise SpecError("positions", "sinusoidal", problem)
        case kinds.Learned(max_positions=rows) if rows is not None:
            _check_rows(spec, rows)


def _check_rotary(spec: Any, turned: int | None) -> None:
    if not spec.mixes_by_heads:
        raise SpecError("positions", "rotary", "rotates queries and needs {mixer} attention")
    width = spec.head_width
    if turned is None and width % 2:
        problem = f"turns features in pairs, but a head has {width} features"
        raise SpecError("positions", "rotary", f"{problem}. Give an even {{head_dim}}")
    if turned is not None and (turned % 2 or turned > width):
        problem = f"is not an even number of the {width} features of a head"
        raise SpecError("rotary_dim", turned, problem)


def _check_alibi(spec: Any) -> None:
    if not spec.attends:
        raise SpecError("positions", "alibi", "is added to scores and needs {mixer} attention")
    if not spec.sees_only_past or spec.has_two_stacks:
        raise SpecError("positions", "alibi", "needs causal attention")
    if isinstance(spec.attention, kinds.Chunk):
        raise SpecError("positions", "alibi", "cannot be combined with {attention} chunk")
    if not spec.masks_scores:
        problem = "needs {masked_window} where {attention} has windows"
        raise SpecError("positions", "alibi", problem)


def _check_rows(spec: Any, rows: int) -> None:
    longest = max(spec.seq_len, spec.target_length)
    if rows < longest:
        longer = "seq_len" if longest == spec.seq_len else "target_len"
        problem = f"is less than {{{longer}}} {longest}. Give at least {longest}"
        raise SpecError("max_positions", rows, problem)


def _check_experts(spec: Any) -> None:
    longest, dense = max(spec.stacks), getattr(spec.ffn, "dense_blocks", 0)
    if dense and dense >= longest:
        problem = f"leaves no experts to a depth of {longest}. Give 0 to {longest - 1}"
        raise SpecError("dense_blocks", dense, problem)


def _check_shared_blocks(spec: Any) -> None:
    if not spec.shared_blocks:
        return
    problem = "makes blocks differ, but {shared_blocks} is set"
    if len(spec.mixer) > 1:
        raise SpecError("mixer", ",".join(mixer.word for mixer in spec.mixer), problem)
    for part, value in (
        ("dilations", getattr(spec.mixer[0], "dilations", ())),
        ("kernel_size", getattr(spec.mixer[0], "kernel_size", ())),
    ):
        if len(set(value)) > 1:
            raise SpecError(part, shown(value), problem)
    for part, every in (
        ("full_every", getattr(spec.attention, "full_every", None)),
        ("moe_every", getattr(spec.ffn, "moe_every", None)),
    ):
        if every is not None and every > 1:
            raise SpecError(part, every, problem)
    if dense := getattr(spec.ffn, "dense_blocks", 0):
        raise SpecError("dense_blocks", dense, problem)


def _check_stacks(spec: Any) -> None:
    if not spec.has_two_stacks:
        return
    problem = "cannot be combined with {arch} encoder-decoder"
    if spec.token_types:
        raise SpecError("token_types", spec.token_types, problem)
    if getattr(spec.norm_place, "parallel", False):
        raise SpecError("parallel", True, problem)


def _check_vocabulary(spec: Any) -> None:
    if spec.classify == "token" and not spec.classes:
        raise SpecError("classify", "token", "needs {classes} of 1 or more")
    if spec.vocab_size:
        return
    if spec.embedding_dim is not None:
        raise SpecError("embedding_dim", spec.embedding_dim, "needs {vocab_size} of 1 or more")
    if isinstance(spec.head, kinds.MaskedHead):
        raise SpecError("head", "mlm", "scores tokens, but {vocab_size} is 0")
    if getattr(spec.head, "head_bias", False):
        raise SpecError("head_bias", True, "needs {vocab_size} of 1 or more")
