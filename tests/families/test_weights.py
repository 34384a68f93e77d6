"""The weights of a family in order: as many as are counted and built, divided without a rest."""

from __future__ import annotations

from typing import Any

import pytest

from archscope import presets, specs
from archscope.errors import SpecError
from archscope.families import FAMILIES, Family
from archscope.registry import resolve
from archscope.theory.stages import Stages, tally

SMALLEST = {"swin": {"blocks": (1, 1), "heads": (3, 6), "input_size": 64}}
"""Fields of those that have no depth."""
TELLING = [family for family in FAMILIES.all().values() if family.weights]


def told(family: Family, spec: Any) -> Stages:
    stages: Stages = resolve(family.weights)(spec)
    return stages


@pytest.mark.parametrize("family", TELLING, ids=lambda family: family.name)
def test_weights_are_those_of_the_census(family: Family) -> None:
    named = [each for each in presets.all() if each.family == family.name and each.same_as is None]
    for preset in named:
        spec: Any = specs.made(family.spec, preset.fields)
        stages, census = told(family, spec), family.census
        assert census is not None

        counted = census(spec)
        assert (stages.params, stages.macs) == (counted.params, counted.macs), preset.name
    assert named


@pytest.mark.parametrize("family", TELLING, ids=lambda family: family.name)
def test_tensors_are_those_that_are_built(family: Family) -> None:
    spec: Any = specs.made(family.spec, SMALLEST.get(family.name, {"depth": 2}))
    model = family.subject(spec).whole
    assert model is not None
    import torch

    with torch.device("meta"):
        parameters = [*model().parameters()]
    layers = tally(told(family, spec).parts)

    assert sum(times * layer.tensors for layer, times in layers) == len(parameters)
    assert sum(times * layer.params for layer, times in layers) == sum(
        each.numel() for each in parameters
    )


MIXED = {
    "depth": 4,
    "mixer": "gated-delta:4/2/8/16,lightning-attention,state-space-dual:16/2/4/8/2,attention",
    "output_gate": True,
    **{"ffn": "moe:8/2", "dense_blocks": 1, "dense_ff": 20, "shared_ff": 12, "shared_gate": True},
    **{"qk_norm": True, "qk_norm_across": True, "kv_heads": 2, "d_model": 64, "heads": 4},
}


def test_weights_of_mixers_in_turns_are_those_that_are_built_and_counted() -> None:
    family = FAMILIES.get("transformer")
    spec: Any = specs.made(family.spec, MIXED)
    model = family.subject(spec).model  # no block is like another
    assert family.census is not None
    counted, stages = family.census(spec), told(family, spec)

    assert (stages.params, stages.macs) == (counted.params, counted.macs)
    layers = tally(stages.parts)
    assert sum(times * layer.tensors for layer, times in layers) == len([*model.parameters()])
    dealt = {layer.name: layer for layer in stages.layers if layer.division.by == "channels"}
    for name in ("convolution", "delta rule", "scan", "norm of queries"):
        layer = dealt[name]
        mine = layer.params - layer.division.whole
        assert layer.held(tensor=2) == mine // 2 + layer.division.whole


def test_what_is_divided_adds_up() -> None:
    family = FAMILIES.get("transformer")
    spec: Any = specs.made(family.spec, {"depth": 2, "ffn": "moe:8/2", "kv_heads": 4})
    for layer in told(family, spec).layers:
        for cards in (1, 2, 4):
            whole = layer.division.whole if layer.division.by != "whole" else layer.params
            if layer.division.by == "vocabulary":  # 50,257 words are filled up
                assert 0 <= cards * layer.held(tensor=cards) - layer.params < cards * 768
                continue
            assert cards * (layer.held(tensor=cards) - whole) == layer.params - whole
            if layer.division.experts:
                assert layer.held(expert=cards) * cards == layer.params
            else:
                assert layer.held(expert=cards) == layer.params


def test_key_heads_that_are_fewer_than_cards_are_on_several() -> None:
    family = FAMILIES.get("transformer")
    spec: Any = specs.made(family.spec, {"heads": 8, "kv_heads": 2, "d_model": 512})
    stages = told(family, spec)
    key = next(layer for layer in stages.layers if layer.name == "key")

    stages.check(tensor=8, expert=1)
    assert key.held(tensor=8) == key.held(tensor=2) == key.params // 2
    with pytest.raises(SpecError, match="does not divide the 8 units of query"):
        stages.check(tensor=3, expert=1)
    with pytest.raises(SpecError, match="needs experts"):
        stages.check(tensor=1, expert=2)
