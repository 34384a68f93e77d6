"""What counters are asked: small networks that are known by hand, and published ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

TESTS = Path(__file__).parents[2] / "tests" / "counting"
"""Where the small ones stand: the tests hold archscope to them too."""


@dataclass(frozen=True)
class Case:
    """A network, what it is called with, and what is right."""

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]
    """Positional and keyword arguments, made anew for each call."""
    macs: int
    """Multiply-accumulates of matrix products, convolutions and attention; no biases."""
    params: int
    """Parameters, shared ones once."""
    published: bool = False
    """Whether it is a published network."""


PUBLISHED: tuple[tuple[str, int, int], ...] = (
    # torchvision 0.29.2's classes on the meta device; torchvision's own table has the same to 3
    # digits ("_ops"). He et al. 2016, Xie 2017, Simonyan 2015, Sandler 2018, Howard 2019, Tan 2019,
    # Liu 2022 and 2021, Dosovitskiy 2021, Chen 2017.
    ("resnet50", 4_089_184_256, 25_557_032),
    ("resnet152", 11_513_626_624, 60_192_808),
    ("resnext50_32x4d", 4_230_479_872, 25_028_904),
    ("vgg11", 7_609_090_048, 132_863_336),
    ("mobilenet_v2", 300_774_272, 3_504_872),
    ("mobilenet_v3_small", 56_510_400, 2_542_856),
    ("efficientnet_b0", 385_814_752, 5_288_548),
    ("convnext_tiny", 4_455_531_264, 28_589_128),
    ("swin_t", 4_490_566_656, 28_288_354),
    ("vit_b_16", 17_563_828_224, 86_567_656),
    ("lraspp_mobilenet_v3_large", 2_086_219_688, 3_221_538),
    # timm 1.0.31's classes: Chollet 2017, Touvron 2021; Howard et al. 2017, Table 8.
    ("xception", 8_357_403_496, 22_855_952),
    ("deit_small_patch16_224", 4_598_882_304, 22_050_664),
    ("mobilenet_v1_1.0", 568_740_352, 4_231_976),
    # transformers 5.23.0's classes on the meta device: Devlin 2019, Sanh 2019, Lan 2020, Clark
    # 2020, Wang 2020, Biderman 2023, Raffel 2020, Yang 2019; Radford 2019 at 128 tokens.
    ("bert-base-uncased:seq_len=128", 11_174_215_680, 109_482_240),
    ("bert-tiny", 335_560_704, 4_385_920),
    ("distilbert-base-uncased", 24_159_191_040, 66_362_880),
    ("albert-base-v2", 48_369_303_552, 11_683_584),
    ("electra-small-disc", 1_312_817_152, 13_483_008),
    ("minilm-L6-H384", 1_434_599_424, 22_713_216),
    ("gpt2:seq_len=128", 16_114_089_984, 124_439_808),
    ("pythia-70m", 117_172_076_544, 70_426_624),
    ("t5-small", 17_708_900_352, 60_506_624),
    # Kim 2014, MR; Zaremba et al. 2014, the medium network.
    ("textcnn-kim-nonstatic", 19_020_600, 5_990_402),
    ("lstm-lm-650-ptb", 464_100_000, 19_780_400),
)
"""Name, multiply-accumulates and parameters of published networks, from their own code."""


def cases() -> Iterator[Case]:
    """Yield the small networks, then the published ones."""
    sys.path.insert(0, str(TESTS))
    from known_cases import CASES

    for name, known in CASES.items():
        yield Case(
            name=name,
            build=known.model,
            inputs=lambda known=known: (deepcopy(known.inputs), deepcopy(known.named)),
            macs=known.macs,
            params=known.parameters,
        )
    for name, macs, params in PUBLISHED:
        yield _published(name, macs, params)


def _published(name: str, macs: int, params: int) -> Case:
    from archscope.loaders import load
    from archscope.subject import Request

    network = load(name, Request())

    def inputs() -> tuple[tuple[Any, ...], dict[str, Any]]:
        from archscope.families import FAMILIES

        made = FAMILIES.get(network.family).inputs(network.spec)
        return made.args, dict(made.kwargs)

    return Case(
        name=name,
        build=lambda: network.whole().model,
        inputs=inputs,
        macs=macs,
        params=params,
        published=True,
    )
