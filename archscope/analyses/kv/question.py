"""The question about a cache: settings turned into types, lengths and sizes."""

from __future__ import annotations

from archscope import hardware
from archscope.analyses.kv.settings import Settings, bytes_of
from archscope.families import FAMILIES
from archscope.hardware import Card
from archscope.records import frozen
from archscope.subject import Network
from archscope.theory.cache import Cache
from archscope.theory.serving import check_blocks, check_type, runtime
from archscope.theory.serving.demand import Asked, Runtime
from archscope.theory.stored import KV_TYPES, WEIGHT_TYPES, Stored, named


@frozen
class Question:
    """All that an answer needs beside the cache."""

    asked: Asked
    """Lengths, sequences and number types."""
    weights: Stored
    """What weights are kept in."""
    weight_bytes: int | None
    """Bytes of all weights; None: no closed form tells how many there are."""
    runtime: Runtime | None
    """Who reserves; None: nobody was named."""
    card: Card | None
    """Whose peaks bound a step; None: none was named."""
    room: int | None
    """Bytes that there are for the cache; None: nobody says."""


def question(
    network: Network, cache: Cache, settings: Settings, parameters: int | None = None
) -> Question:
    """Return what is asked; raises `UsageError` for what cannot be had.

    `parameters` are those of a network whose family does not tell them.
    """
    asked = Asked(
        context=settings.context or cache.context,
        batch=settings.batch or cache.batch,
        stored=named(settings.kv_dtype, KV_TYPES),
        states=named(settings.state_dtype, KV_TYPES) if settings.state_dtype else None,
    )
    check_blocks(cache, asked.stored)
    by = None if settings.runtime == "none" else runtime(settings.runtime)
    if by is not None:
        check_type(by, asked)
    weights = named(settings.dtype, WEIGHT_TYPES)
    count = _parameters(network) if parameters is None else parameters
    held = None if count is None else weights.of(count)
    card = hardware.named(settings.gpu) if settings.gpu else None
    return Question(
        asked=asked,
        weights=weights,
        weight_bytes=held,
        runtime=by,
        card=card,
        room=_room(settings, held, card),
    )


def _parameters(network: Network) -> int | None:
    """Return all parameters, shared ones once; None without a closed form of them."""
    census = FAMILIES.get(network.family).census if network.family else None
    return census(network.spec).params if census else None


def _room(settings: Settings, weights: int | None, card: Card | None) -> int | None:
    """Return what there is for the cache: may be below 0, where the weights alone are too many."""
    if settings.cache_memory:
        return bytes_of("cache_memory", settings.cache_memory)
    whole = bytes_of("card_memory", settings.card_memory) or (card.memory if card else None)
    return None if whole is None or weights is None else whole - weights
