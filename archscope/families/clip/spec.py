"""CLIP: one encoder for images and one for texts, into one space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.checks import check_divides
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

IMAGES, TEXTS = "visual.transformer.resblocks", "transformer.resblocks"
"""Where the blocks of both encoders stand."""


@frozen
class ClipSpec:
    """The shape of a CLIP (Radford et al. 2021); the default is ViT-B/32."""

    depth: int = option(12, "number of blocks of the image encoder", low=1, high=10_000)
    d_model: int = option(768, "width of the image encoder, in features", low=1, high=2**20)
    heads: int = option(12, "number of heads of the image encoder", low=1, high=2**16)
    d_ff: int | None = option(
        None, "hidden width of the image encoder's feed-forward layers (none: 4 d_model)",
        low=1, high=2**24,
    )  # fmt: skip
    patch_size: int = option(32, "height and width of a patch, in pixels", low=1, high=2**16)
    input_size: int = option(224, "height and width of the images", low=1, high=2**16)
    text_depth: int = option(12, "number of blocks of the text encoder", low=1, high=10_000)
    text_d_model: int = option(512, "width of the text encoder, in features", low=1, high=2**20)
    text_heads: int = option(8, "number of heads of the text encoder", low=1, high=2**16)
    text_d_ff: int | None = option(
        None, "hidden width of the text encoder's feed-forward layers (none: 4 text_d_model)",
        low=1, high=2**24,
    )  # fmt: skip
    activation: Literal["quick-gelu", "gelu"] = option(
        "quick-gelu", "activation of the feed-forward layers"
    )
    vocab_size: int = option(49_408, "size of the vocabulary", low=1, high=10**9)
    max_positions: int = option(77, "rows of the text encoder's position table", low=1, high=2**24)
    projection_dim: int = option(
        512, "width of the space in which images and texts are compared", low=1, high=2**20
    )
    seq_len: int = option(77, "length of a text, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of images, and of texts, in a batch", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "d_model", self.d_model)
        check_divides("text_heads", self.text_heads, "text_d_model", self.text_d_model)
        if self.input_size < self.patch_size:
            problem = f"is smaller than {{patch_size}} {self.patch_size}"
            raise SpecError("input_size", self.input_size, problem)
        if self.seq_len > self.max_positions:
            problem = f"is more than {{max_positions}} {self.max_positions}"
            raise SpecError("seq_len", self.seq_len, problem)

    @property
    def patches(self) -> int:
        """Patches of one image; what is left over at the right and bottom is not read."""
        return (self.input_size // self.patch_size) ** 2


def blocks(spec: ClipSpec) -> list[Numbered]:
    """Return the blocks of both encoders, which are alike within each."""
    return [*numbered(IMAGES, spec.depth), *numbered(TEXTS, spec.text_depth)]


def describe(spec: ClipSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "clip"
    yield f"images: depth {spec.depth}, d_model {spec.d_model}, {spec.heads} heads" + (
        f", d_ff {spec.d_ff}" if spec.d_ff else ""
    )
    yield f"patches {spec.patch_size}×{spec.patch_size}"
    yield (
        f"texts: depth {spec.text_depth}, d_model {spec.text_d_model}, {spec.text_heads} heads"
        + (f", d_ff {spec.text_d_ff}" if spec.text_d_ff else "")
    )
    yield f"vocab {spec.vocab_size:,}"
    yield f"both to {spec.projection_dim}"
    yield f"input 3×{spec.input_size}×{spec.input_size} and seq {spec.seq_len}"
    yield f"batch {spec.batch_size}"
