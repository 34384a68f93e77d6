"""What families tell of a training step's memory is what autograd keeps, module by module.

`python benchmarks/saved_activations.py` holds every published network and specs at random; here is
a small one of each family and way of running that has rules of its own.
"""

from __future__ import annotations

from typing import Any

import pytest

from archscope import specs
from archscope.analyses.memory.closed_form import unlike
from archscope.families import FAMILIES
from archscope.registry import resolve
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.training.recipe import Recipe, Recompute
from archscope.training.step import run_forward
from archscope.training.unfolding import unfolded

FLASH, MATH, FULL, OTHER = Way(), Way(attention="math"), Way(every=1), Way(every=2)
OTHER_MATH = Way(attention="math", every=2)
"""Scores of attention in the blocks that do not run again."""
TWO = {"batch_size": 2}
IMAGE = {**TWO, "input_size": 64, "classes": 3}
DETECTOR = {**TWO, "input_size": 64, "backbone": "resnet18", "head_layers": 1, "classes": 2}
CELL = {**TWO, "cells": 2, "channels": 3, "input_size": 8}
NARROW = {**TWO, "depth": 2, "d_model": 12, "heads": 2, "d_ff": 10, "vocab_size": 20, "seq_len": 5}
HASHED = {
    **NARROW,
    "head_dim": 3,
    "local_chunk": 3,
    "lsh_chunk": 3,
    "buckets": 4,
    "axial_shape": (4, 8),
    "axial_dims": (4, 8),
}
CASES: dict[str, tuple[str, dict[str, Any], tuple[Way, ...]]] = {
    "dense layers": ("densenet", {**IMAGE, "blocks": (2, 1), "growth_rate": 2}, (OTHER,)),
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
        (FLASH,),
    ),
    "v3": (
        "inception",
        {**TWO, "width_mult": 0.05, "auxiliary": False, "input_size": 75},
        (OTHER,),
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
        (OTHER,),
    ),
    "branches": (
        "hrnet",
        {**IMAGE, "modules": (1, 1), "branch_blocks": 2, "stem_blocks": 1},
        (OTHER,),
    ),
    "branches side by side": (
        "hrnet",
        {**IMAGE, "head": "segmentation", "modules": (1,), "branch_blocks": 2, "stem_blocks": 1},
        (FULL,),
    ),
    "modules that are blocks": (
        "hrnet",
        {**IMAGE, "modules": (1, 2), "branch_blocks": 1, "channels": 4},
        (OTHER,),
    ),
    "a module that is none": (
        "hrnet",
        {**IMAGE, "head": "segmentation", "modules": (1,), "branch_blocks": 1},
        (FULL,),
    ),
    "a cell": ("nasbench201", CELL, (OTHER,)),
    "edges that lead nowhere": ("nasbench201", {**CELL, "cell": "422030"}, (FLASH,)),
    "an input that leads nowhere": ("nasbench201", {**CELL, "cell": "000000"}, (FLASH, FULL)),
    "a cell that keeps nothing": ("nasbench201", {**CELL, "cell": "014101"}, (FULL,)),
    "a graph": ("nasbench101", {**CELL, "stacks": 2, "channels": 7}, (OTHER,)),
    "pyramids": (
        "espnet",
        {**TWO, "alpha2": 1, "alpha3": 2, "input_size": 32, "classes": 6},
        (OTHER,),
    ),
    "frozen norms": ("detection", DETECTOR, (FLASH, FULL)),
    "heads with norms": ("detection", {**DETECTOR, "head": "fcos", "norm": "batchnorm"}, (FLASH,)),
    "masks of sources": (
        "conv-tasnet",
        {**TWO, "dilations": (1, 2), "stacks": 1, "input_size": 203},
        (OTHER,),
    ),
    "a norm of the past": (
        "conv-tasnet",
        {"dilations": (1, 2), "norm": "cumulative", "input_size": 200},
        (FLASH,),
    ),
    "images and texts": (
        "clip",
        {**TWO, "depth": 2, "text_depth": 1, "patch_size": 4, "input_size": 9, "seq_len": 5},
        (OTHER,),
    ),
    "windows that shift": (
        "swin",
        {
            **IMAGE,
            "blocks": (2, 1),
            "heads": (1, 2),
            "d_model": 6,
            "window": 3,
            "input_size": 28,
        },
        (OTHER_MATH,),
    ),
    "stages that are blocks": (
        "swin",
        {**IMAGE, "blocks": (1, 2, 1), "heads": (1, 1, 1), "d_model": 4, "window": 3},
        (OTHER_MATH,),
    ),
    "one stage": (
        "swin",
        {**IMAGE, "blocks": (1,), "heads": (1,), "d_model": 4, "window": 3},
        (FULL,),
    ),
    "stages of maps that are blocks": (
        "segformer",
        {**IMAGE, "blocks": (1, 2, 1, 1)},
        (FULL,),
    ),
    "fewer keys": (
        "segformer",
        {**IMAGE, "blocks": (2, 1, 2, 2), "reductions": (4, 2, 1, 1)},
        (OTHER_MATH,),
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
        (OTHER_MATH,),
    ),
    "heads of one feature": (
        "vitdet",
        {
            **TWO,
            "neck": "single",
            "depth": 1,
            "d_model": 2,
            "heads": 2,
            "global_blocks": 0,
            "window": 3,
            "patch_size": 8,
            "input_size": 40,
        },
        (FLASH,),
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
        (OTHER,),
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
        (OTHER,),
    ),
    "encoders that are blocks": (
        "clip",
        {**TWO, "depth": 1, "text_depth": 1, "patch_size": 4, "input_size": 9, "seq_len": 5},
        (FULL, OTHER),
    ),
    "stacks that are blocks": (
        "t5",
        {
            **TWO,
            "depth": 1,
            "d_model": 6,
            "heads": 2,
            "d_ff": 5,
            "vocab_size": 20,
            "seq_len": 5,
            "target_len": 3,
        },
        (FULL, OTHER_MATH),
    ),
    "feed-forwards in a block that are blocks": (
        "conformer",
        {**TWO, "depth": 1, "d_model": 8, "features": 9, "head": "ctc", "input_size": 21},
        (OTHER,),
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
    "scales of layers": (
        "convnext",
        {**IMAGE, "blocks": (1, 1, 2, 1), "channels": (3, 4, 5, 6)},
        (OTHER,),
    ),
    "dilated blocks": ("drn", {"input_size": 32, "blocks": (1, 1, 1, 1, 1, 1, 1, 1)}, (OTHER,)),
    "squeezed and excited": (
        "efficientnet",
        {**IMAGE, "width_mult": 0.1, "depth_mult": 0.1},
        (OTHER,),
    ),
    "groups": ("regnet", {**IMAGE, "depth": 5}, (OTHER,)),
    "halves that are shuffled": ("shufflenet", {**IMAGE, "blocks": (1, 2, 1)}, (OTHER,)),
    "averages": ("lenet", TWO, (FLASH,)),
    "words side by side": ("textcnn", TWO, (FLASH,)),
    "dropout of its own": (
        "vgg",
        {**TWO, "convolutions": (1, 2), "channels": (2, 3), "d_ff": 5, "input_size": 16},
        (FLASH,),
    ),
    "spectrograms": (
        "whisper",
        {**TWO, "depth": 2, "d_model": 8, "heads": 2, "input_size": 12, "target_len": 3},
        (OTHER_MATH,),
    ),
    "feed-forwards that are blocks": (
        "mobilebert",
        {**NARROW, "depth": 3, "bottleneck": 8, "embedding_dim": 6, "feed_forwards": 2},
        (OTHER,),
    ),
    "segments": ("xlnet", {**NARROW, "segments": True}, (OTHER,)),
    "memory and clusters": (
        "transformer-xl",
        {**NARROW, "memory": 3, "scores": True, "div_val": 2, "cutoffs": (7, 13)},
        (OTHER,),
    ),
    "global tokens": (
        "longformer",
        {**NARROW, "window": 4, "global_tokens": 2, "seq_len": 7},
        (OTHER_MATH,),
    ),
    "windows of one sequence": (
        "longformer",
        {**NARROW, "window": 4, "heads": 1, "batch_size": 1},
        (FLASH,),
    ),
    "hashes and two halves": (
        "reformer",
        {**HASHED, "depth": 4, "hashed": (0, 1), "hashes": 2, "ff_chunk": 4, "seq_len": 7},
        (OTHER,),
    ),
    "a chunk that holds all": (
        "reformer",
        {**HASHED, "depth": 1, "hashed": 1, "seq_len": 3},
        (FLASH,),
    ),
}


