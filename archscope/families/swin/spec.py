"""Swin Transformers: stages of attention within shifting windows, on ever smaller maps."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archscope.blocks.repeats import repeats
from archscope.errors import SpecError
from archscope.families._assembly import images_in_words
from archscope.specs import check, listed, option
from archscope.subject import Repeat

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class SwinSpec:
    """The shape of a Swin Transformer; the default is Swin-T."""

    blocks: tuple[int, ...] = option(
        (2, 2, 6, 2), "blocks of each stage; every other one shifts its windows", low=1, high=1000
    )
    heads: tuple[int, ...] = option((3, 6, 12, 24), "heads in each stage", low=1, high=2**16)
    d_model: int = option(
        96, "channels of the first stage; each later one has twice as many", low=1, high=2**20
    )
    window: int = option(7, "height and width of a window, in positions", low=1, high=2**12)
    ff_ratio: int = option(
        4, "hidden features of a feed-forward for each channel", low=1, high=2**10
    )
    patch_size: int = option(4, "height and width of a patch, in pixels", low=1, high=2**16)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "outputs of the classifier", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input", low=1, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

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

    def shifts(self, block: int) -> bool:
        """Whether a block of a stage, counted from 0, shifts its windows."""
        return block % 2 == 1


def describe(spec: SwinSpec) -> str:
    """Return the spec in one line."""
    return " · ".join(
        (
            "swin",
            f"blocks {listed(spec.blocks)}",
            f"d_model {spec.d_model}",
            f"heads {listed(spec.heads)}",
            f"windows {spec.window}×{spec.window}",
            f"patches {spec.patch_size}×{spec.patch_size}",
            f"{spec.classes} classes",
            images_in_words(spec),
        )
    )


def build(spec: SwinSpec, without: Set[str]) -> nn.Module:
    """Build the network without the blocks that others stand for."""
    from archscope.families.swin.network import Swin

    return Swin(spec, without=without)


def blocks_alike(spec: SwinSpec) -> tuple[Repeat, ...]:
    """Return which blocks are built once for several: in a stage, those that shift alike."""
    found: tuple[Repeat, ...] = ()
    for stage, count in enumerate(spec.blocks):
        groups = (tuple(range(0, count, 2)), tuple(range(1, count, 2)))
        found += repeats(f"stages.{stage}.blocks", groups)
    return found
