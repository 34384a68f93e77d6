"""Holds the census of a family against both counting engines.

    python benchmarks/census.py                      every published network of every family
    python benchmarks/census.py cnn transformer      those of some families
    python benchmarks/census.py cnn --random 2000    so many specs drawn at random, of each family

A spec's layers in closed form must have the parameters, trained and frozen, and the
multiply-accumulates that the engines count, in all and of each type of layer. All else is listed.
"""

from __future__ import annotations

import argparse
import gc
import random
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from fields import SMALL, values

from archscope import presets
from archscope.errors import UsageError
from archscope.families import FAMILIES, Family
from archscope.families.nasbench101.spec import NasBench101Spec
from archscope.specs import fields, made
from archscope.study import analyse

LITTLE: Mapping[str, Mapping[str, Any]] = {
    **SMALL,
    "clip": {"depth": 1, "text_depth": 1, "input_size": 64},
    "conformer": {"depth": 1, "input_size": 40, "target_len": 4},
    "conv-tasnet": {"stacks": 1, "dilations": (1, 2), "input_size": 200},
    "convnext": {"blocks": (1, 1, 2, 1), "input_size": 64},
    "deepseek": {"depth": 2, "experts": 8, "seq_len": 16},
    "densenet": {"blocks": (2, 1), "input_size": 64},
    "detection": {"backbone": "resnet18", "input_size": 128, "head_layers": 1},
    "drn": {"input_size": 64},
    "efficientnet": {"depth_mult": 0.1, "input_size": 64},
    "espnet": {"alpha2": 1, "alpha3": 1, "input_size": 64},
    "hrnet": {"modules": (1, 1), "branch_blocks": 1, "stem_blocks": 1, "input_size": 64},
    "longformer": {"depth": 1, "seq_len": 64, "window": 8},
    "mamba": {"depth": 1, "seq_len": 16, "d_model": 64},
    "mobilebert": {"depth": 1, "seq_len": 16},
    "mobilenet": {"input_size": 64},
    "reformer": {"depth": 2, "seq_len": 16, "hashed": (0, 1), "local_chunk": 4, "lsh_chunk": 4},
    "regnet": {"depth": 5, "input_size": 64},
    "resnet": {"blocks": (1, 1, 2, 1), "input_size": 64},
    "segformer": {"blocks": (1, 1, 1, 1), "input_size": 64, "reductions": (4, 2, 1, 1)},
    "segmentation": {"input_size": 64},
    "separable-residual": {"middle_blocks": 1, "input_size": 96},
    "shufflenet": {"blocks": (1, 2, 1), "input_size": 64},
    "swin": {"blocks": (1, 2), "heads": (3, 6), "input_size": 64},
    "t5": {"depth": 1, "seq_len": 16, "target_len": 8},
    "tcn": {"levels": 2, "input_size": 50},
    "transformer-xl": {"depth": 1, "seq_len": 8, "memory": 8},
    "u-net": {"levels": 3, "stem_channels": 8, "input_size": 188},
    "vgg": {"convolutions": (1, 1), "channels": (8, 16), "input_size": 32},
    "vit": {"depth": 1, "input_size": 32},
    "vitdet": {"depth": 2, "global_blocks": 1, "input_size": 128},
    "wav2vec2": {"depth": 1, "input_size": 2000},
    "wavenet": {"dilations": (1, 2, 4), "stacks": 1, "input_size": 50},
    "whisper": {"depth": 1, "input_size": 100, "target_len": 8},
    "xlnet": {"depth": 1, "seq_len": 16},
}
"""What specs at random begin with, so that the engines are quick."""
KINDS = ("held", "refused", "differs", "not counted")
"""What can come of a spec."""
ASKED = 0.25
"""Share of the fields that a random spec sets."""


def difference(family: Family, spec: Any) -> str:
    """Return what a census tells otherwise than the engines; empty: nothing."""
    assert family.census is not None
    census = family.census(spec)
    report = analyse("params", family.subject(spec))
    totals = report.totals
    if not totals.complete:
        return "the engines' count is partial"
    told = (census.trainable, census.frozen, census.macs)
    counted = (totals.trainable, totals.frozen, totals.macs)
    if told != counted:
        return f"trainable, frozen and MACs are {told}, counted {counted}"
    return _by_type(census, report.section("params.types").rows)


def _by_type(census: Any, rows: Any) -> str:
    told: Counter[tuple[str, str]] = Counter()
    for layer in census.layers:
        told.update({(layer.kind, "params"): layer.params, (layer.kind, "macs"): layer.macs})
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counted[row.type, "params"] += row.trainable + row.frozen
        counted[row.type, "macs"] += row.macs
    unlike = sorted(key for key in {*told, *counted} if told[key] != counted[key])
    said = (f"{unit} of {kind} {told[kind, unit]}, counted {counted[kind, unit]}"
            for kind, unit in unlike)  # fmt: skip
    return "; ".join(said)


def outcome(
    family: Family, given: Mapping[str, Any], known: dict[Any, tuple[str, str]] | None = None
) -> tuple[str, str]:
    """Return what comes of some fields, one of `KINDS`, and what it says.

    A spec that is `known` already is not counted again.
    """
    try:
        spec: Any = made(family.spec, given)
    except UsageError as refused:
        return "refused", str(refused)
    known = {} if known is None else known
    if spec not in known:
        known[spec] = _outcome(family, spec)
    return known[spec]


