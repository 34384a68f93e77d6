"""What llama.cpp reserves: cells, each with a position of any sequence.

Read in ggml-org/llama.cpp at 02c28f5: src/llama-kv-cache-iswa.cpp (windows, padded to 256 cells),
src/llama-kv-cache.cpp (no values beside latents), src/llama-context.cpp (n_ctx padded to 256),
src/llama-memory-recurrent.cpp and src/llama-hparams.cpp (states in fp32, a cell for each sequence).
"""

from __future__ import annotations

from collections.abc import Callable

from archscope.theory.cache import Cache, LayerCache
from archscope.theory.serving.demand import (
    GROWING,
    LIMITED,
    STATES,
    Asked,
    Reserved,
    Runtime,
    grown_bytes,
    unread,
    up,
)
from archscope.theory.stored import KV_TYPES, named

_PAD = 256
"""Cells of which there is a multiple."""
_UBATCH = 512
"""Tokens of a prompt that are read at once, by default; a window keeps room for them."""
_TYPES = ("fp16", "bf16", "fp32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
_READ = (
    "ggml-org/llama.cpp at 02c28f5, src/llama-kv-cache-iswa.cpp, llama-kv-cache.cpp, "
    "llama-memory-recurrent.cpp; one cache for all sequences (kv_unified); values of a quantised "
    "type need -fa on"
)


def _rule(
    *, whole_windows: bool = False, latent: bool = True
) -> Callable[[LayerCache, Asked, Cache], Reserved]:
    def rule(layer: LayerCache, asked: Asked, cache: Cache) -> Reserved:
        if layer.kind in STATES:
            return _cells_of_states(layer, asked)
        if layer.kind not in GROWING:
            return unread(layer, "llama.cpp")
        cells = up(asked.context * asked.batch, _PAD)
        said = f"{cells:,} cells"
        if layer.limit is not None and not whole_windows:
            cells = up(min(cells, layer.limit * asked.batch + _UBATCH), _PAD)
            said = f"{cells:,} cells: {layer.limit:,} for each sequence and {_UBATCH} to read"
        elements = layer.per_position
        if layer.kind == "latent" and not latent:
            elements, said = layer.expanded_elements, f"{said}, keys and values of all heads"
        return Reserved(bytes=grown_bytes(layer, cells, asked.stored, elements), why=said)

    return rule


def _cells_of_states(layer: LayerCache, asked: Asked) -> Reserved:
    stored = asked.states or named("fp32", KV_TYPES)
    size = stored.of(layer.state_elements + layer.column_elements)
    return Reserved(bytes=asked.batch * size, why=f"a cell for each sequence, in {stored.word}")


_STATE_TYPES = dict.fromkeys(STATES, "fp32")
LLAMACPP = (
    Runtime(
        word="llamacpp",
        name="llama.cpp",
        read=_READ,
        types=_TYPES,
        rule=_rule(),
        state_types=_STATE_TYPES,
    ),
    Runtime(
        word="llamacpp-swa-full",
        name="llama.cpp with --swa-full",
        read=_READ,
        types=_TYPES,
        rule=_rule(whole_windows=True),
        state_types=_STATE_TYPES,
        about=LIMITED,
    ),
    Runtime(
        word="llamacpp-no-mla",
        name="llama.cpp with a file made before latent attention",
        read=f"{_READ}; ggml-org/llama.cpp pull request 11397",
        types=_TYPES,
        rule=_rule(latent=False),
        state_types=_STATE_TYPES,
        about=("latent",),
    ),
)
"""llama.cpp, with windows in full, and as it keeps DeepSeek's files of before April 2025."""
