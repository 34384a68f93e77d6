"""A census, the layers of a spec in closed form without torch, is what both engines count.

All published networks and specs at random are held to it by `python benchmarks/census.py`.
"""

from __future__ import annotations

import random
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archscope.families import FAMILIES, Family

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
CENSUS: Any = import_module("census")
sys.path.pop(0)

COUNTED = [family for family in FAMILIES.all().values() if family.census is not None]
APART = 29
"""Of so many published networks of a family one is tried."""


@pytest.mark.parametrize("family", COUNTED, ids=lambda family: family.name)
def test_a_published_network_has_what_both_engines_count(family: Family) -> None:
    for name, fields in [*CENSUS.published(family)][::APART]:
        assert CENSUS.outcome(family, fields) == ("held", ""), name


@pytest.mark.parametrize("name", ["cnn", "transformer"])
@settings(
    max_examples=12, deadline=None, database=None, derandomize=True,
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
