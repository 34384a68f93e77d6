"""Compares the closed form of a cache with what the built layers would cache."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.analyses.kv.rows import CheckRow
from archscope.errors import ArchscopeError
from archscope.families import FAMILIES
from archscope.subject import Network
from archscope.theory.cache import Cache


def check_rows(network: Network, cache: Cache, context: int) -> Iterator[CheckRow]:
    """Yield a row for each module that keeps anything, by either road.

    Raises `ArchscopeError` where the network cannot be built for so many positions.
    """
    from archscope.decoding.run import seen
    from archscope.running.process import process_as_found

    if cache.of_length is None:
        raise ArchscopeError(f"{network.name} cannot be built for another length")
    subject = FAMILIES.get(network.family).subject(cache.of_length(context))
    found = process_as_found(lambda: seen(subject))
    told: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for layer in cache.layers:
        path = layer.path.partition(" run ")[0]
        told[path] = told.get(path, 0) + layer.elements(context)
        kinds[path] = layer.kind
    for path in dict.fromkeys((*told, *found)):
        yield _row(path, kinds.get(path, ""), told.get(path), found.get(path))


def _row(path: str, kind: str, told: int | None, found: int | None) -> CheckRow:
    return CheckRow(
        path=path,
        kind=kind,
        closed_form=told,
        seen=found,
        outcome="ok" if told == found else "missed",
        why="" if told == found else "both roads differ",
        own_closed_form=told,
        own_seen=found,
    )
