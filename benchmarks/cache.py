"""Holds what decoding keeps in closed form against the tensors that built layers would keep.

    python benchmarks/cache.py                       every published network that decodes
    python benchmarks/cache.py transformer mamba     those of some families
    python benchmarks/cache.py --random 200          so many specs drawn at random, of each family
    python benchmarks/cache.py --context 8192        for a context of one's own

Both roads must give the same elements for every module, to the last one.
"""

from __future__ import annotations

import argparse
import random
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from census import drawn, published

from archscope.decoding.run import seen
from archscope.errors import UsageError
from archscope.families import FAMILIES, Family
from archscope.registry import resolve
from archscope.specs import made
from archscope.theory.cache import Cache


def differences(family: Family, spec: Any, context: int | None = None) -> Iterator[str]:
    """Yield the modules of which both roads tell other elements; the spec's own length by default.

    Raises `UsageError` where nothing of it decodes.
    """
    cache: Cache = resolve(family.cache)(spec)
    context = context or cache.context
    assert cache.of_length is not None
    found = seen(family.subject(cache.of_length(context)))
    told: Counter[str] = Counter()
    for layer in cache.layers:
        told[layer.path.partition(" run ")[0]] += layer.elements(context)
    for path in sorted({*told, *found}):
        if told[path] != found.get(path, 0):
            yield f"{path}: {told[path]:,}, seen {found.get(path, 0):,}"


def outcome(family: Family, given: Mapping[str, Any], context: int | None) -> tuple[str, str]:
    """Return what comes of some fields, and what it says."""
    try:
        spec: Any = made(family.spec, given)
        found = "; ".join(differences(family, spec, context))
    except UsageError as refused:
        return "refused", str(refused)
    except Exception as crash:
        return "differs", repr(crash)
    return ("differs" if found else "held"), found


def _random(family: Family, seed: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    chance = random.Random(seed)
    while True:
        given = drawn(family, chance)
        yield str(given), given


def main() -> None:
    """Hold what was asked for, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--context", type=int)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    names = asked.families or [name for name in FAMILIES.names() if FAMILIES.get(name).cache]
    for name in names:
        family, start = FAMILIES.get(name), time.perf_counter()
        networks = _random(family, asked.seed) if asked.random else published(family)
        tried: Counter[str] = Counter()
        for label, given in islice(networks, asked.random or None):
            kind, said = outcome(family, given, asked.context)
            tried[kind] += 1
            if kind == "differs":
                print(f"{name} {label}: {said}")
        counts = ", ".join(f"{count} {kind}" for kind, count in tried.items())
        print(f"{name}: {counts} in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
