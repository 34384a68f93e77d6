"""Holds what families tell of a training step's memory against steps on shapes, spec by spec.

    python benchmarks/saved_activations.py                      every published network
    python benchmarks/saved_activations.py resnet mobilenet     those of some families
    python benchmarks/saved_activations.py --smaller            with few blocks and small inputs
    python benchmarks/saved_activations.py xlnet --random 50    so many specs at random

What a module keeps by its closed form and by the run is compared to the byte; specs at random are
trained in ways at random. What has no closed form is told with its reason.
"""

from __future__ import annotations

import argparse
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from census import drawn

import archscope
from archscope import presets
from archscope.errors import ArchscopeError, SpecError, UsageError
from archscope.families import FAMILIES, Family
from archscope.results import Report
from archscope.specs import fields

SMALLER = {"depth": 2, "text_depth": 2, "seq_len": 64, "target_len": 8, "input_size": 128}
WAYS: tuple[Mapping[str, str], ...] = (
    {},
    {"attention_kernel": "math"},
    {"recompute": "full"},
    {"recompute": "every:2"},
    {"recompute": "every:3", "attention_kernel": "math"},
    {"recompute": "selective", "attention_kernel": "math"},
)
"""How specs at random are trained."""


def main(typed: list[str]) -> int:
    """Print a line for each network, and how many agree; return 1 where one does not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = [family.name for family in FAMILIES.each() if family.saved_activations]
    parser.add_argument("families", nargs="*", help="families whose networks are meant; none: all")
    parser.add_argument("--smaller", action="store_true", help="with few blocks and small inputs")
    parser.add_argument("--random", type=int, metavar="N", help="so many specs at random of each")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(typed)
    warnings.simplefilter("ignore")
    found: Counter[str] = Counter()
    for name in chosen.families or known:
        family = FAMILIES.get(name)
        lines = (
            at_random(family, chosen.random, chosen.seed)
            if chosen.random
            else published(family, smaller=chosen.smaller)
        )
        for label, said in lines:
            kind = said.partition(":")[0]
            found[kind] += 1
            if not chosen.random or kind not in ("agrees", "refused"):
                print(f"{label:40} {said}", flush=True)
    print(f"\n{dict(found)}")
    return int(bool(found["DISAGREES"] or found["CRASHES"]))


def published(family: Family, *, smaller: bool) -> Iterator[tuple[str, str]]:
    """Yield the published networks of a family, and what comes of each."""
    for preset in presets.all():
        if preset.same_as is None and preset.family == family.name:
            yield preset.name, _of_preset(preset.name, smaller=smaller)


def at_random(family: Family, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield specs drawn at random that are not refused, each in some way, and what comes of it."""
    chance, held = random.Random(seed), 0
    while held < count:
        given, way = drawn(family, chance), chance.choice(WAYS)
        if any(field.name == "batch_size" for field in fields(family.spec)):
            given["batch_size"] = chance.choice((1, 2, 3))
        try:
            said = verdict(archscope.memory(family.name, **given, **way))
        except UsageError as refused:
            said = f"refused: {refused}"
        except ArchscopeError as error:
            said = f"does not run: {error}"
        except Exception as crash:
            said = f"CRASHES: {crash!r}"
        held += not said.startswith("refused")
        yield f"{family.name} {given} {dict(way)}", said


def _of_preset(name: str, *, smaller: bool) -> str:
    preset = presets.load(name)
    known = {each.name: each.default for each in fields(FAMILIES.get(preset.family).spec)}
    own = {**known, **preset.fields}
    less = {key: most for key, most in SMALLER.items() if smaller and _is_more(own.get(key), most)}
    if "batch_size" in known:
        less["batch_size"] = 2
    try:
        return verdict(_memory(name, less))
    except ArchscopeError as error:
        return f"does not run: {error}"


def verdict(report: Report) -> str:
    """Return `agrees`, or what does not."""
    said = [note.text for part in report.sections for note in part.notes]
    (note,) = (text for text in said if "closed form" in text)
    if "disagree" in note:
        return f"DISAGREES: {note}"
    return "agrees" if "agree" in note else f"unknown: {note.partition('unknown: ')[2]}"


def _memory(name: str, less: Mapping[str, Any]) -> Report:
    try:
        return archscope.memory(name, **less)
    except SpecError as error:  # a smaller one does not fit the rest: as published
        if error.field not in less:
            raise
        return archscope.memory(name, **{k: v for k, v in less.items() if k != error.field})


def _is_more(value: object, than: int) -> bool:
    return isinstance(value, int) and value > than


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