BY_BLOCK = {
    "cnn", "deepseek", "mamba", "mobilenet", "resnet", "t5", "tcn", "transformer", "vit", "wavenet"
}  # fmt: skip
"""Families whose rules `test_kept` holds to a run, block by block."""


def test_every_family_is_held_to_a_run() -> None:
    held = {name for name, _, _ in CASES.values()}

    assert held | BY_BLOCK == {family.name for family in FAMILIES.each()} - {"lstm"}


@pytest.mark.parametrize("case", CASES)
def test_closed_form_and_autograd_keep_the_same_in_every_module(case: str) -> None:
    name, fields, ways = CASES[case]
    family = FAMILIES.get(name)
    spec = specs.made(family.spec, fields)
    subject = unfolded(family.subject(spec))
    for way in ways:
        recompute = Recompute(every=way.every) if way.every else None
        recipe = Recipe(attention=way.attention, recompute=recompute)

        told: SavedActivations = resolve(family.saved_activations)(spec, way)

        assert not told.unknown
        assert unlike(told, run_forward(subject, recipe), size=4) == [], way


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("resnet", {"input_size": 32}),
        ("nasbench201", {"input_size": 4}),
        ("conformer", {"head": "transducer", "input_size": 40}),
        ("lstm", {}),
    ],
)
def test_what_no_rule_tells_is_unknown(name: str, fields: dict[str, Any]) -> None:
    family = FAMILIES.get(name)

    told: SavedActivations = resolve(family.saved_activations)(
        specs.made(family.spec, fields), FULL
    )

    assert told.bytes(activation=4) is None
    assert told.unknown
