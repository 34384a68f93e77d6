"""DenseNet: every layer reads the outputs of all layers before it in its block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option


@frozen
class DenseNetSpec:
    """The shape of a DenseNet (Huang et al. 2017, section 3)."""

    blocks: tuple[int, ...] = option(
        (6, 12, 24, 16), "layers of each dense block; a transition follows each but the last",
        low=1, high=1000,
    )  # fmt: skip
    growth_rate: int = option(
        32, "growth rate: channels that every layer adds (k)", low=1, high=2**16
    )
    stem: Literal["7x7", "3x3"] = option(
        "7x7",
        "the first layers: a 7x7 convolution and a pool, both of stride 2, or a 3x3 "
        "convolution of stride 1",
    )
    stem_channels: int = option(64, "channels of the first convolution", low=1, high=2**16)
    bottleneck: int = option(
        4, "channels of a layer's 1x1 convolution, as a multiple of the growth rate; 0: only "
        "the 3x3 convolution",
        low=0, high=2**10,
    )  # fmt: skip
    compression: float = option(
        0.5, "share of the channels that a transition keeps (theta)", low=0.001, high=1
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        smallest = 2 ** (len(self.blocks) - 1) * (4 if self.stem == "7x7" else 1)
        smallest -= 3 * (self.stem == "7x7")  # the stem rounds up, the transitions down
        if self.input_size < smallest:
            problem = (
                f"is too small: {len(self.blocks) - 1} transitions halve it; {smallest} or more"
            )
            raise SpecError("input_size", self.input_size, problem)
        if any(kept < 1 for *_, kept in widths(self)):
            problem = "leaves no channels behind a transition"
            raise SpecError("compression", self.compression, problem)


def widths(spec: DenseNetSpec) -> Iterator[tuple[int, int, int]]:
    """Yield the channels into each dense block, out of it, and behind its transition, if any."""
    channels = spec.stem_channels
    for number, layers in enumerate(spec.blocks, start=1):
        after = channels + layers * spec.growth_rate
        kept = int(after * spec.compression) if number < len(spec.blocks) else after
        yield channels, after, kept
        channels = kept


def describe(spec: DenseNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["densenet", f"blocks {listed(spec.blocks)}", f"growth {spec.growth_rate}"]
    if spec.stem != "7x7":
        words.append(f"stem {spec.stem}")
    if spec.bottleneck != 4:
        words.append(f"bottleneck {spec.bottleneck}" if spec.bottleneck else "no bottlenecks")
    if spec.compression != 0.5:
        words.append(f"compression {spec.compression:g}")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
