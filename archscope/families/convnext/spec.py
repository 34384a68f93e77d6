"""ConvNeXt V1 and V2: depthwise convolutions of 7x7, pointwise layers of four times the width."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from archscope.blocks import alike as _alike
from archscope.blocks.residual_spec import residual_remark
from archscope.errors import SpecError
from archscope.families._assembly import images_in_words, kept
from archscope.specs import check, listed, option
from archscope.subject import Repeat
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline

if TYPE_CHECKING:
    from torch import nn

STAGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvNextSpec:
    """The shape of a ConvNeXt (Liu et al. 2022, section 2; V2: Woo et al. 2023)."""

    version: Literal["v1", "v2"] = option(
        "v1", "v1: each block scaled by channel; v2: global response normalisation in each block"
    )
    blocks: tuple[int, ...] = option(
        (3, 3, 9, 3), "blocks of each of the four stages", low=1, high=1000
    )
    channels: tuple[int, ...] = option(
        (96, 192, 384, 768), "channels of each of the four stages", low=1, high=2**16
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "outputs of the classifier", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input", low=32, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        for field in ("blocks", "channels"):
            items = getattr(self, field)
            if len(items) != STAGES:
                raise SpecError(field, listed(items), "is not a list of 4 stages")

    @property
    def stem_stride(self) -> int:
        """Taps and stride of the first convolution."""
        return 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A depthwise convolution of 7x7 and two pointwise layers, with a path around them."""

    path: str
    """Where it stands in the network, e.g. `features.1.0`."""
    channels: int
    """Channels of its input and output."""
    version: str
    """`v1` or `v2`."""
    kernel: int = 7
    """Taps of its depthwise convolution along each axis."""
    stride: int = 1
    """Positions of the input from output to output."""

    @property
    def in_channels(self) -> int:
        """Channels of its input."""
        return self.channels

    @property
    def out_channels(self) -> int:
        """Channels of its output."""
        return self.channels


def stages(spec: ConvNextSpec) -> Iterator[tuple[Block, ...]]:
    """Yield the blocks of each stage; a layer that halves the size stands between two stages."""
    for stage, (count, channels) in enumerate(zip(spec.blocks, spec.channels, strict=True)):
        yield tuple(
            Block(path=f"features.{2 * stage + 1}.{n}", channels=channels, version=spec.version)
            for n in range(count)
        )


def layers(spec: ConvNextSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    yield conv(spec.stem_stride, stride=spec.stem_stride, padding=0, name="features.0.0")
    for number, stage in enumerate(stages(spec)):
        if number:
            yield conv(2, stride=2, padding=0, name=f"features.{2 * number}.1")
        for block in stage:
            yield conv(block.kernel, name=f"{block.path}.depthwise")


def outline(spec: ConvNextSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    stack = tuple(layers(spec))
    remarks = [residual_remark(stack)]
    response = f"{next(stages(spec))[0].path}.response_norm"
    if spec.version == "v2":
        remarks.append(
            f"{sum(spec.blocks)} global response normalisations, {response} the first of them, "
            "divide by norms over all positions: through them every output depends on all of the "
            "input, and the table is of the paths beside them"
        )
    return Outline(
        axes=2,
        layers=stack,
        input_size=spec.input_size,
        reads_all=response if spec.version == "v2" else "avgpool",
        remarks=tuple(remarks),
    )


def repeats(spec: ConvNextSpec) -> tuple[Repeat, ...]:
    """Return the blocks that are alike."""
    return tuple(repeat for stage in stages(spec) for repeat in _alike.repeats(stage))


def build(spec: ConvNextSpec, without: Set[str]) -> nn.Module:
    """Build the network, the blocks in `without` left out."""
    from archscope.families.convnext.network import ConvNext

    return ConvNext(spec, [kept(stage, without) for stage in stages(spec)])


def describe(spec: ConvNextSpec) -> str:
    """Return the spec in one line."""
    words = (
        f"convnext {spec.version}",
        f"blocks {listed(spec.blocks)}",
        f"channels {listed(spec.channels)}",
        f"{spec.classes} classes",
    )
    return " · ".join([*words, images_in_words(spec)])
