"""Ways to name a network: each file turns what a user types for MODEL into a `Network`."""

from __future__ import annotations

from archscope.errors import UsageError, did_you_mean
from archscope.registry import FAMILIES, LOADERS, Loader
from archscope.subject import Network, Request


def find(text: str) -> Loader | None:
    """Return the loader that knows what `text` names, or None."""
    return next((loader for loader in LOADERS.all().values() if loader.accepts(text)), None)


def load(text: str, request: Request) -> Network:
    """Return the network that `text` names; raises `UsageError` with the nearest name."""
    loader = find(text)
    if loader is None:
        raise UsageError(_unknown(text.partition(":")[0]))
    return loader.load(text, request)


def _unknown(name: str) -> str:
    from archscope import presets

    families = FAMILIES.names()
    return (
        f"no family or preset is called {name!r}; families are {', '.join(families)}, and "
        f"archscope list presets names the presets."
        + did_you_mean(name, [*families, *presets.names()])
    )
