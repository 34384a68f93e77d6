"""For what a cache is to be large enough, and what a program reserves for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from archscope.records import frozen
from archscope.theory.cache import Cache, Kind, LayerCache
from archscope.theory.stored import KV_TYPES, Stored, named

LIMITED: tuple[Kind, ...] = ("window", "chunk")
"""Layers that keep some of the last positions, and that programs which serve networks know."""
STATES: tuple[Kind, ...] = ("linear attention", "state space")
"""Layers whose states programs that serve networks know."""
GROWING: tuple[Kind, ...] = ("full attention", "window", "chunk", "latent")
"""Layers that keep something of each position, and that they know."""


@frozen
class Asked:
    """For what a cache is to be large enough."""

    context: int
    """Positions of each sequence."""
    batch: int
    """Sequences at once."""
    stored: Stored
    """What keys and values are kept in."""
    states: Stored | None = None
    """What states are kept in; None: as who reserves them does it."""


@frozen
class Reserved:
    """What one layer's share of a cache is, of all sequences together."""

    bytes: int | None
    """None where nobody knows."""
    why: str
    """By which rule, or why it is unknown."""


@frozen
class Runtime:
    """A program that serves networks, in one of its settings."""

    word: str
    """What a user types, e.g. `llamacpp`."""
    name: str
    """What it is called."""
    read: str
    """Which source was read."""
    types: tuple[str, ...]
    """Number types that it can keep keys and values in."""
    rule: Callable[[LayerCache, Asked, Cache], Reserved]
    """What it reserves for a layer."""
    state_types: Mapping[Kind, str]
    """What it keeps states in, where that is not what keys and values are kept in."""
    padding: Callable[[Cache, Asked], int] | None = None
    """Bytes beside those of the layers; None: there are none."""
    about: tuple[Kind, ...] = ()
    """The kinds of layers by which a variant differs from the usual; none: it is the usual."""

    def states_in(self, kind: Kind, asked: Asked) -> Stored:
        """Return what it keeps states of a kind in."""
        word = self.state_types.get(kind)
        return asked.states or (named(word, KV_TYPES) if word else as_plain(asked.stored))

    def reserved(self, cache: Cache, asked: Asked) -> tuple[Reserved, ...]:
        """Return what it reserves for each layer of a cache."""
        return tuple(self.rule(layer, asked, cache) for layer in cache.layers)

    def total(self, cache: Cache, asked: Asked) -> int | None:
        """Return the bytes that it reserves; None where those of a layer are unknown."""
        found = [each.bytes for each in self.reserved(cache, asked)]
        known = [size for size in found if size is not None]
        if len(known) < len(found):
            return None
        return sum(known) + (self.padding(cache, asked) if self.padding else 0)


def as_plain(stored: Stored) -> Stored:
    """Return what states are kept in where keys and values are kept so: none are quantised."""
    return stored if stored.word in ("fp16", "bf16", "fp32") else named("bf16", KV_TYPES)


def needed(layer: LayerCache, asked: Asked, states: Stored | None = None) -> int:
    """Return the bytes that a layer cannot do without, of all sequences."""
    held = layer.state_elements + layer.column_elements
    of_states = (asked.states or states or as_plain(asked.stored)).of(held)
    grown = grown_bytes(layer, layer.positions(asked.context), asked.stored)
    return asked.batch * (grown + of_states)


def all_needed(cache: Cache, asked: Asked, runtime: Runtime | None = None) -> int:
    """Return the bytes that no runtime does without, states in the types of this one."""
    return sum(
        needed(layer, asked, runtime.states_in(layer.kind, asked) if runtime else None)
        for layer in cache.layers
    )


def grown_bytes(
    layer: LayerCache, positions: int, stored: Stored, elements: int | None = None
) -> int:
    """Return the bytes of so many positions; what shares a scale lies within one position."""
    each = layer.per_position if elements is None else elements
    return positions * stored.of(each, layer.vectors)


def unread(layer: LayerCache, program: str) -> Reserved:
    """Return that no rule is known."""
    return Reserved(bytes=None, why=f"how {program} keeps {layer.kind} was not read")


def up(number: int, to: int) -> int:
    """Return the next multiple of `to`."""
    return -(-number // to) * to


def most(sizes: Sequence[int]) -> int:
    """Return the largest, 0 of none."""
    return max(sizes, default=0)
