"""What vLLM reserves: pages of so many positions, for each sequence and layer.

Read in vllm-project/vllm at 001cabc: vllm/v1/kv_cache_interface.py, vllm/v1/core/kv_cache_utils.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archscope.theory.cache import Cache, LayerCache
from archscope.theory.serving.demand import (
    GROWING,
    LIMITED,
    STATES,
    Asked,
    Reserved,
    Runtime,
    as_plain,
    most,
    unread,
    up,
)

_BLOCK = 16
"""Positions of a block where no state asks for more."""
_TYPES = ("bf16", "fp16", "fp32", "fp8", "int8")
_READ = "vllm-project/vllm at 001cabc, vllm/v1/kv_cache_interface.py, v1/core/kv_cache_utils.py"


def block_of(cache: Cache, asked: Asked) -> int:
    """Return the positions of a block: so many that a page is no smaller than a state.

    `Platform._align_hybrid_block_size` in vllm/platforms/interface.py: a multiple of 16.
    """
    state = _state(cache, asked)
    if not state:  # as of most networks: nothing else is looked at, which each layer asks for
        return _BLOCK
    position = _position(cache, asked)
    return up(-(-state // position), _BLOCK) if position else _BLOCK


def _state(cache: Cache, asked: Asked) -> int:
    """Return the bytes of the largest state."""
    stored = asked.states or as_plain(asked.stored)
    held = (each for each in cache.layers if each.kind in STATES)
    return most([stored.of(each.state_elements + each.column_elements) for each in held])


def _position(cache: Cache, asked: Asked) -> int:
    """Return the bytes of a position in the layer where it takes most."""
    return most([_each(layer, asked) for layer in cache.layers if layer.kind in GROWING])


def _each(layer: LayerCache, asked: Asked) -> int:
    return asked.stored.of(layer.per_position, layer.vectors)


def _blocks(layer: LayerCache, asked: Asked, block: int, *, hybrid: bool) -> int:
    """Return the blocks of one sequence; a window need not start where a block does."""
    if layer.kind in STATES:
        return 1
    if layer.source is not None:
        return -(-layer.source // block)
    whole = -(-asked.context // block)
    if layer.limit is None or not hybrid:
        return whole
    return min(whole, -(-layer.limit // block) + (layer.kind == "window"))


def _rule(*, hybrid: bool) -> Callable[[LayerCache, Asked, Cache], Reserved]:
    def rule(layer: LayerCache, asked: Asked, cache: Cache) -> Reserved:
        if layer.kind not in (*GROWING, *STATES, "cross attention"):
            return unread(layer, "vLLM")
        block = block_of(cache, asked)
        blocks = _blocks(layer, asked, block, hybrid=hybrid)
        size = asked.batch * blocks * _page(layer, asked, cache)
        if layer.kind in STATES:
            return Reserved(bytes=size, why="one page for each sequence, as large as attention's")
        said = f"{blocks:,} blocks of {block} for each sequence"
        if layer.limit is not None:
            said += ", those of its window" if hybrid else ", its window in full"
        return Reserved(bytes=size, why=said)

    return rule


def _page(layer: LayerCache, asked: Asked, cache: Cache) -> int:
    block = block_of(cache, asked)
    if layer.kind in STATES:
        return max(_state(cache, asked), block * _position(cache, asked))
    return block * _each(layer, asked)


def _kinds(cache: Cache, *, hybrid: bool) -> Iterator[list[LayerCache]]:
    """Yield the layers that are alike; without the hybrid manager windows are as full layers."""
    found: dict[tuple[object, ...], list[LayerCache]] = {}
    for layer in cache.layers:
        last = layer.limit if hybrid else None
        kind = "full attention" if layer.kind in LIMITED and not hybrid else layer.kind
        found.setdefault((kind, last, layer.per_position, layer.fixed), []).append(layer)
    yield from found.values()


def _places(cache: Cache, *, hybrid: bool) -> int:
    """Return how many layers a group has room for.

    `_get_kv_cache_groups_uniform_page_size`: as many as there are of the rarest kind, or of the
    most frequent one where these are less than half as many again.
    """
    counts = [len(each) for each in _kinds(cache, hybrid=hybrid)]
    if not counts:
        return 1
    fewest, largest = min(counts), max(counts)
    return largest if largest < 1.5 * fewest else fewest


def _padding(*, hybrid: bool) -> Callable[[Cache, Asked], int]:
    """Return what tells the bytes of places in groups that no layer takes."""

    def padding(cache: Cache, asked: Asked) -> int:
        places, block = _places(cache, hybrid=hybrid), block_of(cache, asked)
        spare = 0
        for layers in _kinds(cache, hybrid=hybrid):
            empty = -len(layers) % places
            blocks = _blocks(layers[0], asked, block, hybrid=hybrid)
            spare += empty * blocks * _page(layers[0], asked, cache)
        return asked.batch * spare

    return padding


def pool_tokens(cache: Cache, asked: Asked, memory: int) -> int | None:
    """Return what vLLM logs as `GPU KV cache size: ... tokens` for so many bytes.

    It counts as if each group kept all positions, those of windows too. None where nothing grows,
    where pages are of several sizes, or where layers are not known to it.
    """
    if any(each.kind not in (*GROWING, *STATES) for each in cache.layers):
        return None
    pages = {_page(layer, asked, cache) for layer in cache.layers}
    if len(pages) != 1 or not _position(cache, asked):
        return None
    places = _places(cache, hybrid=True)
    groups = sum(-(-len(layers) // places) for layers in _kinds(cache, hybrid=True))
    return memory // pages.pop() // places // groups * block_of(cache, asked)


VLLM = (
    Runtime(
        word="vllm",
        name="vLLM",
        read=f"{_READ}; while it decodes: a window keeps its own blocks, and those of a prompt "
        "that is being read beside them",
        types=_TYPES,
        rule=_rule(hybrid=True),
        state_types={},
        padding=_padding(hybrid=True),
    ),
    Runtime(
        word="vllm-no-hybrid",
        name="vLLM without its hybrid manager",
        read=f"{_READ}; with --disable-hybrid-kv-cache-manager, and before there was one (2025)",
        types=_TYPES,
        rule=_rule(hybrid=False),
        state_types={},
        padding=_padding(hybrid=False),
        about=LIMITED,
    ),
)
"""vLLM, and as it is where layers with windows keep all positions."""
