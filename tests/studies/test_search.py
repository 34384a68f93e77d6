"""Searches, held to brute force: the same optimum, what binds, what is missed by least."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import pytest

from archscope.analyses.rf.closed_form.answer import closed_form
from archscope.analyses.rf.use.answer import of_outline
from archscope.assertions import Dimension, Found
from archscope.errors import SpecError, UsageError
from archscope.families import FAMILIES
from archscope.records import frozen
from archscope.studies.measures import measures
from archscope.studies.search import optimum
from archscope.studies.search.answer import Outcome, question, solved
from archscope.studies.search.bounds import Bounds
from archscope.studies.search.known import Told, quantities
from archscope.studies.search.told import rows_of, sections_of
from archscope.studies.search.variants import Place, Variants
from archscope.studies.where import Condition

Fields = Mapping[str, Any]
TCN: Fields = {"spatial_dims": 1, "causal": True, "in_channels": 1}


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


class Everything:
    """All variants, each by its whole answer: no bounds, no trends, no short ways."""

    def __init__(self, variants: Variants, goal: str, sense: str) -> None:
        self.variants, self.goal, self.sign = variants, goal, 1 if sense == "minimise" else -1
        self.places = list(self._possible())

    def _possible(self) -> Iterator[Place]:
        for place in product(*(range(len(axis.values)) for axis in self.variants.axes)):
            try:
                self.variants.at(place)
            except SpecError:
                continue
            yield place

    @cache  # noqa: B019
    def look(self, place: Place, name: str, dimension: Dimension) -> Found:
        known, measure = self.variants.at(place), measures().get(name)
        if measure is None:
            return known.field(name)
        if measure.analysis == "params":
            return Found(values=(getattr(known.census, name),))
        outline = self.variants.family.outline(known.spec)
        totals = of_outline(closed_form(outline), outline, None).totals
        return measure.of(Told(totals=totals), dimension)

    def rank(self, place: Place) -> tuple[Any, ...]:
        values = self.look(place, self.goal, quantity(self.variants, self.goal)).values
        worst = max(values) if self.sign > 0 else -min(values)
        counts = (self.look(place, name, "count").values[0] for name in ("params", "macs"))
        return (worst, *counts, place)

    def meet(self, parts: Sequence[Condition]) -> list[Place]:
        def holds(place: Place) -> bool:
            return all(part.of(lambda n, d: self.look(place, n, d)).holds for part in parts)

        return sorted(filter(holds, self.places), key=self.rank)

    def missed(self, place: Place, part: Condition) -> Fraction:
        limit = part.limit
        assert limit is not None
        values = [Fraction(v) for v in self.look(place, limit.name, limit.dimension).values]
        amount = Fraction(limit.amount)
        over = max(max(values) - amount, 0) if limit.sign in ("<", "<=", "==") else 0
        under = max(amount - min(values), 0) if limit.sign in (">", ">=", "==") else 0
        return Fraction(max(over, under)) / (abs(amount) or 1)


def quantity(variants: Variants, name: str) -> Dimension:
    return quantities(variants.family)[name].dimensions[0]


def without(parts: Sequence[Condition], part: Condition) -> list[Condition]:
    return [other for other in parts if other is not part]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.where))
def test_a_search_finds_what_brute_force_finds(case: Case) -> None:
    family = FAMILIES.get(case.family)
    variants = Variants(family, case.fixed, case.axes)
    wanted: Any = {case.sense: case.goal}
    asked = question(family, where=case.where, top=3, **wanted)
    found = solved(variants, asked)
    every = Everything(variants, case.goal, case.sense)
    assert asked.where is not None
    parts = asked.where.parts
    meet = every.meet(parts)

    unlike = {every.variants.at(at).spec: at for at in reversed(meet)}
    assert [at for at, _ in found.top] == sorted(unlike.values(), key=every.rank)[:3]
    if meet:
        assert_priced(found, every, meet[0])
    else:
        assert_refused(found, every, parts)


def assert_priced(found: Outcome, every: Everything, best: Place) -> None:
    parts = [price.part for price in found.prices]
    for price in found.prices:
        least = every.meet(without(parts, price.part))
        binds = every.rank(least[0])[0] < every.rank(best)[0]
        assert price.binds is binds, price.part.text
        assert (price.without and price.without[0]) == (least[0] if binds else None)
        if binds and price.part.limit is not None:
            better = [at for at in least if every.rank(at)[0] < every.rank(best)[0]]
            nearest = min(better, key=lambda at: (every.missed(at, price.part), every.rank(at)))
            assert price.relaxed is not None
            assert price.relaxed[0] == nearest
    for choice in found.choices:
        axis = found.variants.axes.index(choice.axis)
        those = [at for at in every.meet(parts) if at[axis] == choice.value]
        assert (choice.found and choice.found[0]) == (those[0] if those else None)


def assert_refused(found: Outcome, every: Everything, parts: Sequence[Condition]) -> None:
    assert found.conflict is not None
    assert found.conflict.is_proven
    core = found.conflict.parts
    assert not every.meet(core)
    assert all(every.meet(without(core, part)) for part in core)
    for part, (at, _), goal in found.conflict.extremes:
        left = every.meet(without(core, part))
        if part.limit is not None and part.limit.sign != "==":
            values = [every.look(one, goal.name, goal.dimension).values for one in left]
            worst = [max(v) if goal.sense == "minimise" else -min(v) for v in values]
            assert min(worst) == worst[left.index(at)]
    limits = [part for part in parts if part.limit is not None]
    assert found.near is not None

    def misses(place: Place) -> Fraction:
        return sum((every.missed(place, part) for part in limits), Fraction(0))

    assert misses(found.near.place) == min(map(misses, every.places))


def stacks(draw: random.Random) -> Fields:
    return {
        "spatial_dims": 1,
        "in_channels": draw.choice([1, 3, 8]),
        "causal": draw.choice([True, False]),
        "conv": draw.choice(["standard", "depthwise-separable"]),
        "residual": draw.choice([True, False]),
        "norm": draw.choice(["none", "batch", "layer"]),
        "stride": draw.choice([1, 2]),
        "head": draw.choice(["none", "classifier"]),
        "input_size": draw.choice([16, 33]),
    }


def unlike_stacks(draw: random.Random) -> Fields:
    return {
        "spatial_dims": 1,
        "padding": draw.choice(["same", "valid", "3"]),
        "pool": draw.choice(["1", "1/2", "2"]),
        "upsample": draw.choice(["1", "2/1"]),
        "kernel_size": draw.choice(["3", "3/5"]),
        "input_size": 9_000,
    }


def transformers(draw: random.Random) -> Fields:
    return {
        "vocab_size": draw.choice([0, 50]),
        "seq_len": 16,
        "tied": draw.choice([True, False]),
        "ffn": draw.choice(["dense", "moe:4/2"]),
        "norm_place": draw.choice(["pre", "post", "sandwich"]),
        "activation": draw.choice(["gelu", "swiglu"]),
        "sinks": draw.choice([True, False]),
        "qk_norm": draw.choice([True, False]),
    }


BASES: tuple[tuple[str, Callable[[random.Random], Fields], Mapping[str, Sequence[Any]]], ...] = (
    (
        "cnn",
        stacks,
        {
            "dilations": ["doubling", "doubling:2", "doubling:3", "furthest", "hdc", "ones"],
            "depth": range(1, 8),
            "kernel_size": [2, 3, 4, 7],
            "channels": [4, 8, 16, 24],
        },
    ),
    (
        "cnn",
        unlike_stacks,
        {
            "dilations": ["doubling", "hdc", "ones"],
            "depth": [3, 4, 6],
            "channels": ["4/8", "16", "4/8/4"],
            "bias": [False, True],
        },
    ),
    (
        "tcn",
        lambda draw: {"in_channels": draw.choice([1, 8]), "reads": draw.choice(["last", "each"])},
        {"levels": range(1, 6), "kernel_size": [2, 3, 5], "hidden_channels": [4, 8, 12]},
    ),
    (
        "wavenet",
        lambda draw: {"input_size": 64, "classes": draw.choice([4, 256])},
        {
            "dilations": ["1/2", "1/2/4"],
            "stacks": [1, 2, 3],
            "kernel_size": [2, 3],
            "residual_channels": [4, 8],
            "dilation_channels": [4, 6],
            "skip_channels": [4, 16],
        },
    ),
    (
        "transformer",
        transformers,
        {
            "depth": range(1, 5),
            "d_model": [32, 64, 96, 128],
            "heads": [1, 2, 4],
            "d_ff": [32, 48, 100],
        },
    ),
)


@pytest.mark.parametrize("base", BASES, ids=lambda base: f"{base[0]} {base[1].__name__}")
def test_what_a_family_says_of_its_measures_is_so(base: Any) -> None:
    name, drawn, chosen = base
    draw = random.Random(18)
    known = quantities(FAMILIES.get(name))
    for _ in range(8):
        variants = Variants(FAMILIES.get(name), drawn(draw), chosen)
        bounds = Bounds(variants)
        at = [draw.randrange(len(axis.values)) for axis in variants.axes]
        for number, axis in enumerate(variants.axes):
            line = [(*at[:number], n, *at[number + 1 :]) for n in range(len(axis.values))]
            for measure in ("params", "macs", "rf", "back", "ahead", "jump"):
                trend = bounds.trend(axis.name, measure)
                if trend is None or (trend and not axis.ordered):
                    continue
                unit = known[measure].dimensions[0]
                values = [variants.found(place, measure, unit).values for place in line]
                if trend == 0:
                    assert len(set(values)) == 1, (axis.name, measure, variants.text(line[0]))
                else:
                    assert values == sorted(values, reverse=trend < 0), (axis.name, measure)


def test_sixteen_thousand_samples_take_eleven_layers_of_doubling_dilations() -> None:
    family = FAMILIES.get("cnn")
    fixed = {"spatial_dims": 1, "causal": True, "dilations": "doubling"}
    asked = question(family, where="rf >= 16000", minimise="depth", top=1)
    found = solved(Variants(family, fixed, {}), asked)
    first, constraints = sections_of(found, rows_of(found))

    assert first.totals.proven
    assert first.totals.best == 11
    assert first.rows[0].receptive_field == (16_377,)  # 1 + 8 * (2^11 - 1)
    assert (constraints.rows[0].relaxed_to, constraints.rows[0].goal_relaxed) == (8_185, 10)


def test_what_is_not_known_is_open_and_not_refused() -> None:
    family = FAMILIES.get("transformer")
    asked = question(family, where="rf <= 3000 and params < 1G", minimise="params")
    found = solved(Variants(family, {"d_model": 64, "heads": 1}, {"depth": [1, 2]}), asked)
    (section,) = sections_of(found, rows_of(found))

    assert not section.totals.proven
    assert section.totals.unknown == 2
    assert "whether one has is open" in section.notes[0].text
    assert "rf is at least 1,024 positions" in section.notes[1].text


def test_a_search_that_is_given_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimum, "WORK_LIMIT", 3)
    family = FAMILIES.get("cnn")
    found = solved(Variants(family, TCN, {}), question(family, where="rf >= 16000 and params < 1k"))
    section = sections_of(found, rows_of(found))[0]

    assert not section.totals.proven
    assert any("given up after 4 steps" in note.text for note in section.notes)


def test_a_family_without_a_census_or_an_outline_is_refused_what_these_tell() -> None:
    bare = replace(FAMILIES.get("cnn"), census=None, outline=None)

    for asked, said in (("params < 3", "cnn has no census"), ("rf > 3", "what it looks at")):
        with pytest.raises(UsageError, match=said):
            question(bare, where=asked, minimise="depth")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"minimise": "latency"}, "latency is measured, and a search goes by closed forms"),
        ({"where": "nonzero < 3"}, "nonzero is not known in closed form"),
        ({"maximise": "causal"}, "causal is so or not"),
        ({"minimise": "macs", "maximise": "rf"}, "not both"),
        ({"minimise": "parms"}, "Did you mean 'params'?"),
        ({"iso": "params"}, "write a measure and a number"),
        ({"solve": "d_model"}, "--solve says which field is chosen for --iso"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        question(FAMILIES.get("cnn"), **asked)
    assert said in str(raised.value)
