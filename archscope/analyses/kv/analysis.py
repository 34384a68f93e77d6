"""What decoding with a network caches, and what one step of it costs."""

from __future__ import annotations

from typing import Any

from archscope.analyses.kv.sections import sections
from archscope.analyses.kv.settings import Settings
from archscope.errors import UsageError
from archscope.families import FAMILIES
from archscope.registry import resolve
from archscope.results import Section
from archscope.subject import Network
from archscope.theory.cache import Cache


def run(network: Network, **settings: Any) -> tuple[Section, ...]:
    """Return what decoding with `network` keeps, layer by layer.

    Of a family in closed form, without torch; of others as far as what runs on shapes tells it.
    Raises `UsageError` where it does not decode.
    """
    asked = Settings(**settings)
    if network.spec is None:
        from archscope.analyses.kv.traced_network import looked_at

        return looked_at(network, asked)
    return sections(network, cache_of(network), asked)


def cache_of(network: Network) -> Cache:
    """Return what a family tells of its cache; raises `UsageError` where it does not decode."""
    family = FAMILIES.get(network.family)
    if not family.cache:
        raise UsageError(
            f"{short(network)}: it does not decode; a network of the family {family.name} reads "
            "its whole input at once and caches nothing"
        )
    try:
        found: Cache = resolve(family.cache)(network.spec)
    except UsageError as error:
        raise UsageError(f"{short(network)}: {error}") from None
    return found


def short(network: Network) -> str:
    """Return the first words of a network's name."""
    return network.name.partition(" · ")[0]
