"""Convolutional families: what they refuse, what they see, and that folding changes no count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archscope import loaders
from archscope.analyses.rf import analysis as rf
from archscope.errors import SpecError
from archscope.library import count_subject
from archscope.results import Section
from archscope.subject import Request
from archscope.theory.window import window

DATA = Path(__file__).parents[1] / "data"
FIELDS = {
    row["id"]: row
    for row in json.loads((DATA / "receptive_fields_of_presets.json").read_text())["rows"]
}
TEXTS = {
    "vgg11_pool5": "vgg11",
    "vgg16_pool5": "vgg16",
    "resnet18_tv": "resnet18",
    "resnet50_tv": "resnet50",
    "resnet101_tv": "resnet101",
    # TF-slim strides in the last block of a stage, the paper in the next 1x1: the same window
    "resnet50_slim": "resnet50_v1",
    "resnet101_slim": "resnet101_v1",
    "resnet152_slim": "resnet152_v1",
    "wide_dil_resnet50_os8": "resnet50_os8",
    "deeplabv3_r50_os8_convbranches": "deeplabv3_resnet50",
    "mobilenet_v1": "mobilenet_v1_1.0",
    "mobilenet_v2_tv": "mobilenet_v2",
    "efficientnet_b0_local": "efficientnet_b0",
    "convnext_tiny_tv": "convnext_tiny",
    "densenet121_tv": "densenet121",
    "googlenet_tv": "googlenet",
    "inception_v3_tv": "inception_v3",
    "drn_a50": "drn_a_50",
    "drn_d22": "drn_d_22",
    "yu_koltun_context": "dilated2d-context-large",
    "tcn_k7_l8": "tcn-seqmnist",
}
WITHIN = {
    "vgg16_conv5_3": ("vgg16", "features.28"),
    "resnet50_tv_layer3": ("resnet50", "layer3.5.conv3"),
}
RANGES = {
    "unet_valid_572": "unet",
    "unet_same_nearest": "unet_same:upsampling=nearest",
}
STACKS = {"wavenet10": "wavenet-10L-64-256", "wavenet3x10": "wavenet-30L-64-256"}
"""The rows are of the dilated convolutions alone, without the causal one before them."""


def _sections(text: str) -> dict[str, Section]:
    sketch = loaders.load(text, Request()).sketch
    assert sketch is not None
    return {section.name: section for section in rf.run(sketch())}


def _first(text: str) -> Any:
    return next(iter(_sections(text).values())).totals


def test_every_row_has_its_network() -> None:
    assert {*TEXTS, *WITHIN, *RANGES, *STACKS} == set(FIELDS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_network_sees_what_was_probed(name: str) -> None:
    row, totals = FIELDS[name], _first(TEXTS[name])

    assert totals.receptive_field == (row["rf"],) * totals.axes
    assert totals.jump == (row["eff_stride"],) * totals.axes
    assert totals.start == (-row["eff_pad"],) * totals.axes
    assert totals.coverage_1d == (row["coverage_1d"],) * totals.axes


@pytest.mark.parametrize("name", WITHIN)
def test_a_map_within_sees_what_was_probed(name: str) -> None:
    text, layer = WITHIN[name]
    (found,) = (row for row in _sections(text)["layers"].rows if row.layer == layer)

    expected = FIELDS[name]
    assert found.receptive_field == (expected["rf"],) * 2
    assert found.jump == (expected["eff_stride"],) * 2
    assert found.start == (-expected["eff_pad"],) * 2


@pytest.mark.parametrize("name", RANGES)
def test_outputs_of_a_u_net_see_windows_of_unlike_sizes(name: str) -> None:
    totals = _first(RANGES[name])

    assert totals.smallest_field == (totals.smallest_field[0],) * 2
    assert f"{totals.smallest_field[0]}..{totals.receptive_field[0]}" == FIELDS[name]["rf"]
    assert totals.coverage_1d == (FIELDS[name]["coverage_1d"],) * 2


@pytest.mark.parametrize("name", STACKS)
def test_the_dilated_convolutions_of_a_wavenet(name: str) -> None:
    sketch = loaders.load(STACKS[name], Request()).sketch
    assert sketch is not None
    layers = sketch().outline.layers

    assert window(layers[1:]).size == FIELDS[name]["rf"]
    assert window(layers).size == FIELDS[name]["rf"] + 1


def test_inception_v3_never_sees_the_corners_of_its_window() -> None:
    # a fork of 1x3 beside 3x1 ends both last modules: 4 corners of 2 * 32 by 2 * 32 less what the
    # crossed ways fill, 32 by 32 each
    totals = _first("inception_v3")

    assert totals.reached == 1311**2 - 4 * (64**2 - 32**2)


def test_a_dilated_resnet_is_two_networks_in_its_last_stage() -> None:
    # dilations 2, 4 and 4: 11 of 21 positions along each axis, 121 of 441
    maps = {row.reads: row for row in _sections("resnet50_os8")["maps"].rows}

    last = maps["layer3.5.conv3"]
    assert (last.streams, last.touched, last.hull) == ((2, 2), (11, 11), (21, 21))
    assert last.coverage == pytest.approx(121 / 441)


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("vgg16", "classifier"),
        ("resnet50", "avgpool"),
        ("efficientnet_b0", "features.1.0.block.1"),
        ("efficientnet_v2_s", "features.4.0.block.2"),
        ("mobilenet_v3_large", "features.4.block.2"),
        ("deeplabv3_resnet50", "classifier.0.convs.4"),
        ("deeplabv3_mobilenet_v3_large", "backbone.features.4.block.2"),
        ("convnextv2_tiny", "features.1.0.response_norm"),
        ("textcnn-kim-nonstatic", "pool"),
        ("squeezenet1_0", "classifier.3"),
        ("densenet121", "avgpool"),
        ("regnet_x_400mf", "avgpool"),
        ("regnet_y_400mf", "trunk_output.block1.0.f.se"),
        ("inception_v3", "avgpool"),
        ("fcn_resnet50", None),
    ],
)
def test_the_module_that_reads_all_positions_is_there(text: str, module: str | None) -> None:
    network = loaders.load(text, Request())

    assert _first(text).reads_all == module
    if module:
        assert network.subject().model.get_submodule(module) is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resnet:blocks=2/2", "4 stages"),
        ("resnet:output_stride=12", "is not 8, 16 or 32"),
        ("resnet:groups=2", "bottleneck"),
        ("resnet:block=bottleneck,stem_channels=8,group_width=4", "no channels in a group"),
        ("vgg:channels=64/128", "2 stages for convolutions of 5"),
        ("vgg:input_size=31", "too small"),
        ("drn:arch=a", "8 levels; arch a has 4"),
        ("separable-residual:input_size=70", "71 or more"),
        ("convnext:channels=8/16/32", "4 stages"),
        ("segmentation:head=lraspp", "mobilenet-v3-large"),
        ("segmentation:backbone=mobilenet-v3-large", "is not 16"),
        ("segmentation:head=lraspp,backbone=mobilenet-v3-large,output_stride=16,auxiliary=true",
         "does not exist with head lraspp"),
        ("squeezenet:input_size=20", "21 or more"),
        ("squeezenet:squeeze_ratio=0.001", "no channels in features.3 of 128"),
        ("densenet:compression=0.001", "no channels behind a transition"),
        ("densenet:input_size=28", "29 or more"),
        ("regnet:slope=4000,width_ratio=1000,depth=1000", "at most 1,048,576"),
        ("shufflenet:channels=116/231/464", "half of the channels go around"),
        ("shufflenet:channels=116/232", "2 stages for blocks of 3"),
        ("lenet:input_size=9", "too small: conv2: 2 positions"),
        # torch refuses a norm over one value.
        ("wav2vec2:conv_kernels=2,conv_strides=3,input_size=4", "wants two frames, of 5 samples"),
        ("lenet:kernels=3/3/3", "3 for channels of 2"),
        ("inception:input_size=298", "too small for auxiliary; 299 or more"),
        ("inception:version=v1,input_size=14", "too small for its pools; 15 or more"),
        ("inception:auxiliary=false,input_size=74", "75 or more"),
        ("inception:version=v1,large_kernel=4", "is even"),
        ("inception:large_kernel=5", "needs version v1"),
        ("u-net:input_size=570", "Nearest: 572"),
        ("conv-tasnet:filter_length=15", "Nearest: 14, 16"),
        ("conv-tasnet:kernel_size=2", "Nearest: 1, 3"),
        ("conv-tasnet:causal=true", "norm global"),
        ("u-net:upsampling=bilinear,stem_channels=7", "odd"),
        ("textcnn:seq_len=4", "sees 5 words"),
        ("lstm:tied=true,d_model=8", "needs d_model 8 to be hidden_size 650"),
    ],
)  # fmt: skip
def test_a_spec_that_fits_nothing_says_why(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        loaders.load(text, Request())


@pytest.mark.parametrize(
    ("name", "trainable", "frozen"),
    [
        # Kim 2014: 3 * 100 * 300 * (3 + 4 + 5) / 3 + 300 = 360,300, and 602 of the classifier
        ("textcnn-kim-static", 360_902, 18_765 * 300),
        ("textcnn-kim-multichannel", 360_902 + 18_765 * 300, 18_765 * 300),
        ("textcnn-kim-rand", 360_902 + 18_765 * 300, 0),
    ],
)
def test_frozen_word_vectors_are_not_trained(name: str, trainable: int, frozen: int) -> None:
    totals = count_subject(loaders.load(name, Request()).subject()).totals

    assert (totals.trainable, totals.frozen) == (trainable, frozen)


@pytest.mark.parametrize(
    ("name", "trainable", "macs"),
    [
        # 6*26 + 16*151 + 120*401 + 84*121 + 10*85; 784*150 + 100*2400 + 48,000 + 10,080 + 840
        ("lenet5", 61_706, 416_520),
        # 320 + 18,496 + 128*9217 + 10*129; 676*288 + 576*18,432 + 128*9216 + 1280
        ("mnist-convnet", 1_199_882, 11_992_448),
        # 6*76 + 16*151 and as LeNet-5; 784*450 + 100*2400 + 48,000 + 10,080 + 840
        ("cifar-convnet", 62_006, 651_720),
    ],
)
def test_networks_that_are_small_enough_to_count_by_hand(
    name: str, trainable: int, macs: int
) -> None:
    totals = count_subject(loaders.load(name, Request()).subject()).totals

    assert (totals.trainable, totals.macs) == (trainable, macs)


def test_a_tied_language_model_has_one_table() -> None:
    def trainable(text: str) -> int:
        found: int = count_subject(loaders.load(text, Request()).subject()).totals.trainable
        return found

    assert trainable("lstm:tied=true") == trainable("lstm") - 10_000 * 650


@pytest.mark.parametrize("name", ["dilated1d-8L-64-k3", "dilated2d-context-large",
                                  "dsdilated2d-6L-128", "dsdilated1d-8L-256-k5"])  # fmt: skip
def test_the_stacks_that_have_a_name_are_those_of_the_reference(name: str) -> None:
    row = {r["name"]: r for r in json.loads((DATA / "models.json").read_text())}[name]
    totals = count_subject(loaders.load(name, Request()).subject()).totals

    assert (totals.trainable, totals.macs) == (row["params_total"], row["macs"])
