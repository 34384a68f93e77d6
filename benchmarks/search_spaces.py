"""Small spaces, and what is asked of them: those of the tests, and any number drawn at random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import Any

from census import LITTLE
from fields import values

from archscope.assertions import Dimension
from archscope.errors import SpecError
from archscope.families import FAMILIES
from archscope.records import frozen
from archscope.specs import fields
from archscope.studies.search.variants import Variants

Fields = Mapping[str, Any]
TCN: Fields = {"spatial_dims": 1, "causal": True, "in_channels": 1}
MOST = 70
"""Variants that a space at random has, at most."""


@frozen
class Case:
    """One small space, and what is asked of it."""

    where: str
    goal: str
    sense: str = "minimise"
    family: str = "cnn"
    fixed: Fields
    axes: Mapping[str, Sequence[Any]]


def tcn(where: str, goal: str, sense: str = "minimise", **axes: Any) -> Case:
    """Return a space of causal stacks; what is no list is fixed."""
    fixed = TCN | {name: value for name, value in axes.items() if not isinstance(value, list)}
    lists = {name: value for name, value in axes.items() if isinstance(value, list)}
    usual = {"kernel_size": [2, 3], "channels": [4, 8], "dilations": ["doubling"]}
    chosen = lists | {name: values for name, values in usual.items() if name not in axes}
    return Case(where=where, goal=goal, sense=sense, fixed=fixed, axes=chosen)


def transformer(where: str, goal: str, sense: str = "minimise", **axes: Any) -> Case:
    """Return a space of small Transformers."""
    case = tcn(where, goal, sense, **axes)
    fixed = {"seq_len": 32, "vocab_size": 0}
    fixed |= {name: value for name, value in case.fixed.items() if name not in TCN}
    chosen = {name: values for name, values in case.axes.items() if name in axes}
    return replace(case, family="transformer", fixed=fixed, axes=chosen)


DEPTHS = [1, 2, 3, 4, 5]
CASES = (
    tcn("params < 600 and rf >= 20", "macs", depth=DEPTHS, kernel_size=[2, 3, 5]),
    tcn("params < 600", "rf", "maximise", depth=DEPTHS, dilations=["doubling", "ones"]),
    tcn(
        "coverage == 100% and params < 400",
        *("rf", "maximise"),
        depth=[2, 3, 4],
        kernel_size=[2, 3, 4],
        channels=[4, 6],
        dilations=["furthest", "hdc"],
    ),
    tcn("rf >= 30 and ahead <= 0", "depth", depth=DEPTHS, dilations=["doubling", "doubling:2"]),
    tcn(
        "coverage == 100% and rf > 15",
        "params",
        dilations=["1/2/4", "1/3/9", "2/2/2", "1/2/5"],
        kernel_size=[3],
    ),
    transformer(
        "active < 60k", "params", "maximise", ffn="moe:4/1", depth=[1, 2, 3], d_model=[32, 48, 64]
    ),
    # Where no depth is given, the longest list says how many layers there are.
    tcn(
        "rf >= 6",
        "macs",
        channels=["4", "4/8", "4/8/4"],
        dilations=["1", "1/2", "1/2/4"],
        groups=["1", "1/2/1/1"],
    ),
    tcn("streams > 1 and gap >= 1", "macs", dilations=["1/2/4", "2/2/2", "4/8/4"], residual=True),
    tcn("jump <= 8 and rf >= 10", "macs", stride=[1, 2, 4], depth=[1, 2, 3], dilations=["ones"]),
    # Around a first layer that keeps its channels goes no convolution.
    tcn(
        "params >= 20 and params < 80",
        "params",
        residual=[False, True],
        channels=[1, 2, 4],
        depth=[1, 2, 3],
    ),
    tcn(
        "rf >= 1",
        "params",
        in_channels=8,
        residual=True,
        channels=[5, 6, 7, 8],
        depth=[1],
        kernel_size=[1],
    ),
    tcn(
        "rf >= 7 and macs < 4M",
        "params",
        spatial_dims=2,
        causal=False,
        input_size=24,
        depth=[1, 2, 3],
        kernel_size=[3, (3, 5)],
    ),
    # Without padding wider kernels leave fewer positions, and some inputs are too small.
    tcn(
        "rf >= 9",
        "macs",
        causal=False,
        padding="valid",
        input_size=20,
        depth=[1, 2, 3],
        kernel_size=[3, 5, 9],
        dilations=["ones", "doubling"],
    ),
    tcn(
        "params <= 200 and channels >= 8",
        "macs",
        in_channels=6,
        groups=[1, 2, 3],
        channels=[6, 8, 12],
        depth=2,
        dilations=["ones"],
    ),
    tcn(
        "macs / params > 100 and rf > 9",
        "macs",
        conv=["standard", "depthwise-separable"],
        channels=[4, 8, 16],
        depth=[2, 3],
        kernel_size=[3, 7],
    ),
    tcn("rf >= 100 and params < 300", "macs", depth=[1, 2, 3, 4]),
    tcn("params < 10 and rf >= 4", "macs", depth=[1, 2, 3]),
    tcn("rf == 12", "macs", depth=[1, 2, 3], kernel_size=[2, 4], dilations=["ones", "doubling"]),
    tcn("(rf >= 20 or params < 50) and not depth > 4", "macs", depth=DEPTHS),
    tcn(
        "params < 400 and rf >= 5",
        *("macs", "maximise"),
        head="classifier",
        classes=5,
        norm=["none", "batch"],
        depth=[1, 2, 3],
    ),
    transformer(
        "params < 500k",
        *("depth", "maximise"),
        vocab_size=100,
        depth=[1, 2, 4],
        d_model=[64, 128, 192],
        heads=["d_model/64"],
    ),
    transformer(
        "params > 20k and params < 90k",
        "macs",
        depth=[1, 2, 3],
        d_model=[32, 64],
        heads=[2, 4, 7],
        d_ff=[64, 128],
    ),
    transformer(
        "rf >= 20", "macs", attention="window", window=[7, 15], depth=[1, 2, 3], d_model=64, heads=4
    ),
    transformer(
        "window >= 9",
        "macs",
        attention=["window:7", "window:11", "window:15"],
        depth=[1, 2],
        d_model=64,
        heads=4,
    ),
)


STACKS: Mapping[str, Sequence[Any]] = {
    "depth": [1, 2, 3, 4],
    "kernel_size": [1, 2, 3, 4, (5,)],
    "channels": ["4", "6", "8", "4/8", "8/4", "4/8/12"],
    "dilations": [
        *("ones", "doubling", "doubling:2", "hdc", "furthest"),
        *("1", "2", "1/2", "1/2/4", "2/2"),
    ],
    "stride": ["1", "2", "1/2", "2/1"],
    "groups": ["1", "2"],
    "residual": [True, False],
    "conv": ["standard", "depthwise-separable", "depthwise"],
    "padding": ["same", "valid", "causal", "2"],
    "pool": ["1", "2", "1/2"],
    "upsample": ["1", "2/1"],
    "norm": ["none", "batch", "group", "layer", "instance"],
    "in_channels": [1, 4, 8],
    "input_size": [16, 40, 64],
    "head": ["none", "classifier"],
    "bias": [True, False],
    "batch_size": [1, 2],
    "classes": [3, 10],
    "causal": [True, False],
    "padding_mode": ["zeros", "circular"],
}
TRANSFORMERS: Mapping[str, Sequence[Any]] = {
    "depth": [1, 2, 3],
    "d_model": [16, 24, 32],
    "heads": [1, 2, 4, "d_model/32"],
    "d_ff": [16, 48],
    "vocab_size": [0, 20],
    "seq_len": [8, 16],
    "tied": [True, False],
    "arch": ["decoder", "encoder", "encoder-decoder"],
    "mixer": [
        *("attention", "dilated-conv", "state-space", "linear-attention"),
        "attention,dilated-conv",
    ],
    "attention": ["full", "window:5", "dilated-window:3"],
    "ffn": ["dense", "moe:4/2"],
    "kv_heads": [1, 2],
    "head_dim": [8],
    "qk_norm": [True, False],
    "positions": ["learned", "rotary", "none", "sinusoidal"],
    "activation": ["gelu", "swiglu"],
    "embedding_dim": [8],
    "shared_blocks": [True, False],
    "bias": [True, False],
    "sinks": [True],
}
USUAL: Mapping[str, Fields] = {
    "cnn": {"spatial_dims": 1, "dilations": "ones", "kernel_size": 3, "channels": "8", "depth": 2},
    "transformer": {"depth": 1, "d_model": 16, "heads": 1, "seq_len": 8, "vocab_size": 0},
}
"""What is not drawn of the general families."""
_UNITS: Mapping[str, Dimension] = {"rf": "positions", "ahead": "positions"}
POOLS = {"cnn": STACKS, "transformer": TRANSFORMERS}
"""What the fields of the general families may be."""
CONDITIONS = (
    *("params < {p}", "rf >= {r}", "params < {p} and rf >= {r}", "macs > {m}"),
    *("rf <= {r} and params >= {p}", "coverage == 100%", "macs < {m} and rf > {r}"),
    *("ahead <= {a}", "jump <= 2 and params < {p}", "back >= {r} or params < {p}"),
    *("streams <= 1 and rf >= {r}", "{p} < params < {m}", "causal and not params > {p}"),
    *("macs / params > {r} and rf != {r}", "rf == {r} and macs <= {m}", "gap >= {a}"),
)
"""Conditions whose numbers are drawn."""
BARE = ("params < {p}", "macs < {m} and params >= {p}", "macs / params > {r}", "{p} < params < {m}")
"""Those that any family answers, told what it looks at or not."""


def at_random(chance: random.Random) -> Case:
    """Return a small space of any family, and a question about it."""
    name = chance.choice(["cnn", "cnn", "transformer", "transformer", "any"])
    if name == "any":
        name = chance.choice([each for each in FAMILIES.all() if each not in USUAL])
    family = FAMILIES.get(name)
    pool = POOLS.get(name) or {
        field.name: each
        for field in fields(family.spec)
        if not field.kinds and field.kind != "text" and (each := [*dict.fromkeys(values(field))])
    }
    names = chance.sample(sorted(pool), min(len(pool), chance.randint(2, 7)))
    axes: dict[str, Sequence[Any]] = {}
    size = 1
    for axis in names[: chance.randint(1, 4)]:
        axes[axis] = chance.sample(pool[axis], min(len(pool[axis]), chance.randint(2, 4)))
        size *= len(axes[axis])
    if size > MOST:
        return at_random(chance)
    fixed = dict(USUAL.get(name) or LITTLE.get(name, {}))
    fixed |= {each: chance.choice(pool[each]) for each in names}
    fixed = {field: value for field, value in fixed.items() if field not in axes}
    numbers = _numbers(Variants(family, fixed, axes), chance)
    if numbers is None:
        return at_random(chance)
    tells = family.outline is not None
    goals = ["macs", "params", *(["rf", "jump"] if tells else []), *filter("depth".__eq__, pool)]
    where = chance.choice(CONDITIONS if tells else BARE).format(**numbers)
    binding = "minimise" if ">" in where else "maximise"
    return Case(
        where=where,
        goal=chance.choice(goals),
        sense=chance.choice([binding, binding, "minimise", "maximise"]),
        family=name,
        fixed=fixed,
        axes=axes,
    )


def _numbers(variants: Variants, chance: random.Random) -> Mapping[str, int] | None:
    """Return numbers for conditions, each near that of some variant; None: few are networks."""
    known = []
    for place in product(*(range(len(axis.values)) for axis in variants.axes)):
        with suppress(SpecError):
            variants.at(place)
            known.append(place)
    if len(known) < 2:
        return None
    found = {"r": 9}
    for letter, name in {"p": "params", "m": "macs", "r": "rf", "a": "ahead"}.items():
        if letter in "ra" and variants.family.outline is None:
            continue
        values = variants.found(chance.choice(known), name, _UNITS.get(name, "count")).values
        found[letter] = max(0, int(max(values, default=9)) + chance.choice([-1, 0, 0, 1]))
    return found


def drawn(seed: int) -> Iterator[Case]:
    """Yield spaces without end, the same ones for the same seed."""
    chance = random.Random(seed)
    while True:
        yield at_random(chance)
