"""ViTDet: a plain Vision Transformer with windows, and a feature pyramid of its last map."""

from __future__ import annotations

from typing import Literal

from archscope.blocks.checks import check_divides
from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

BODY = "net."
GLOBAL = "global"
"""Kind of a block that attends to the whole map."""
WINDOW = "window"
"""Kind of a block that attends within windows."""
FINEST = 4
"""How much finer the pyramid's finest map is than the patches."""


@frozen
class VitDetSpec:
    """A Vision Transformer for dense maps (Li et al. 2022); the default is ViT-B's."""

    neck: Literal["pyramid", "single"] = option(
        "pyramid",
        "pyramid: maps of five sizes (ViTDet), or one map at the size of the patch grid (SAM)",
    )
    depth: int = option(12, "number of blocks", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    heads: int = option(12, "number of heads", low=1, high=2**16)
    ff_ratio: int = option(
        4, "hidden width of a feed-forward layer, as a multiple of the channels", low=1, high=2**10
    )
    window: int = option(14, "height and width of a window, in patches", low=1, high=2**12)
    global_blocks: int = option(
        4, "number of blocks with global attention, spread evenly, each at the end of its "
        "part; 0: none", low=0, high=10_000,
    )  # fmt: skip
    relative: bool = option(True, "add relative position biases along each axis to the scores")
    pretrained_size: int = option(
        224, "image size that the position table was pretrained for, with a class token; 0: "
        "the input's own size, without one", low=0, high=2**16,
    )  # fmt: skip
    channels: int = option(256, "channels of the neck's maps", low=1, high=2**16)
    patch_size: int = option(16, "height and width of a patch, in pixels", low=1, high=2**16)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    input_size: int = option(1024, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "d_model", self.d_model)
        if self.neck == "pyramid" and self.d_model % FINEST:
            near = max(round(self.d_model / FINEST), 1) * FINEST
            problem = f"is not a multiple of {FINEST}, as the finest map needs. Nearest: {near}"
            raise SpecError("d_model", self.d_model, problem)
        if self.global_blocks > self.depth:
            problem = f"is more than the blocks there are: {{depth}} {self.depth}"
            raise SpecError("global_blocks", self.global_blocks, problem)
        for field in ("input_size", "pretrained_size"):
            size = getattr(self, field)
            if 0 < size < self.patch_size:
                raise SpecError(field, size, f"is smaller than {{patch_size}} {self.patch_size}")
        if self.neck == "pyramid" and self.side < FINEST:
            problem = f"makes {self.side} patches along each side; the pyramid needs {FINEST}"
            raise SpecError("input_size", self.input_size, problem)

    @property
    def side(self) -> int:
        """Patches along each side of the input."""
        return self.input_size // self.patch_size

    @property
    def places(self) -> int:
        """Positions that are learnt, along each side."""
        return (self.pretrained_size or self.input_size) // self.patch_size

    @property
    def reads_class_token(self) -> bool:
        """Whether the table of positions has one for a class token, which is not there."""
        return self.pretrained_size > 0


def blocks(spec: VitDetSpec) -> list[Numbered]:
    """Return the blocks; the last of each part attends to the whole map."""
    parts = spec.global_blocks
    whole = {number * spec.depth // parts - 1 for number in range(1, parts + 1)}

    def kind(number: int) -> str:
        return GLOBAL if number in whole else WINDOW

    return numbered(f"{BODY}blocks", spec.depth, kind)


def describe(spec: VitDetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    return [
        "vitdet" if spec.neck == "pyramid" else "vitdet with one map",
        f"depth {spec.depth}",
        f"d_model {spec.d_model}",
        f"{spec.heads} heads",
        f"windows {spec.window}×{spec.window}, {spec.global_blocks} blocks global",
        f"patches {spec.patch_size}×{spec.patch_size}",
        f"{spec.channels} channels out",
        images_in_words(spec),
    ]
