"""One-stage detectors of objects: RetinaNet and FCOS on a ResNet and its feature pyramid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.residual_plan import Block, Kind
from archscope.errors import SpecError
from archscope.families.resnet import spec as resnet
from archscope.families.resnet.spec import ResNetSpec
from archscope.records import frozen
from archscope.specs import check, option

BODY = "backbone.body."
RESNETS: dict[str, tuple[Kind, tuple[int, ...]]] = {
    "resnet18": ("basic", (2, 2, 2, 2)),
    "resnet34": ("basic", (3, 4, 6, 3)),
    "resnet50": ("bottleneck", (3, 4, 6, 3)),
    "resnet101": ("bottleneck", (3, 4, 23, 3)),
    "resnet152": ("bottleneck", (3, 8, 36, 3)),
}
"""Kind and number of blocks of each backbone (He et al. 2016, table 1)."""
ANCHORS = {"retinanet": 9, "fcos": 1}
"""Boxes that are scored at each position (Lin et al. 2017, section 4; Tian et al. 2019)."""
SIDES = 4
"""Numbers of a box."""
GROUPS = 32
"""Groups of a group norm in the heads (Tian et al. 2019, in their code)."""
COARSEST = 32
"""Input positions from output to output of the backbone's last map."""
LAST = 128
"""The same of the pyramid's last level."""


@frozen
class DetectionSpec:
    """A one-stage detector, up to the scores and boxes of each level; the default is RetinaNet."""

    head: Literal["retinanet", "fcos"] = option(
        "retinanet",
        "retinanet: boxes relative to anchors; fcos: distances to a box's sides, and centreness",
    )
    backbone: Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"] = option(
        "resnet50", "backbone of the feature pyramid"
    )
    norm: Literal["frozen", "batchnorm"] = option(
        "frozen", "batch norms of the backbone: frozen (buffers, not parameters) or trained"
    )
    channels: int = option(
        256, "channels of each pyramid level and of the heads", low=1, high=2**16
    )
    p6_reads: Literal["p5", "c5"] = option(
        "p5", "input of the two coarsest levels: the pyramid's last map or the backbone's"
    )
    head_layers: int = option(
        4, "3x3 convolutions in each of the two heads, before the last", low=0, high=100
    )
    head_norm: bool | None = option(
        None, "whether each of those has a group norm (none: only in fcos)"
    )
    anchors: int | None = option(
        None, "anchors per position (none: 9 in retinanet, 1 in fcos)", low=1, high=2**12
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(
        91, "number of classes of a box, including torchvision's background", low=1, high=2**20
    )
    input_size: int = option(800, "height and width of the input, in pixels", low=32, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.head == "fcos" and self.boxes != 1:
            raise SpecError("anchors", self.anchors, "is not 1, the only one for {head} fcos")
        if self.has_head_norm and self.channels % GROUPS:
            near = max(round(self.channels / GROUPS), 1) * GROUPS
            problem = f"is not a multiple of the {GROUPS} groups of {{head_norm}}. Nearest: {near}"
            raise SpecError("channels", self.channels, problem)
        numbers = self.batch_size * self.channels // GROUPS
        if self.has_head_norm and self.head_layers and numbers == 1 and self.input_size <= LAST:
            problem = f"leaves one number to a group on the coarsest map; give {2 * GROUPS} or more"
            raise SpecError("channels", self.channels, problem)
        if self.input_size % COARSEST:
            near = max(round(self.input_size / COARSEST), 1) * COARSEST
            problem = (
                f"is not a multiple of {COARSEST}, to which images are padded. Nearest: {near}"
            )
            raise SpecError("input_size", self.input_size, problem)

    @property
    def boxes(self) -> int:
        """Boxes at each position."""
        return ANCHORS[self.head] if self.anchors is None else self.anchors

    @property
    def has_head_norm(self) -> bool:
        """Whether each convolution in the heads, but the last, has a group norm."""
        return self.head == "fcos" if self.head_norm is None else self.head_norm


def resnet_spec(spec: DetectionSpec) -> ResNetSpec:
    """Return the ResNet under the pyramid."""
    block, blocks = RESNETS[spec.backbone]
    return ResNetSpec(block=block, blocks=blocks, in_channels=spec.in_channels)


def blocks(spec: DetectionSpec) -> Iterator[Block]:
    """Yield the blocks of the backbone."""
    for block in resnet.blocks(resnet_spec(spec)):
        yield replace(block, path=f"{BODY}{block.path}")


def describe(spec: DetectionSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = [f"{spec.head} on {spec.backbone}", f"{spec.norm.removesuffix('norm')} norms"]
    words.append(f"pyramid of {spec.channels}, P6 from {spec.p6_reads.upper()}")
    words.append(f"{spec.head_layers} layers in each head")
    if spec.head == "retinanet":
        words.append(f"{spec.boxes} anchors")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
