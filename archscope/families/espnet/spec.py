"""ESPNet: pyramids of dilated convolutions, whose outputs are added up from small to large."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

STRIDE = 8
"""Input positions from output to output of the encoder."""
LEVELS = 3
"""Resolutions of the encoder."""


@frozen
class EspnetSpec:
    """The shape of an ESPNet (Mehta et al. 2018, figure 4)."""

    channels: tuple[int, ...] = option(
        (16, 64, 128), "channels of each of the three levels", low=1, high=2**16
    )
    alpha2: int = option(2, "number of pyramids on the second level, of stride 4", low=0, high=1000)
    alpha3: int = option(8, "number of pyramids on the third level, of stride 8", low=0, high=1000)
    dilations: tuple[int, ...] = option(
        (1, 2, 4, 8, 16), "dilations of the parallel convolutions of a pyramid", low=1, high=1024
    )
    fusion: bool = option(
        True, "add their outputs up from small to large dilations, against gridding"
    )
    decoder: bool = option(
        True, "a decoder that brings the scores back to the input's size; without it: ESPNet-C"
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(20, "number of classes of a position", low=1, high=2**24)
    input_size: int = option(512, "height and width of the input, in pixels", low=8, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if len(self.channels) != LEVELS:
            raise SpecError("channels", listed(self.channels), "is not a list of 3 levels")
        narrow = [self.channels[1], self.channels[2], *([self.classes] if self.decoder else [])]
        if min(narrow) < len(self.dilations):
            field = "classes" if min(narrow) not in self.channels[1:] else "channels"
            problem = f"leaves no channels to one of the {len(self.dilations)} {{dilations}}"
            raise SpecError(field, min(narrow), problem)
        if self.decoder and self.input_size % STRIDE:
            near = max(round(self.input_size / STRIDE), 1) * STRIDE
            problem = f"is not a multiple of {STRIDE}, as the decoder needs. Nearest: {near}"
            raise SpecError("input_size", self.input_size, problem)


@frozen
class Pyramid:
    """Parallel dilated convolutions behind a pointwise one, with a path around them."""

    path: str
    """Where it stands in the network, e.g. `encoder.level2.0`."""
    channels: int
    """Channels of its input and its output."""

    @property
    def repeatable(self) -> bool:
        """It returns the shape that it takes."""
        return True


def blocks(spec: EspnetSpec) -> Iterator[Pyramid]:
    """Yield the pyramids of both levels."""
    for level, count in ((2, spec.alpha2), (3, spec.alpha3)):
        for number in range(count):
            path = f"encoder.level{level}.{number}"
            yield Pyramid(path=path, channels=spec.channels[level - 1])


def describe(spec: EspnetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = [
        "espnet" if spec.decoder else "espnet-c",
        f"{spec.alpha2} and {spec.alpha3} pyramids of dilations {listed(spec.dilations)}",
        f"{listed(spec.channels)} channels",
    ]
    if not spec.fusion:
        words.append("no fusion")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
