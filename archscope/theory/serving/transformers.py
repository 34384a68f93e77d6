"""What the transformers package reserves: tensors for each layer.

Read in huggingface/transformers at 004999d: src/transformers/cache_utils.py, and models/qwen3_next,
models/mamba and models/deepseek_v3 beside it.
"""

from __future__ import annotations

from collections.abc import Callable

from archscope.theory.cache import Cache, LayerCache
from archscope.theory.serving.demand import (
    GROWING,
    STATES,
    Asked,
    Reserved,
    Runtime,
    as_plain,
    grown_bytes,
    unread,
)
from archscope.theory.stored import KV_TYPES, named

_TYPES = ("bf16", "fp16", "fp32")
_READ = "huggingface/transformers at 004999d, src/transformers/cache_utils.py"


def _rule(*, static: bool) -> Callable[[LayerCache, Asked, Cache], Reserved]:
    def rule(layer: LayerCache, asked: Asked, cache: Cache) -> Reserved:
        if layer.kind in STATES:
            return _state(layer, asked)
        if layer.kind not in (*GROWING, "cross attention"):
            return unread(layer, "transformers")
        kept, elements, said = asked.context, layer.per_position, "all positions"
        if layer.source is not None:
            kept, said = layer.source, "the source"
        elif layer.limit is not None:
            kept = min(kept, layer.limit if static else layer.limit - 1)
            said = "the window" + ("" if static else ", without the position that is computed")
        elif layer.kind == "latent":
            elements, said = layer.expanded_elements, "keys and values of all heads, no latents"
        size = grown_bytes(layer, kept, asked.stored, elements)
        return Reserved(bytes=asked.batch * size, why=f"{said}: {kept:,}")

    return rule


def _state(layer: LayerCache, asked: Asked) -> Reserved:
    """Return a state and a column for each tap of the convolution before it, the newest too."""
    taps = layer.symbols.get("t", 1)
    columns = layer.column_elements // (taps - 1) * taps if taps > 1 else 0
    own = as_plain(asked.stored)
    delta = layer.kind == "linear attention"
    states = asked.states or (named("fp32", KV_TYPES) if delta else own)
    size = states.of(layer.state_elements) + own.of(columns)
    said = f"a state in {states.word}" + (f", {taps} columns in {own.word}" if columns else "")
    return Reserved(bytes=asked.batch * size, why=said)


HF = (
    Runtime(
        word="hf",
        name="transformers, DynamicCache",
        read=f"{_READ}; it grows by a position at a time",
        types=_TYPES,
        rule=_rule(static=False),
        state_types={"linear attention": "fp32"},
    ),
    Runtime(
        word="hf-static",
        name="transformers, StaticCache",
        read=f"{_READ}; made for max_cache_len = the context",
        types=_TYPES,
        rule=_rule(static=True),
        state_types={"linear attention": "fp32"},
    ),
)
"""transformers, with a cache that grows and with one that is there at once."""
