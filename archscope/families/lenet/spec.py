"""LeNet and its like: a few convolutions, then linear layers on all positions of the last map."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError, UsageError
from archscope.records import frozen
from archscope.specs import check, listed, option, repeated
from archscope.theory.layers import Layer, conv, pool, sizes


@frozen
class LeNetSpec:
    """The shape of such a network; the default is LeNet-5 (LeCun et al. 1998, figure 2)."""

    channels: tuple[int, ...] = option(
        (6, 16), "output channels of each convolution", low=1, high=2**20
    )
    kernels: tuple[int, ...] = option(
        (5,), "kernel size of each convolution; a short list repeats", low=1, high=255
    )
    padding: Literal["valid", "same"] = option(
        "valid", "padding of the convolutions: none (valid), or keep the size (same)"
    )
    pools: tuple[int, ...] = option(
        (2,), "size and stride of the pool after each convolution, 1: none; a short list repeats",
        low=1, high=255,
    )  # fmt: skip
    pool: Literal["avg", "max"] = option("avg", "maximum or mean of a pooling window")
    hidden: tuple[int, ...] = option(
        (120, 84), "width of each linear layer before the last, in features", low=1, high=2**24
    )
    activation: Literal["tanh", "relu"] = option(
        "tanh", "activation after each convolution and each linear layer but the last"
    )
    in_channels: int = option(1, "channels of the input", low=1, high=2**20)
    classes: int = option(10, "number of classes", low=1, high=2**24)
    input_size: int = option(32, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        for field in ("kernels", "pools"):
            given = getattr(self, field)
            if len(given) > len(self.channels):
                problem = f"gives {len(given)} for {{channels}} of {len(self.channels)}"
                raise SpecError(field, listed(given), problem)
        try:
            positions(self)
        except UsageError as error:
            raise SpecError("input_size", self.input_size, f"is too small: {error}") from None


def layers(spec: LeNetSpec) -> Iterator[Layer]:
    """Yield the convolutions and pools along one axis."""
    rows = zip(spec.channels, cycle(spec.kernels), cycle(spec.pools), strict=False)
    for number, (_, kernel, pooled) in enumerate(rows, start=1):
        yield conv(kernel, padding=spec.padding, name=f"conv{number}")
        if pooled > 1:
            yield pool(pooled, name=f"pool{number}")


def positions(spec: LeNetSpec) -> int:
    """Return the positions of the last map along each axis."""
    return sizes(tuple(layers(spec)), spec.input_size)[-1]


def describe(spec: LeNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    depth = len(spec.channels)
    words = [
        "lenet",
        f"channels {listed(spec.channels)}",
        f"kernels {repeated(spec.kernels, depth)}",
    ]
    if spec.padding != "valid":
        words.append(f"padding {spec.padding}")
    words.append(f"{spec.pool} pools {repeated(spec.pools, depth)}")
    words.append(f"linear {listed((*spec.hidden, spec.classes))}")
    return [*words, spec.activation, images_in_words(spec)]
