"""Vision Transformers: ViT and, without distillation, DeiT."""

from __future__ import annotations

from archscope.blocks.checks import check_divides
from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class VitSpec:
    """The shape of a Vision Transformer; the default is ViT-B/16."""

    depth: int = option(12, "number of blocks", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    heads: int = option(12, "number of heads", low=1, high=2**16)
    d_ff: int = option(3072, "hidden width of a feed-forward layer", low=1, high=2**24)
    patch_size: int = option(16, "height and width of a patch, in pixels", low=1, high=2**16)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "d_model", self.d_model)
        if self.input_size < self.patch_size:
            problem = f"is smaller than {{patch_size}} {self.patch_size}"
            raise SpecError("input_size", self.input_size, problem)

    @property
    def patches(self) -> int:
        """Patches of one image; what is left over at the right and bottom is not read."""
        return (self.input_size // self.patch_size) ** 2


def blocks(spec: VitSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("blocks", spec.depth)


def describe(spec: VitSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    return (
        "vision transformer",
        f"depth {spec.depth}",
        f"d_model {spec.d_model}",
        f"{spec.heads} heads",
        f"d_ff {spec.d_ff}",
        f"patches {spec.patch_size}×{spec.patch_size}",
        f"{spec.classes} classes",
        images_in_words(spec),
    )
