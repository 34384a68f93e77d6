"""Which tensors of a file are parameters, which buffers, and which weights in fewer bits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import prod

from archscope.stored.number_types import is_whole
from archscope.stored.packed import Packed, packed_in
from archscope.stored.tensors import Entry, Held

Value = Callable[[Entry], bytes | None]
"""Reads a small tensor's bytes; None where they cannot be had."""
_BUFFERS = {
    "running_mean": "statistics of a normalisation",
    "running_var": "statistics of a normalisation",
    "num_batches_tracked": "statistics of a normalisation",
    "inv_freq": "rotary frequencies",
    "original_inv_freq": "rotary frequencies",
    "cos_cached": "rotary angles",
    "sin_cached": "rotary angles",
    "freqs_cis": "rotary angles",
    "rope_freqs.weight": "rotary frequencies",
    "masked_bias": "a causal mask",
    "causal_mask": "a causal mask",
    "attn_mask": "a mask",
    "position_ids": "positions",
    "relative_position_index": "positions",
    "relative_coords_table": "positions",
}
"""By the last part of a name: what no gradient reaches, whatever its number type."""
_MASK = re.compile(r"(^|\.)(bias|mask|tril)$")
_WHOLE = "integers, which no gradient reaches"
_UNKNOWN = 1_000_000
"""Integers of one tensor that are too many for an index or a mask of their own."""


def held_of(entries: Iterable[Entry], value: Value = lambda entry: None) -> tuple[Held, ...]:
    """Return what every tensor is for; two names for the same numbers count once."""
    entries = tuple(entries)
    packed = packed_in({entry.name: entry for entry in entries}, value)
    first: dict[tuple[object, ...], str] = {}
    found = []
    for entry in entries:
        held = _held(entry, packed)
        if entry.place and entry.bytes:
            known = first.setdefault((*entry.place, entry.elements, entry.dtype), entry.name)
            if known != entry.name:
                held = replace(held, numbers=0, bytes=0, same_as=known)
        found.append(held)
    return tuple(found)


def _held(entry: Entry, packed: Mapping[str, Packed]) -> Held:
    part = packed.get(entry.name)
    if part is not None:
        return Held(
            entry=entry,
            role=part.role,
            numbers=part.numbers,
            bytes=entry.bytes,
            stands_for=part.stands_for,
            shape=part.shape,
            why=part.why,
        )
    why = _why_buffer(entry)
    is_buffer = bool(why) if entry.is_parameter is None else not entry.is_parameter
    return Held(
        entry=entry,
        role="buffer" if is_buffer else "parameter",
        numbers=entry.elements,
        bytes=entry.bytes,
        why=why if is_buffer else "",
    )


def _why_buffer(entry: Entry) -> str:
    """Return why a tensor is no parameter; empty: it is one."""
    last = entry.name.rpartition(".")[2]
    known = _BUFFERS.get(entry.name) or _BUFFERS.get(last)
    if known:
        return known
    shape = entry.shape
    if len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3] and _MASK.search(last):
        return "a causal mask"
    return _WHOLE if is_whole(entry.dtype) else ""


def unknown_integers(held: Iterable[Held]) -> tuple[Held, ...]:
    """Return integers that may stand for weights in a way that is not known here."""
    return tuple(
        each
        for each in held
        if each.why == _WHOLE and prod(each.entry.shape) >= _UNKNOWN and not each.same_as
    )


def notes_of(held: Iterable[Held]) -> Iterator[str]:
    """Yield what must be known of tensors whose role was told from names and shapes."""
    every = tuple(held)
    ways = {each.why: 0 for each in every if each.role == "packed"}
    for each in every:
        if each.role == "packed":
            ways[each.why] += each.numbers
    if ways:
        said = ", ".join(f"{why}: {numbers:,}" for why, numbers in ways.items())
        yield f"weights that are packed count as what they stand for ({said})"
    unknown = unknown_integers(every)
    if unknown:
        numbers = sum(each.numbers for each in unknown)
        yield (
            f"{numbers:,} integers, e.g. {unknown[0].entry.name}, may stand for weights in a way "
            "that is not known here; they count as buffers"
        )
