"""Networks of dense prediction on real tensors: detectors, pyramids, branches, decoders."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope import loaders
from archscope.analyses.rf import analysis as rf
from archscope.blocks.feature_pyramid import FeaturePyramid
from archscope.blocks.frozen_norm import FrozenBatchNorm2d
from archscope.errors import SpecError
from archscope.families import FAMILIES
from archscope.families.espnet.network import DilatedPyramid
from archscope.families.vitdet.network import Attention, AxialBias
from archscope.families.vitdet.spec import VitDetSpec
from archscope.subject import Request

pytestmark = pytest.mark.usefixtures("few_sizes")

DETECTOR = {"backbone": "resnet18", "channels": 32, "classes": 3, "head_layers": 1}
PLUS = {"head": "deeplabv3plus", "output_stride": 16, "classes": 3, "decoder_layers": 1}
HRNET = {"channels": 4, "stem_blocks": 1, "modules": (1, 1), "branch_blocks": 1, "classes": 5}
VITDET = {"depth": 2, "d_model": 8, "heads": 2, "global_blocks": 1, "window": 3, "patch_size": 4,
          "channels": 6, "pretrained_size": 16}  # fmt: skip
ESPNET = {"channels": (5, 10, 10), "alpha2": 1, "alpha3": 2, "classes": 6}
SEGFORMER = {"blocks": (1, 1, 1, 1), "channels": (4, 4, 8, 8), "classes": 6}
SEGFORMER |= {"heads": (1, 2, 2, 4), "decoder_channels": 5}
LEVELS = [(8, 8), (4, 4), (2, 2), (1, 1), (1, 1)]
"""Sizes of P3 to P7 of an input of 64."""


def _run(kind: str, fields: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    family = FAMILIES.get(kind)
    spec = family.spec(**fields)
    with torch.no_grad():
        return family.network(spec).eval()(*family.inputs(spec).args)


@pytest.mark.parametrize(
    ("kind", "fields", "shape"),
    [
        ("hrnet", {"input_size": 32, **HRNET}, (1, 5)),
        ("hrnet", {"input_size": 48, "head": "segmentation", **HRNET}, (1, 5, 12, 12)),
        ("espnet", {"input_size": 24, **ESPNET}, (1, 6, 24, 24)),
        ("espnet", {"input_size": 21, "decoder": False, **ESPNET}, (1, 6, 3, 3)),
        ("vitdet", {"input_size": 20, "neck": "single", **VITDET}, (1, 6, 5, 5)),
        ("segformer", {"input_size": 64, **SEGFORMER}, (1, 6, 16, 16)),
        ("separable-residual", {"layout": "aligned", "middle_blocks": 0, "input_size": 33,
                                "output_stride": 8, "classes": 5}, (1, 5)),
    ],
)  # fmt: skip
def test_a_forward_pass_returns_what_the_spec_says(
    kind: str, fields: dict[str, Any], shape: tuple[int, ...]
) -> None:
    out = _run(kind, fields)

    assert tuple(out.shape) == shape
    assert out.isfinite().all()
    assert out.std() > 0


@pytest.mark.parametrize("head", ["retinanet", "fcos"])
def test_a_detector_scores_the_boxes_of_every_level(head: str) -> None:
    found = _run("detection", {"head": head, "input_size": 64, "batch_size": 2, **DETECTOR})

    boxes = 9 if head == "retinanet" else 1
    channels = {"cls_logits": 3 * boxes, "bbox_regression": 4 * boxes}
    channels |= {"bbox_ctrness": 1} if head == "fcos" else {}
    assert {name: [tuple(x.shape[1:]) for x in maps] for name, maps in found.items()} == {
        name: [(number, *size) for size in LEVELS] for name, number in channels.items()
    }
    distances = min(float(x.min()) for x in found["bbox_regression"])
    assert (distances == 0) == (head == "fcos")  # to the sides of a box, never negative


@pytest.mark.parametrize("backbone", ["mobilenet-v2", "xception41"])
def test_a_decoder_joins_a_finer_map(backbone: str) -> None:
    found = _run("segmentation", {"backbone": backbone, "input_size": 33, **PLUS})

    assert tuple(found["out"].shape) == (1, 3, 33, 33)
    assert found["out"].std() > 0


def test_a_pyramid_adds_each_level_to_the_finer_one() -> None:
    torch.manual_seed(0)
    pyramid = FeaturePyramid((2, 3), 4)
    fine, coarse = torch.randn(1, 2, 4, 4), torch.randn(1, 3, 2, 2)

    found = pyramid([fine, coarse])

    top = pyramid.inner_blocks[1](coarse)
    doubled = top.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(found[1], pyramid.layer_blocks[1](top))
    expected = pyramid.layer_blocks[0](pyramid.inner_blocks[0](fine) + doubled)
    torch.testing.assert_close(found[0], expected)


def test_a_frozen_norm_is_a_batch_norm_without_parameters() -> None:
    trained, frozen = nn.BatchNorm2d(3).eval(), FrozenBatchNorm2d(3, eps=1e-5)
    x = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        for tensor in (*trained.parameters(), trained.running_mean, trained.running_var):
            assert tensor is not None
            tensor.uniform_(0.5, 1)
    known = dict(trained.state_dict())
    known.pop("num_batches_tracked")
    frozen.load_state_dict(known)

    assert not list(frozen.parameters())
    torch.testing.assert_close(frozen.train()(x), trained(x))


def test_only_the_backbones_norms_are_frozen() -> None:
    family = FAMILIES.get("detection")

    def trainable(**fields: Any) -> int:
        with torch.device("meta"):
            network = family.network(family.spec(input_size=64, **DETECTOR, **fields))
        return sum(parameter.numel() for parameter in network.parameters())

    # ResNet-18's channels: 64 + 4 * 64 + 5 * (128 + 256 + 512), two numbers each
    assert trainable(norm="batchnorm") - trainable() == 2 * (64 + 4 * 64 + 5 * 896)


@pytest.mark.parametrize("fusion", [True, False])
def test_fusion_adds_smaller_dilations_but_the_first(fusion: bool) -> None:
    torch.manual_seed(0)
    pyramid = DilatedPyramid(4, 8, dilations=(1, 2, 4, 8), fusion=fusion).eval()
    kept: list[Tensor] = []
    pyramid.bn.register_forward_hook(lambda _module, inputs, _output: kept.append(inputs[0]))
    x = torch.randn(1, 4, 9, 9)
    pyramid(x)

    one, two, four, eight = (
        pyramid.get_submodule(name)(pyramid.c1(x)) for name in ("d0", "d1", "d2", "d3")
    )
    fused = [one, two, two + four, two + four + eight]
    torch.testing.assert_close(kept[0], torch.cat(fused if fusion else [one, two, four, eight], 1))


@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 7)])
def test_a_patch_sees_its_window_alone(height: int, width: int) -> None:
    torch.manual_seed(0)
    attention = Attention(VitDetSpec(**VITDET), side=3, windows=True).double()
    x = torch.randn(1, height, width, 8).double()
    before = attention(x)
    for row, column in ((0, 0), (4, 5)):
        changed = x.clone()
        changed[:, row, column] += 1
        sees = (attention(changed) != before).any(-1)[0]
        rows = torch.arange(height)[:, None] // 3 == row // 3
        columns = torch.arange(width) // 3 == column // 3
        assert torch.equal(sees, rows & columns)


def test_a_bias_is_the_querys_score_with_each_offset() -> None:
    torch.manual_seed(0)
    bias = AxialBias(3, 4)
    nn.init.normal_(bias.rel_pos_h)
    nn.init.normal_(bias.rel_pos_w)
    q = torch.randn(1, 1, 9, 4)
    found = bias(q)
    for query in range(9):
        for key in range(9):
            down, right = query // 3 - key // 3 + 2, query % 3 - key % 3 + 2
            offset = bias.rel_pos_h[down] + bias.rel_pos_w[right]
            torch.testing.assert_close(found[0, 0, query, key], q[0, 0, query] @ offset)


@pytest.mark.parametrize(
    "text",
    [
        "detection:backbone=resnet18,input_size=64,channels=32,head_layers=1,p6_reads=c5",
    ],
)
def test_both_roads_agree(text: str) -> None:
    sections = rf.run(loaders.load(text, Request()).subject(), graph=True)

    assert any("the closed form and the operators that run agree" in note.text
               for section in sections for note in section.notes)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("detection:input_size=100", "Nearest: 96"),
        ("detection:head=fcos,anchors=3", "is not 1, the only one for head fcos"),
        ("detection:head=fcos,channels=48", "32 groups of head_norm. Nearest: 64"),
        ("detection:head=fcos,channels=32,input_size=128", "leaves one number to a group"),
        (
            "segmentation:backbone=xception65,auxiliary=true",
            "does not exist on backbone xception65",
        ),
        ("segmentation:separable=true", "needs head deeplabv3plus"),
        ("segmentation:decoder_layers=3", "needs head deeplabv3plus"),
        ("segmentation:backbone=xception65,output_stride=12", "is not 8, 16 or 32"),
        ("separable-residual:output_stride=16", "is not 32, the stride of layout chollet"),
        ("separable-residual:entry_strides=2/2", "one number for each of the 3 blocks"),
        ("hrnet:input_size=100", "Nearest: 96"),
        ("hrnet:modules=1/1/1/1/1/1/1", "list of one to 6 stages"),
        ("espnet:channels=16/64", "is not a list of 3 levels"),
        ("espnet:classes=3", "leaves no channels to one of the 5 dilations"),
        ("espnet:input_size=500", "Nearest: 496"),
        ("segformer:channels=32/64/160", "is not a list of 4 stages"),
        ("segformer:heads=1/2/3/8", "does not divide the 160 channels of stage 2"),
        ("segformer:reductions=8/4/2/2,input_size=32", "leaves no key of the 1 positions"),
        ("vitdet:global_blocks=13", "more than the blocks there are: depth 12"),
        ("vitdet:d_model=6,heads=2", "is not a multiple of 4"),
        ("vitdet:input_size=32", "makes 2 patches along each side; the pyramid needs 4"),
    ],
)
def test_a_spec_that_fits_nothing_says_why(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        loaders.load(text, Request())