def _outcome(family: Family, spec: Any) -> tuple[str, str]:
    try:
        found = difference(family, spec)
    except Exception as crash:
        return "differs", repr(crash)
    kind = "not counted" if "partial" in found else "differs" if found else "held"
    return kind, found


def _cell_of_six(chance: random.Random) -> dict[str, Any]:
    return {"cell": "".join(chance.choice("01234") for _ in range(6))}


def _graph(chance: random.Random) -> dict[str, Any]:
    """Return a matrix of up to seven vertices, most with at most nine edges, and operators."""
    size = chance.randint(2, 7)
    rows = ("".join(chance.choice("001") if place > row else "0" for place in range(size))
            for row in range(size))  # fmt: skip
    words = next(one for one in fields(NasBench101Spec) if one.name == "operators").choices
    operators = tuple(chance.choice(words) for _ in range(size - 2))
    return {"matrix": "/".join(rows), "operators": operators}


CLAUSES = (
    "conv 4", "conv 8 k3x1 s2", "conv 4 k2 d3 valid", "conv dw", "conv 8 sep g2 bn", "conv k5 res",
    "pool 2", "avgpool 3 s2 p1", "pool 2 ceil", "tconv 4 k4 s2 p1", "tconv 8 k3 s2 dw op1", "up 2",
    "up 2 linear", "bn", "gn2", "ln", "instance", "relu", "2x(conv 4 d1,2 res)",
    "res(conv 4 bn; conv 8 p0)", "res(conv 4 s2; conv 4)", "3x(conv 8 k2 d1,2,4 causal bias off)",
)  # fmt: skip
"""Steps of a sentence."""


def _sentence(chance: random.Random) -> dict[str, Any]:
    """Return a stack of up to six steps in words, in one to three dimensions."""
    sizes = "x".join(str(chance.randint(8, 20)) for _ in range(chance.randint(1, 3)))
    steps = [chance.choice(CLAUSES) for _ in range(chance.randint(1, 6))]
    end = ["head 3"] if chance.random() < 0.5 else []
    return {"layers": "; ".join([f"in 4x{sizes}", *steps, *end])}


DRAWN = {"nasbench201": _cell_of_six, "nasbench101": _graph, "cnn": _sentence}
"""Of families whose texts say what their numbers cannot, what draws one."""
SAID = {"nasbench201": 1.0, "nasbench101": 1.0, "cnn": 0.5}
"""Share of the specs that are drawn so."""


def drawn(family: Family, chance: random.Random) -> dict[str, Any]:
    """Return some fields with values at random, each of its kind and in its range."""
    if family.name in DRAWN and chance.random() < SAID[family.name]:
        return DRAWN[family.name](chance)
    found: dict[str, Any] = dict(LITTLE.get(family.name, {}))
    for field in fields(family.spec):
        if field.kind != "text" and chance.random() < ASKED:
            found[field.name] = _value(field, chance)
        if not field.kinds:
            continue
        words = found.get(field.name, "").split(",")
        for kind in field.kinds:
            for part in kind.parts if kind.word in words else ():
                if chance.random() < ASKED:
                    found[part.name] = _value(part, chance)
    return found


def _value(field: Any, chance: random.Random) -> Any:
    if field.kinds:
        count = chance.randint(1, 3) if field.kind == "list" else 1
        return ",".join(chance.choice(field.choices) for _ in range(count))
    return chance.choice([field.default, *values(field)])


def published(family: Family) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the networks of a family by name, and their fields."""
    for preset in presets.all():
        if preset.family == family.name and preset.same_as is None:
            yield preset.name, preset.fields


def _random(family: Family, seed: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    chance = random.Random(seed)
    while True:
        given = drawn(family, chance)
        yield str(given), given


def _held(
    family: Family, specs: Iterator[tuple[str, Mapping[str, Any]]], count: int | None
) -> Counter[str]:
    """Return what comes of specs, until so many are counted or there are no more.

    Of few fields many are the same spec: how many are not is under `unlike`.
    """
    found: Counter[str] = Counter()
    known: dict[Any, tuple[str, str]] = {}
    for name, given in specs:
        if count is not None and found.total() - found["refused"] - found["unlike"] >= count:
            break
        before = len(known)
        kind, said = outcome(family, given, known)
        found[kind] += 1
        found["unlike"] += len(known) - before
        if kind in ("differs", "not counted") and len(known) > before:
            print(f"{family.name} {name}: {said}", flush=True)
    return found


def main() -> None:
    """Print each difference as it comes, then what came of each family."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    known = [name for name, family in FAMILIES.all().items() if family.census]
    parser.add_argument("families", nargs="*", default=known)
    parser.add_argument("--random", type=int, metavar="N", help="so many specs at random of each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    gc.freeze()  # modules make much work for a collector, and little garbage
    gc.set_threshold(50_000, 20, 100)
    for name in options.families:
        family = FAMILIES.get(name)
        specs = _random(family, options.seed) if options.random else published(family)
        found = _held(family, specs, options.random)
        print(
            f"{name:<20}" + "".join(f"{found[kind]:>8,} {kind}" for kind in (*KINDS, "unlike")),
            flush=True,
        )


if __name__ == "__main__":
    main()
