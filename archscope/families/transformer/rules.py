"""Which values of a Transformer's fields fit together; a value that nobody would read is refused.

Without the last rule `--window 256` would count full attention where `--attention window` was
forgotten, and say nothing. The spec calls these checks as it is made and so stands above them:
here it is anything that has its fields.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from archscope.blocks.checks import check_divides
from archscope.errors import SpecError


def check_together(spec: Any) -> None:
    """Raise `SpecError` for the first field whose value another field rules out."""
    _check_heads(spec)
    _check_window(spec)
    _check_positions(spec)
    _check_experts(spec)
    _check_blocks(spec)
    _check_unread(spec)


def _check_heads(spec: Any) -> None:
    if not _attends(spec):
        return
    if spec.head_dim is None:
        check_divides("heads", spec.heads, "d_model", spec.d_model)
    check_divides("kv_heads", spec.key_heads, "heads", spec.heads)


def _check_window(spec: Any) -> None:
    both_sides = not spec.sees_only_past or spec.arch == "encoder-decoder"
    if spec.window is not None and both_sides and spec.window % 2 == 0:
        near = f"{spec.window - 1}, {spec.window + 1}"
        problem = f"is even, but a window to both sides is centred on the query. Nearest: {near}"
        raise SpecError("window", spec.window, problem)


def _check_positions(spec: Any) -> None:
    width, table = spec.head_width, spec.table_width
    if spec.positions == "rotary" and spec.mixer == "attention" and width % 2:
        has = f"a head has {width} features"
        problem = f"turns features in pairs, but {has}. Give an even {{head_dim}}"
        raise SpecError("positions", spec.positions, problem)
    if spec.rotary_dim is not None and (spec.rotary_dim % 2 or spec.rotary_dim > width):
        problem = f"is not an even number of the {width} features of a head"
        raise SpecError("rotary_dim", spec.rotary_dim, problem)
    if spec.positions == "sinusoidal" and table % 2:
        field = "d_model" if spec.embedding_dim is None else "embedding_dim"
        problem = f"needs an even {{{field}}}, not {table}. Nearest: {table - 1}, {table + 1}"
        raise SpecError("positions", spec.positions, problem)
    longest = max(spec.seq_len, spec.target_len or 0)
    if spec.max_positions is not None and spec.max_positions < longest:
        longer = "seq_len" if longest == spec.seq_len else "target_len"
        problem = f"is less than {{{longer}}} {longest}. Give at least {longest}"
        raise SpecError("max_positions", spec.max_positions, problem)


def _check_experts(spec: Any) -> None:
    if spec.experts and spec.top_k is not None and spec.top_k > spec.experts:
        problem = f"is more than {{experts}} {spec.experts}. Give 1 to {spec.experts}"
        raise SpecError("top_k", spec.top_k, problem)
    if spec.head == "mlm" and not spec.vocab_size:
        raise SpecError("head", spec.head, "scores tokens, but {vocab_size} is 0")
    if spec.dilations == ():
        raise SpecError("dilations", (), "has no items. Give at least one, e.g. 1,2,4")


def _check_blocks(spec: Any) -> None:
    if not spec.shared_blocks:
        return
    for field, differs in (
        ("dilations", len(set(spec.dilations or ())) > 1),
        ("full_every", spec.full_every is not None),
    ):
        if differs:
            problem = "makes blocks differ, but {shared_blocks} is set"
            raise SpecError(field, getattr(spec, field), problem)


def _check_unread(spec: Any) -> None:
    two_stacks = spec.arch == "encoder-decoder"
    attends = spec.mixer == "attention"
    windowed = spec.attention != "full"
    by_mask = not windowed or spec.masked_window
    rotary, alibi = spec.positions == "rotary", spec.positions == "alibi"
    only_past = spec.sees_only_past and not two_stacks
    no_window = "needs {attention} window or dilated-window"
    not_by_mask = "needs {masked_window} where {attention} has windows"
    readers = (
        ("decoder_depth", two_stacks, "needs {arch} encoder-decoder"),
        ("target_len", two_stacks, "needs {arch} encoder-decoder"),
        ("causal", not two_stacks, "cannot be chosen with {arch} encoder-decoder: its decoder is"),
        ("token_types", not two_stacks, "cannot be had with {arch} encoder-decoder"),
        ("window", windowed, no_window),
        ("window_dilation", spec.attention == "dilated-window", "needs {attention} dilated-window"),
        ("masked_window", spec.attention == "window", "needs {attention} window"),
        ("full_every", windowed, no_window),
        ("sinks", attends, "needs {mixer} attention"),
        ("sinks", by_mask, not_by_mask),
        ("attention", attends, "needs {mixer} attention"),
        ("positions", attends or not rotary, "turns queries and needs {mixer} attention"),
        ("positions", attends or not alibi, "is added to scores and needs {mixer} attention"),
        ("positions", not alibi or by_mask, not_by_mask),
        ("positions", not alibi or only_past, "is for attention that sees only the past"),
        ("rotary_dim", rotary, "needs {positions} rotary"),
        ("parallel", not two_stacks, "cannot be had with {arch} encoder-decoder"),
        ("parallel", spec.norm_place == "pre", "needs {norm_place} pre"),
        ("shared_norm", spec.parallel, "needs {parallel}"),
        ("embedding_dim", spec.vocab_size > 0, "needs {vocab_size} of 1 or more"),
        ("norm_bias", spec.norm == "layernorm", "needs {norm} layernorm"),
        ("attn_bias", _attends(spec), "needs {mixer} attention"),
        ("router_bias", spec.experts > 0, "needs {experts} of 1 or more"),
        ("head_bias", spec.vocabulary_head == "lm", "needs {head} lm and {vocab_size}"),
        ("kernel_size", not attends, "needs {mixer} dilated-conv"),
        ("dilations", not attends, "needs {mixer} dilated-conv"),
        ("kv_heads", _attends(spec), "needs {mixer} attention"),
        ("head_dim", _attends(spec), "needs {mixer} attention"),
        ("qkv_bias", _attends(spec), "needs {mixer} attention"),
        ("qk_norm", _attends(spec), "needs {mixer} attention"),
        ("top_k", spec.experts > 0, "needs {experts} of 1 or more"),
        ("max_positions", spec.positions == "learned", "needs {positions} learned"),
    )
    defaults = {field.name: field.default for field in fields(spec)}
    for field, read, problem in readers:
        value = getattr(spec, field)
        if not read and value != defaults[field]:
            raise SpecError(field, value, problem)


def _attends(spec: Any) -> bool:
    attends: bool = spec.mixer == "attention" or spec.arch == "encoder-decoder"
    return attends
