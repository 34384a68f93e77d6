"""Pairs of values of all fields, a sample: built and exact on every road, or refused by name.

The whole is `python benchmarks/fields.py`.
"""

from __future__ import annotations

import warnings
from importlib import util
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

from archscope.families import FAMILIES

APART = {"cnn": 1511}
"""Of so many pairs one is tried."""


def _sweep() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "fields.py"
    found = util.spec_from_file_location("fields_of_benchmarks", path)
    assert found is not None
    assert found.loader is not None
    module = util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


SWEEP = _sweep()
SAMPLE = [
    (name, given)
    for name, apart in APART.items()
    for given in islice(SWEEP.pairs(FAMILIES.get(name)), 905, None, apart)
]


@pytest.mark.parametrize(("name", "given"), SAMPLE)
def test_a_pair_of_fields_is_exact_or_refused(name: str, given: dict[str, object]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of even kernels
        kind, said = SWEEP.outcome(FAMILIES.get(name), given)

    assert kind in ("built", "refused"), said


WHOLE = [
    {"layers": "in 4x24x24; conv 8 k3x2 p0 res gn2; pool 2 ceil; 2x(conv 8 d1,2 sep g2 bn)"},
    {"layers": "in 4x24; conv 8 k4 d3 valid res; tconv 4 k4 s2 causal; up 3 linear; head 3"},
    {"layers": "in 2x9x10x11; res(conv 4 k2 ln gelu; conv 4 p0 bias off); avgpool 2; instance"},
    {"layers": "in 4x24; 3x(conv 4 k2 d1,2,4 causal replicate res bn); head 3"},
    {"layers": "in 4x24x25; conv p1+0:2 circular; tconv 8 k3 s2x3 dw op1; conv dw reflect same"},
]


@pytest.mark.parametrize("given", WHOLE, ids=lambda given: given["layers"][:40])
def test_stacks_of_many_words_are_exact(given: dict[str, str]) -> None:
    assert SWEEP.outcome(FAMILIES.get("cnn"), given) == ("built", "")


def test_a_stack_that_leaves_one_output_is_held_layer_by_layer() -> None:
    # 24 - 2 = 22, 11, 9, 4, 2 and 1 output, which the operators take for a reader of all positions.
    given = {"padding": "valid", "pool": (2,), "input_size": 24, "channels": (4,)}

    assert SWEEP.outcome(FAMILIES.get("cnn"), given) == ("built", "")
