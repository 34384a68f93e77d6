"""A census, the layers of a spec in closed form without torch, is what both engines count.

So it is of every published network in `tests/presets`; `python benchmarks/census.py` holds types of
layers to it too, and thousands of specs at random.
"""

from __future__ import annotations

import random
import sys
import warnings
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archscope import presets
from archscope.families import FAMILIES
from archscope.specs import made
from archscope.theory.census import Census

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
CENSUS: Any = import_module("census")
sys.path.pop(0)


@pytest.mark.parametrize("name", ["cnn", "transformer"])
@settings(
    max_examples=8, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)  # fmt: skip
@given(chance=st.randoms(use_true_random=False))
def test_a_spec_at_random_has_what_both_engines_count(name: str, chance: random.Random) -> None:
    family = FAMILIES.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of even kernels
        kind, said = CENSUS.outcome(family, CENSUS.drawn(family, chance))
    assume(kind != "refused")

    assert kind == "held", said


def test_a_census_that_is_wrong_is_told_by_what_differs() -> None:
    family = FAMILIES.get("tcn")
    assert family.census is not None
    right = family.census(family.spec())
    head = replace(right.layers[-1], times=2)
    wrong = Census(layers=(*right.layers[:-1], head))

    said = CENSUS.difference(replace(family, census=lambda spec: wrong), family.spec())

    assert CENSUS.difference(family, family.spec()) == ""
    assert said.startswith(f"trainable, frozen and MACs are ({right.params}, 0, {wrong.macs})")


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        # pycls, MODEL_ZOO.md, acts (M): outputs of convolutions alone, to one digit.
        ("regnet_x_3_2gf", 11.4),
        ("regnet_x_8gf", 14.1),
        ("regnet_y_1_6gf", 8.0),
        ("efficientnet_b0", 6.7),
    ],
)
def test_activations_are_those_that_the_authors_of_regnet_print(name: str, millions: float) -> None:
    preset = presets.load(name)
    family = FAMILIES.get(preset.family)
    assert family.census is not None

    found = family.census(made(family.spec, preset.fields)).activations

    assert found / 1e6 == pytest.approx(millions, abs=0.06)
