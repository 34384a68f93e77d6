"""Rules of attention in one operator: each query sees the keys that no mask hides."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from archscope.dependence.record.element_moves import ranked
from archscope.dependence.record.fact_rules import BLOCKED
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    constant,
    edges,
    from_all,
    mixed,
    shape_of,
    targets,
)
from archscope.dependence.rules.mixing import weighted
from archscope.dependence.sets.links import from_matrix, gather
from archscope.dependence.sets.steps import Edge, Keep, Mix, Step, Take, broadcast

RULES = RuleSet()


@RULES.of(
    *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention"),
    *("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
    *("scaled_dot_product_attention", "_scaled_dot_product_attention_math"),
    *(
        "_scaled_dot_product_fused_attention_overrideable",
        "_scaled_dot_product_attention_math_for_mps",
    ),
)
def attention(node: Node, zeros: Zeros) -> list[Edge]:
    """Queries (..., S, d), keys (..., T, d), values (..., T, e): each query sees unmasked keys."""
    given, target = node.arguments, targets(node)[0]
    query, key, value = given["query"], given["key"], given["value"]
    rank, last = len(target.shape), len(target.shape) - 1
    queries, keys = shape_of(query)[-2], shape_of(key)[-2]
    mask = given.get("attn_mask", given.get("attn_bias"))
    allowed = _allowed(mask, queries, keys, causal=bool(given.get("is_causal")))
    scored = None if allowed is None else allowed.sum(axis=-1, keepdims=True) > 1
    # A key that is alone has a weight of 1 whatever its score.
    asks = () if scored is None or scored.all() else (Keep(ranked(scored, rank)),)
    found = edges(query, (Mix(last, shape_of(query)[-1], target.shape[-1]), *asks), target)
    for source, is_scored in ((key, True), (value, False)):
        shape = shape_of(source)
        ways = allowed & scored if is_scored and scored is not None else allowed
        heads: tuple[Step, ...] = ()
        if rank > 2 and shape[-3] != target.shape[-3]:  # grouped queries
            copies = target.shape[-3] // shape[-3]
            heads = (Take(rank - 3, gather(shape[-3], np.arange(target.shape[-3]) // copies)),)
        products = (Mix(last, shape[-1], target.shape[-1]),) if is_scored else ()
        steps = (*heads, *products)
        if ways is None:
            found += edges(source, (*steps, Mix(rank - 2, keys, queries)), target)
        else:
            found += weighted(source, target, zeros, ~ways, queries, before=steps)
    if isinstance(mask, Value):
        steps = (*broadcast(mask.shape, (*target.shape[:-2], queries, keys)),)
        found += edges(mask, (*steps, Mix(last, keys, target.shape[-1])), target)
    extra = targets(node)[1:]
    return found + from_all(query, *extra) + from_all(key, *extra)


def _allowed(mask: Any, queries: int, keys: int, *, causal: bool) -> NDArray[np.bool_] | None:
    """Return which key each query sees, None for all."""
    allowed = np.tri(queries, keys, dtype=np.bool_) if causal else None
    if mask is not None and not isinstance(mask, Value) and not mask.is_meta:
        data = constant(mask)
        seen = (data > BLOCKED if data.is_floating_point() else data.bool()).numpy()
        if data.is_floating_point():  # a row without any is spread evenly, or nothing if all -inf
            some = ~torch.isneginf(data).all(-1, keepdim=True).numpy()
            seen = seen | (some & ~seen.any(axis=-1, keepdims=True))
        allowed = seen if allowed is None else seen & allowed
    return None if allowed is None or allowed.all() else allowed


@RULES.of("_flash_attention_forward", "_efficient_attention_forward")
def attention_by_rows(node: Node, zeros: Zeros) -> list[Edge]:
    """Attention of queries, keys and values (batch, positions, heads, width)."""
    given, target = node.arguments, targets(node)[0]
    names = ("cum_seq_q", "cum_seq_k", "cu_seqlens_q", "cu_seqlens_k", "seqlen_k", "seqused_k")
    packed = any(given.get(name) is not None for name in names)
    if packed or len(target.shape) != 4 or given.get("window_size") is not None:
        raise DataDependentError(mixed(node))
    causal = bool(given.get("is_causal")) or given.get("custom_mask_type") == 1
    queries, keys = target.shape[1], shape_of(given["key"])[1]
    allowed = (
        np.tri(queries, keys, dtype=np.bool_) if causal else np.ones((queries, keys), np.bool_)
    )
    for name, side in (("window_size_left", -1), ("window_size_right", 1)):
        reach = given.get(name)
        if reach is not None and reach >= 0:
            apart = np.arange(keys) - np.arange(queries)[:, None]
            allowed = allowed & (side * apart <= reach)
    width, last = target.shape[-1], Mix(3, shape_of(given["query"])[-1], target.shape[-1])
    found = edges(given["query"], (last,), target)
    for name in ("key", "value"):
        heads = gather(shape_of(given[name])[2], _copies(shape_of(given[name])[2], target.shape[2]))
        steps = (Take(2, heads), Mix(3, shape_of(given[name])[-1], width))
        found += edges(given[name], (*steps, Take(1, from_matrix(allowed))), target)
    if isinstance(given.get("bias"), Value):
        raise DataDependentError(found + from_all(given["bias"], target))
    extra = targets(node)[1:]
    return found + from_all(given["query"], *extra) + from_all(given["key"], *extra)


def _copies(heads: int, queries: int) -> NDArray[np.int64]:
    return np.arange(queries) // (queries // heads)
