"""Swin Transformers: stages of attention within shifting windows, on ever smaller maps."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option


@frozen
class SwinSpec:
    """The shape of a Swin Transformer; the default is Swin-T."""

    blocks: tuple[int, ...] = option(
        (2, 2, 6, 2),
        "number of blocks of each stage; every second one shifts its windows",
        low=1,
        high=1000,
    )
    heads: tuple[int, ...] = option((3, 6, 12, 24), "heads in each stage", low=1, high=2**16)
    d_model: int = option(
        96, "channels of the first stage; each later stage doubles them", low=1, high=2**20
    )
    window: int = option(7, "height and width of a window, in positions", low=1, high=2**12)
    ff_ratio: int = option(
        4, "hidden width of a feed-forward layer, as a multiple of the channels", low=1, high=2**10
    )
    patch_size: int = option(4, "height and width of a patch, in pixels", low=1, high=2**16)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if len(self.heads) != len(self.blocks):
            problem = f"is not one number for each of the {len(self.blocks)} stages of {{blocks}}"
            raise SpecError("heads", listed(self.heads), problem)
        for stage, heads in enumerate(self.heads):
            if self.width(stage) % heads:
                problem = f"does not divide the {self.width(stage)} channels of stage {stage}"
                raise SpecError("heads", heads, problem)
        if self.input_size < self.patch_size:
            problem = f"is smaller than {{patch_size}} {self.patch_size}"
            raise SpecError("input_size", self.input_size, problem)

    def width(self, stage: int) -> int:
        """Return the channels of a stage, the last of which is -1 too."""
        return self.d_model << stage % len(self.blocks)


@frozen
class Block:
    """Attention within windows and a feed-forward."""

    path: str
    """Where it stands in the network, e.g. `stages.0.blocks.1`."""
    width: int
    """Channels of its input and output."""
    heads: int
    """Heads of its attention."""
    shift: int
    """Positions by which its windows are moved."""
    repeatable: bool = True
    """It returns the shape that it takes."""


def blocks(spec: SwinSpec) -> Iterator[Block]:
    """Yield the blocks of all stages in order; every other one of a stage shifts its windows."""
    for stage, (count, heads) in enumerate(zip(spec.blocks, spec.heads, strict=True)):
        for number in range(count):
            yield Block(
                path=f"stages.{stage}.blocks.{number}",
                width=spec.width(stage),
                heads=heads,
                shift=spec.window // 2 if number % 2 else 0,
            )


def describe(spec: SwinSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    return (
        "swin",
        f"blocks {listed(spec.blocks)}",
        f"d_model {spec.d_model}",
        f"heads {listed(spec.heads)}",
        f"windows {spec.window}×{spec.window}",
        f"patches {spec.patch_size}×{spec.patch_size}",
        f"{spec.classes} classes",
        images_in_words(spec),
    )
