"""Searches, held to brute force: the same optimum, what binds, what is missed by least.

`python benchmarks/search_brute_force.py --random 200` holds them in spaces at random, these among
them.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import archscope
from archscope.analyses.rf.closed_form.answer import closed_form
from archscope.analyses.rf.use.answer import of_outline
from archscope.errors import UsageError
from archscope.families import FAMILIES
from archscope.library._rf import see_network
from archscope.results import Report
from archscope.studies.measures import measures
from archscope.studies.search import optimum
from archscope.studies.search.answer import solved
from archscope.studies.search.bounds import Bounds
from archscope.studies.search.closed_form import HELD, WINDOWED, Known, Told, quantities
from archscope.studies.search.question import question
from archscope.studies.search.sections import rows_of, sections_of
from archscope.studies.search.variants import Variants

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
SPACES: Any = import_module("search_spaces")
BRUTE_FORCE: Any = import_module("search_brute_force")
sys.path.pop(0)

Fields = Mapping[str, Any]
TCN: Fields = SPACES.TCN


@pytest.mark.parametrize("case", SPACES.CASES, ids=lambda case: str(case.where))
def test_a_search_finds_what_brute_force_finds(case: Any) -> None:
    assert list(BRUTE_FORCE.differences(case)) == []


def test_so_it_does_in_spaces_at_random() -> None:
    for case in islice(SPACES.drawn(0), 12):
        assert list(BRUTE_FORCE.differences(case)) == [], case


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
            for measure in ("params", "active", "macs", "rf", "back", "ahead", "jump"):
                trend = bounds.trend(axis.name, measure)
                if trend is None or (trend and not axis.ordered):
                    continue
                unit = known[measure].dimensions[0]
                values = [variants.found(place, measure, unit).values for place in line]
                if trend == 0:
                    assert len(set(values)) == 1, (axis.name, measure, variants.text(line[0]))
                else:
                    assert values == sorted(values, reverse=trend < 0), (axis.name, measure)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"norm": "group"},
        {"padding_mode": "circular"},
        {"norm": "group", "padding_mode": "reflect", "residual": True},
        {"stride": (2,), "head": "classifier"},
    ],
)
def test_what_is_told_in_brief_is_what_the_whole_answer_tells(fields: Fields) -> None:
    family = FAMILIES.get("cnn")
    spec = family.spec(spatial_dims=1, depth=3, channels=(4,), input_size=40, **fields)
    outline = family.outline(spec)
    whole = Told(totals=of_outline(closed_form(outline), outline, None).totals)
    for name in (*WINDOWED, *HELD):
        measure = measures()[name]
        unit = measure.quantity.dimensions[0]
        found, wanted = Known(family, spec).measured(measure, unit), measure.of(whole, unit)
        assert (found.values, found.bound) == (wanted.values, wanted.bound), name


def test_what_has_no_order_is_not_looked_for_in_every_variant() -> None:
    family = FAMILIES.get("cnn")
    known = Known(family, family.spec(channels=(4,), norm="group", depth=24))

    found = known.measured(measures()["ahead"], "positions")

    assert found.why == "blocks.0.norm reads all positions"


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


def test_what_a_step_of_training_keeps_is_searched_by_its_closed_form() -> None:
    chosen = {"depth": (2, 3, 4), "channels": ((4,), (8,))}
    fixed = {"in_channels": 4, "input_size": 64, "kernel_size": (3,), "dilations": (1,)}
    limit = archscope.memory("cnn", depth=3, channels=(4,), **fixed).totals.saved
    family = FAMILIES.get("cnn")

    found = solved(
        Variants(family, fixed, chosen), question(family, where=f"act <= {limit}", maximise="depth")
    )

    assert rows_of(found)[0].variant == "depth 3, channels 4"


def test_variants_that_differ_by_the_batch_are_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[Any] = []

    def seeing(network: Any, **asked: Any) -> Report:
        looked.append(network.spec.batch_size)
        return see_network(network, **asked)

    monkeypatch.setattr("archscope.library._verified.see_network", seeing)
    fields = {"channels": [4], "kernel_size": 3, "dilations": 1, "input_size": 32}
    found = archscope.search("cnn", batch_size=[1, 2], depth=[1, 2], **fields)

    assert [row.verified for row in found.section("search.variants").rows] == ["yes"] * 4
    assert len(looked) == 2


def test_active_parameters_are_searched_by_the_census_and_are_those_that_are_counted() -> None:
    fields = {"ffn": "moe:4/1", "vocab_size": 50, "seq_len": 8, "d_model": 32, "heads": 2}

    best = (
        archscope.search(
            "transformer", where="active < 40k", maximise="params", depth=[1, 2, 3], **fields
        )
        .section("search.variants")
        .rows[0]
    )

    counted = archscope.params("transformer", depth=best.depth, **fields).totals
    assert best.also == f"active {counted.active:,}"
    assert counted.active < counted.trainable == best.params


def test_a_family_without_a_census_or_an_outline_is_refused_what_these_tell() -> None:
    bare = replace(FAMILIES.get("cnn"), census=None, outline=None, saved_activations="")

    for asked, said in (
        ("params < 3", "cnn has no census"),
        ("rf > 3", "no closed form for its receptive field"),
        ("act < 1MiB", "cnn has no closed form for what a training step keeps"),
    ):
        with pytest.raises(UsageError, match=said):
            question(bare, where=asked, minimise="depth")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"minimise": "latency"}, "latency is measured, but a search uses closed forms"),
        ({"where": "nonzero < 3"}, "nonzero is not known in closed form"),
        ({"minimise": "flops"}, "ask for macs"),  # a norm's are not in the census
        ({"where": "flops < 1G"}, "norms, pools and resampling has no closed form"),
        ({"iso": "flops=1G"}, "ask for macs"),
        ({"where": "decode_time < 1s"}, "which a search does not set; archscope kv --gpu h100"),
        ({"maximise": "causal"}, "causal is true or false"),
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


@pytest.mark.parametrize(
    ("chosen", "edges"),
    [
        ({"depth": "2:4", "residual": "false,true"}, "depth 2 is the smallest in the space"),
        ({"depth": "1:4", "residual": "false,true"}, ""),  # there is no depth below, no third way
    ],
)
def test_a_wider_space_is_named_only_where_there_is_one(chosen: Fields, edges: str) -> None:
    fixed = {"kernel_size": 3, "dilations": 1, "channels": 4}
    notes = [each.text for each in archscope.search("cnn", verify=False, **fixed, **chosen).notes]
    wider = [text for text in notes if "a wider space may" in text]
    assert [text.partition(":")[0] for text in wider] == ([edges] if edges else [])
