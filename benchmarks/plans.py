"""Holds plans of one card against a step of training on shapes.

    python benchmarks/plans.py                       every published network of every family
    python benchmarks/plans.py transformer t5        those of some families
    python benchmarks/plans.py resnet --random 20    so many specs drawn at random, of each family

What a plan tells in closed form, weights, gradients, optimizer, activations and FLOPs of a step,
must be what `memory` and `train` find. All else is listed; what a plan says is unknown is counted.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from census import drawn, published

import archscope
from archscope.errors import ArchscopeError, UsageError
from archscope.families import FAMILIES, Family

RECIPES = (("fp32-16", "fp32"), ("bf16-8", "bf16"))
"""Recipes of torch's own, and the number type that `memory` casts to."""


def differences(family: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a plan tells otherwise than a step, and what it says is unknown."""
    step = archscope.train(family, **fields).totals
    for recipe, dtype in RECIPES:
        plan = archscope.plan(family, recipe=recipe, loss="sum", **fields)
        parts = {row.part: row.bytes for row in plan.section("plan.parts").rows}
        real = archscope.memory(family, dtype=dtype, **fields).totals
        yield from _unlike("weights", parts["weights"], real.weights)
        yield from _unlike("gradients", parts["gradients"], real.gradients)
        yield from _unlike("activations", parts["activations"], real.saved)
        counters = parts.get("step counters", 0)
        states = None if counters is None else parts["optimizer"] + counters
        yield from _unlike("states", states, real.states)
    yield from _unlike("FLOPs of a step", plan.totals.model_flops, 2 * step.step)


def _unlike(what: str, told: int | None, found: int) -> Iterator[str]:
    if told is None:
        yield f"unknown: {what}"
    elif told != found:
        yield f"{what} {told:,}, found {found:,}"


def networks(
    family: Family, count: int | None, seed: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield names and fields of networks: published ones, or so many at random."""
    if count is None:
        yield from published(family)
        return
    chance = random.Random(seed)
    for _ in range(count):
        given = drawn(family, chance)
        yield str(given), given


def main() -> None:
    """Print what differs, and for each family what came of how many networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*")
    parser.add_argument("--random", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, help="so many of each family at most")
    given = parser.parse_args()
    for name in given.families or FAMILIES.names():
        family, found = FAMILIES.get(name), Counter[str]()
        for network, fields in islice(networks(family, given.random, given.seed), given.first):
            try:
                said = list(differences(family.name, fields))
            except UsageError:
                found["refused"] += 1
                continue
            except ArchscopeError as error:
                found["not run"] += 1
                print(f"  {network}: {error}", flush=True)
                continue
            wrong = [each for each in said if not each.startswith("unknown")]
            found["differs" if wrong else "held, with unknowns" if said else "held"] += 1
            for each in wrong:
                print(f"  {network}: {each}", flush=True)
        print(f"{name}: {', '.join(f'{n} {word}' for word, n in found.items())}", flush=True)


if __name__ == "__main__":
    main()
