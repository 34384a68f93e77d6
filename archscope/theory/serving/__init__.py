"""What programs that serve networks reserve for a cache, as against what is needed.

Each says in which files of which commit its rules were read. What a program does not serve, or
whose rule was not read, is unknown: never 0.
"""

from __future__ import annotations

from archscope.errors import UsageError
from archscope.theory.cache import Cache
from archscope.theory.serving.demand import Asked, Runtime
from archscope.theory.serving.llamacpp import LLAMACPP
from archscope.theory.serving.transformers import HF
from archscope.theory.serving.vllm import VLLM
from archscope.theory.stored import Stored

RUNTIMES: tuple[Runtime, ...] = (*VLLM, *LLAMACPP, *HF)
"""All that are known, each with its variants behind it."""


def runtime(word: str) -> Runtime:
    """Return the runtime that a user calls so; raises `UsageError` with all names."""
    found = next((each for each in RUNTIMES if each.word == word), None)
    if found is None:
        known = ", ".join(each.word for each in RUNTIMES)
        raise UsageError(f"no runtime is called {word!r}; there are {known}")
    return found


def check_type(found: Runtime, asked: Asked) -> None:
    """Raise `UsageError` where a runtime has no cache of this number type."""
    if asked.stored.word not in found.types:
        raise UsageError(
            f"{found.name} keeps no cache in {asked.stored.word}; it has {', '.join(found.types)}"
        )


def check_blocks(cache: Cache, stored: Stored) -> None:
    """Raise `UsageError` where elements that share a scale would be of two rows.

    A block lies within the keys, or the values, of one position of all heads.
    """
    for layer in cache.layers:
        rows = 2 if layer.vectors and layer.vectors % 2 == 0 else 1
        if (layer.per_position // rows) % stored.elements:
            raise UsageError(
                f"{stored.word} has blocks of {stored.elements}, which do not divide the "
                f"{layer.per_position // rows:,} elements that {layer.path} keeps side by side"
            )


def distinct(cache: Cache) -> tuple[Runtime, ...]:
    """Return the runtimes that differ on such a cache: no variant of what is not there."""
    kinds = {layer.kind for layer in cache.layers}
    return tuple(each for each in RUNTIMES if not each.about or kinds & {*each.about})
