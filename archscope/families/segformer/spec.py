"""SegFormer: attention to fewer keys on ever smaller maps, and a decoder without convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

STAGES = 4
KERNELS = (7, 3, 3, 3)
"""Kernel of each stage's patches, which overlap (Xie et al. 2021, table 6)."""
STRIDES = (4, 2, 2, 2)
"""Stride of each stage's patches."""
COARSEST = 32
"""Input positions from output to output of the last stage."""


@frozen
class SegformerSpec:
    """The shape of a SegFormer (Xie et al. 2021, table 6); the default is B0."""

    blocks: tuple[int, ...] = option(
        (2, 2, 2, 2), "number of blocks of each of the four stages", low=1, high=1000
    )
    channels: tuple[int, ...] = option(
        (32, 64, 160, 256), "channels of each stage", low=1, high=2**16
    )
    heads: tuple[int, ...] = option((1, 2, 5, 8), "heads in each stage", low=1, high=2**12)
    reductions: tuple[int, ...] = option(
        (8, 4, 2, 1), "height and width of the patch reduced to one key, in positions, per stage",
        low=1, high=2**10,
    )  # fmt: skip
    ff_ratio: int = option(
        4, "hidden width of a feed-forward layer, as a multiple of the channels", low=1, high=2**10
    )
    decoder_channels: int = option(256, "channels of the decoder", low=1, high=2**16)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(150, "number of classes of a position", low=1, high=2**24)
    input_size: int = option(512, "height and width of the input, in pixels", low=32, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        for field in ("blocks", "channels", "heads", "reductions"):
            if len(getattr(self, field)) != STAGES:
                problem = f"is not a list of {STAGES} stages"
                raise SpecError(field, listed(getattr(self, field)), problem)
        for stage, (heads, width) in enumerate(zip(self.heads, self.channels, strict=True)):
            if width % heads:
                problem = f"does not divide the {width} channels of stage {stage}"
                raise SpecError("heads", heads, problem)
        if self.input_size % COARSEST:
            near = max(round(self.input_size / COARSEST), 1) * COARSEST
            problem = f"is not a multiple of {COARSEST}, as the decoder needs. Nearest: {near}"
            raise SpecError("input_size", self.input_size, problem)
        size = self.input_size
        for stage, (stride, reduction) in enumerate(zip(STRIDES, self.reductions, strict=True)):
            size //= stride
            if reduction > size:
                problem = f"leaves no key of the {size} positions along each side in stage {stage}"
                raise SpecError("reductions", reduction, problem)


@frozen
class Block:
    """Attention to reduced keys, and a feed-forward with a depthwise convolution."""

    path: str
    """Where it stands in the network, e.g. `stages.0.blocks.1`."""
    width: int
    """Channels of its input and output."""
    heads: int
    """Heads of its attention."""
    reduction: int
    """Height and width of what becomes one key."""
    repeatable: bool = True
    """It returns the shape that it takes."""


def blocks(spec: SegformerSpec) -> Iterator[Block]:
    """Yield the blocks of all stages in order."""
    stages = zip(spec.blocks, spec.channels, spec.heads, spec.reductions, strict=True)
    for stage, (count, width, heads, reduction) in enumerate(stages):
        for number in range(count):
            path = f"stages.{stage}.blocks.{number}"
            yield Block(path=path, width=width, heads=heads, reduction=reduction)


def describe(spec: SegformerSpec) -> list[str]:
    """Return what tells it from others, in words."""
    return [
        "segformer",
        f"blocks {listed(spec.blocks)}",
        f"{listed(spec.channels)} channels",
        f"heads {listed(spec.heads)}",
        f"keys of {listed(spec.reductions)}",
        f"decoder of {spec.decoder_channels}",
        f"{spec.classes} classes",
        images_in_words(spec),
    ]
