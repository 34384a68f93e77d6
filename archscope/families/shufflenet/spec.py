"""ShuffleNet V2: half of the channels go around a block, then both halves are shuffled."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.checks import check_even
from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Step, stage
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option


@frozen
class ShuffleNetSpec:
    """The shape of a ShuffleNet V2 (Ma et al. 2018, table 5)."""

    blocks: tuple[int, ...] = option(
        (4, 8, 4), "number of blocks of each stage; the first has the stride", low=1, high=1000
    )
    channels: tuple[int, ...] = option(
        (116, 232, 464), "output channels of each stage", low=2, high=2**20
    )
    stem_channels: int = option(24, "channels of the first convolution", low=1, high=2**16)
    last_channels: int = option(1024, "channels of the last convolution", low=1, high=2**20)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if len(self.channels) != len(self.blocks):
            problem = f"gives {len(self.channels)} stages for {{blocks}} of {len(self.blocks)}"
            raise SpecError("channels", listed(self.channels), problem)
        for channels in self.channels:
            check_even("channels", channels, ", but half of the channels go around each block")


def blocks(spec: ShuffleNetSpec) -> Iterator[Step]:
    """Yield the blocks of all stages in order; the numbers of stages start at 2."""
    channels = spec.stem_channels
    for number, (count, out) in enumerate(zip(spec.blocks, spec.channels, strict=True), start=2):
        path = f"stage{number}.0"
        first = Step(path=path, kind="down", in_channels=channels, out_channels=out, stride=2)
        yield from stage(first, count, kind="split")
        channels = out


def describe(spec: ShuffleNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["shufflenet v2", f"blocks {listed(spec.blocks)}", f"channels {listed(spec.channels)}"]
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
