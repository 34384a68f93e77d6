"""What families tell of a training step's memory is what autograd keeps, module by module.

`python -m benchmarks.kept` holds every published network and specs at random; here is a small
one of each family and way of running that has rules of its own.
"""

from __future__ import annotations

from typing import Any

import pytest

from archscope import specs
from archscope.analyses.memory.closed import unlike
from archscope.families import FAMILIES
from archscope.registry import resolve
from archscope.theory.kept import Kept, Way
from archscope.training.optimisers import optimiser
from archscope.training.recipe import Recipe, Recompute
from archscope.training.step import run_step
from archscope.training.unfolding import unfolded

FLASH, MATH, FULL, OTHER = Way(), Way(attention="math"), Way(every=1), Way(every=2)
TWO = {"batch_size": 2}
IMAGE = {**TWO, "input_size": 64, "classes": 3}
DETECTOR = {**TWO, "input_size": 64, "backbone": "resnet18", "head_layers": 1, "classes": 2}
CELL = {**TWO, "cells": 2, "channels": 3, "input_size": 8}
CASES: dict[str, tuple[str, dict[str, Any], tuple[Way, ...]]] = {
    "dense layers": ("densenet", {**IMAGE, "blocks": (2, 1), "growth_rate": 2}, (FULL, OTHER)),
    "fire modules": ("squeezenet", {**IMAGE}, (OTHER,)),
    "both paths": (
        "u-net",
        {**TWO, "padding": "same", "levels": 3, "stem_channels": 2, "input_size": 16},
        (FULL,),
    ),
    "one level up": (
        "u-net",
        {**TWO, "padding": "same", "levels": 2, "stem_channels": 2, "input_size": 8},
        (OTHER,),
    ),
    "flows": ("separable-residual", {**TWO, "middle_blocks": 1, "input_size": 96}, (OTHER,)),
    "v1": (
        "inception",
        {**IMAGE, "version": "v1", "width_mult": 0.1, "input_size": 32},
        (FLASH, FULL),
    ),
    "v3": (
        "inception",
        {**TWO, "width_mult": 0.05, "auxiliary": False, "input_size": 75},
        (FLASH, OTHER),
    ),
    "two resolutions": (
        "segmentation",
        {**IMAGE, "head": "lraspp", "backbone": "mobilenet-v3-large", "output_stride": 16},
        (FLASH,),
    ),
    "auxiliary": ("segmentation", {**IMAGE, "head": "fcn", "auxiliary": True}, (FLASH,)),
    "a tapped block": (
        "segmentation",
        {**IMAGE, "head": "deeplabv3plus", "backbone": "xception41", "separable": True},
        (FLASH, OTHER),
    ),
    "branches": (
        "hrnet",
        {**IMAGE, "modules": (1, 1), "branch_blocks": 2, "stem_blocks": 1},
        (FLASH, OTHER),
    ),
    "branches side by side": (
        "hrnet",
        {**IMAGE, "head": "segmentation", "modules": (1,), "branch_blocks": 2, "stem_blocks": 1},
        (FULL,),
    ),
    "a cell": ("nasbench201", CELL, (FLASH, OTHER)),
    "edges that lead nowhere": ("nasbench201", {**CELL, "cell": "422030"}, (FLASH,)),
    "an input that leads nowhere": ("nasbench201", {**CELL, "cell": "000000"}, (FLASH, FULL)),
    "a cell that keeps nothing": ("nasbench201", {**CELL, "cell": "014101"}, (FULL,)),
    "a graph": ("nasbench101", {**CELL, "stacks": 2, "channels": 7}, (FLASH, OTHER)),
    "pyramids": (
        "espnet",
        {**TWO, "alpha2": 1, "alpha3": 2, "input_size": 32, "classes": 6},
        (FLASH, OTHER),
    ),
    "frozen norms": ("detection", DETECTOR, (FLASH, FULL)),
    "heads with norms": ("detection", {**DETECTOR, "head": "fcos", "norm": "batchnorm"}, (FLASH,)),
    "masks of sources": (
        "conv-tasnet",
        {**TWO, "dilations": (1, 2), "stacks": 1, "input_size": 203},
        (FLASH, OTHER),
    ),
    "a norm of the past": (
        "conv-tasnet",
        {"dilations": (1, 2), "norm": "cumulative", "input_size": 200},
        (FLASH,),
    ),
    "images and texts": (
        "clip",
        {**TWO, "depth": 2, "text_depth": 1, "patch_size": 4, "input_size": 9, "seq_len": 5},
        (FLASH, OTHER),
    ),
    "windows that shift": (
        "swin",
        {
            **IMAGE,
            "blocks": (2, 2, 1),
            "heads": (1, 2, 3),
            "d_model": 6,
            "window": 3,
            "input_size": 28,
        },
        (FLASH, MATH, OTHER),
    ),
    "fewer keys": (
        "segformer",
        {**IMAGE, "blocks": (2, 1, 2, 2), "reductions": (4, 2, 1, 1)},
        (FLASH, MATH, OTHER),
    ),
    "windows and the whole map": (
        "vitdet",
        {
            **TWO,
            "depth": 2,
            "d_model": 8,
            "heads": 2,
            "global_blocks": 1,
            "window": 3,
            "patch_size": 8,
            "input_size": 40,
        },
        (FLASH, MATH, OTHER),
    ),
    "a single head and one map": (
        "vitdet",
        {
            "neck": "single",
            "depth": 1,
            "d_model": 8,
            "heads": 1,
            "global_blocks": 0,
            "window": 2,
            "patch_size": 8,
            "input_size": 32,
            "pretrained_size": 0,
        },
        (FLASH,),
    ),
    "samples": (
        "wav2vec2",
        {**TWO, "depth": 2, "d_model": 8, "heads": 2, "position_groups": 2, "input_size": 900},
        (FLASH, OTHER),
    ),
    "samples, each frame normed": (
        "wav2vec2",
        {
            "depth": 1,
            "d_model": 8,
            "heads": 2,
            "position_groups": 2,
            "conv_norm": "layer",
            "norm_place": "pre",
            "position_kernel": 3,
            "classes": 4,
            "input_size": 900,
        },
        (FULL,),
    ),
    "distances": (
        "conformer",
        {**TWO, "depth": 2, "d_model": 8, "features": 9, "head": "ctc", "input_size": 21},
        (FLASH, OTHER),
    ),
    "sound without distances": (
        "conformer",
        {
            "depth": 1,
            "d_model": 8,
            "positions": "none",
            "conv_norm": "groupnorm",
            "subsampling": 8,
            "subsampling_conv": "depthwise-separable",
            "features": 9,
            "input_size": 40,
        },
        (MATH,),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_closed_form_and_autograd_keep_the_same_in_every_module(case: str) -> None:
    name, fields, ways = CASES[case]
    family = FAMILIES.get(name)
    spec = specs.made(family.spec, fields)
    subject = unfolded(family.subject(spec))
    for way in ways:
        recompute = Recompute(every=way.every) if way.every else None
        recipe = Recipe(attention=way.attention, recompute=recompute)

        told: Kept = resolve(family.kept)(spec, way)

        assert not told.unknown
        assert unlike(told, run_step(subject, recipe, optimiser("sgd")), size=4) == [], way


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("resnet", {"input_size": 32}),
        ("nasbench201", {"input_size": 4}),
        ("conformer", {"head": "transducer", "input_size": 40}),
        ("hrnet", {"branch_blocks": 1}),
        ("swin", {"blocks": (1, 1), "heads": (1, 1)}),
        ("t5", {"depth": 1}),
    ],
)
def test_what_no_rule_tells_is_unknown(name: str, fields: dict[str, Any]) -> None:
    family = FAMILIES.get(name)

    told: Kept = resolve(family.kept)(specs.made(family.spec, fields), FULL)

    assert told.bytes(activation=4) is None
    assert told.unknown
