"""The cache that a network of the transformers package returns, as it is there with its shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from archscope.theory.cache import Cache, Kind, LayerCache

_NAMES = ("past_key_values", "cache_params")
_STATES = ("conv_states", "ssm_states", "recurrent_states")
_SOURCE = "the cache that the network returns"


def cache_of(output: Any) -> Cache | None:
    """Return what is in an output's cache; None where it has none that is known."""
    for name in _NAMES:
        held = getattr(output, name, None)
        if held is not None:
            layers = tuple(_layers(held))
            if layers:
                return _cache(held, layers)
    return None


def _cache(held: Any, layers: tuple[LayerCache, ...]) -> Cache:
    own = getattr(held, "self_attention_cache", held)
    keys = [keys for _, _, keys, _ in _pairs(own)]
    return Cache(
        layers=layers,
        context=max([_told(held), *(each.shape[-2] for each in keys)]),
        batch=max((each.shape[0] for each in keys), default=1),
    )


def _told(held: Any) -> int:
    """Return the positions that a cache says it has seen, which windows do not keep all."""
    tell = getattr(held, "get_seq_length", None)
    try:
        return int(tell()) if tell is not None else 1
    except Exception:  # it is transformers' own, and differs from version to version
        return 1


def _layers(held: Any) -> Iterator[LayerCache]:
    own = getattr(held, "self_attention_cache", None)
    if own is not None:
        yield from _attention(own, "decoder", "full attention")
        yield from _attention(held.cross_attention_cache, "cross", "cross attention")
        return
    yield from _attention(held, "layers", "full attention")
    yield from _states(held)


def _pairs(held: Any) -> Iterator[tuple[int, Any, Tensor, Tensor]]:
    """Yield each layer's number, itself, its keys and values, of newer and of older versions."""
    layers = getattr(held, "layers", None)
    if layers is not None:
        every = [(each, getattr(each, "keys", None), getattr(each, "values", None))
                 for each in layers]  # fmt: skip
    elif isinstance(held, tuple):
        every = [(None, each[0], each[1]) for each in held if isinstance(each, tuple) and each[1:]]
    else:
        lists = (getattr(held, name, None) or () for name in ("key_cache", "value_cache"))
        every = [(None, *pair) for pair in zip(*lists, strict=False)]
    for number, (layer, keys, values) in enumerate(every):
        if isinstance(keys, Tensor) and isinstance(values, Tensor) and keys.ndim == 4:
            yield number, layer, keys, values


def _attention(held: Any, name: str, kind: Kind) -> Iterator[LayerCache]:
    for number, layer, keys, values in _pairs(held):
        heads = keys.shape[1]
        sliding = getattr(layer, "sliding_window", None) if layer is not None else None
        crosses = kind == "cross attention"
        yield LayerCache(
            path=f"{name}.{number}",
            kind="window" if sliding else kind,
            position="k*(d + v)",
            symbols={"k": heads, "d": keys.shape[-1], "v": values.shape[-1]},
            heads=heads,
            vectors=2 * heads,
            last=int(sliding) if sliding else None,
            source=keys.shape[-2] if crosses else None,
            reference=_SOURCE,
        )


def _states(held: Any) -> Iterator[LayerCache]:
    """Yield the states of layers that have any, by their number in the network."""
    lists = {name: getattr(held, name, None) for name in _STATES}
    depth = max((len(each) for each in lists.values() if each is not None), default=0)
    for number in range(depth):
        tensors = {
            name: each[number]
            for name, each in lists.items()
            if each is not None and len(each) > number and isinstance(each[number], Tensor)
        }
        if not tensors:
            continue
        columns = tensors.pop("conv_states", None)
        state = sum(each[0].numel() for each in tensors.values())
        symbols = {"e": state}
        if columns is not None:
            symbols |= {"c": columns.shape[-2], "t": columns.shape[-1]}
        yield LayerCache(
            path=f"states.{number}",
            kind="linear attention" if "recurrent_states" in tensors else "state space",
            state="e" if state else "",
            columns="(t - 1)*c" if columns is not None else "",
            symbols=symbols,
            reference=_SOURCE,
        )
