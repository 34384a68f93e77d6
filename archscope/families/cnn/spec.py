"""Stacks of convolutions in one to three dimensions, layer by layer or all alike."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, nearest_divisors, option

LISTS = {
    "channels": "channel counts",
    "kernel_size": "kernel sizes",
    "dilations": "dilations",
    "stride": "strides",
    "groups": "group counts",
}
"""The fields that hold one value for all layers or one per layer, and what to call their values."""


@frozen
class CnnSpec:
    """The shape of a stack of convolutions; a list of one value holds for every layer."""

    spatial_dims: int = option(2, "number of spatial dimensions", low=1, high=3)
    depth: int | None = option(
        None,
        "number of convolution blocks (none: as many as the longest list has items, else 3)",
        low=1,
        high=10_000,
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    channels: tuple[int, ...] = option((64,), "output channels of each layer", low=1, high=2**20)
    kernel_size: tuple[int, ...] = option((3,), "taps per dimension", low=1, high=2**16)
    dilations: tuple[int, ...] = option((1,), "positions from tap to tap", low=1, high=2**20)
    stride: tuple[int, ...] = option((1,), "positions from output to output", low=1, high=2**16)
    groups: tuple[int, ...] = option((1,), "groups of channels", low=1, high=2**20)
    conv: Literal["standard", "depthwise-separable"] = option(
        "standard", "one convolution, or one per channel and then one of kernel size 1"
    )
    padding: Literal["same", "valid"] = option(
        "same", "zeros around the input, so that stride 1 keeps its size; or none"
    )
    causal: bool = option(False, "see only the past: all padding first, in one dimension only")
    residual: bool = option(
        False,
        "add each block's input before its activation, through kernel size 1 if shapes differ",
    )
    norm: Literal["none", "batchnorm"] = option("none", "normalisation after each convolution")
    activation: Literal["none", "relu", "gelu", "silu"] = option(
        "relu", "activation after each convolution"
    )
    bias: bool = option(True, "biases in convolutions and the classifier")
    head: Literal["none", "classifier"] = option(
        "none", "a linear layer on the mean over all positions (where causal, on the last position)"
    )
    classes: int = option(1000, "outputs of the classifier", low=1, high=2**24)
    input_size: int = option(224, "positions of the input in each dimension", low=1, high=2**24)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        _check_lengths(self)
        _check_fit(self)
        for number, layer in enumerate(layers(self), start=1):
            _check_layer(self, number, layer)

    @property
    def blocks(self) -> int:
        """Number of convolution blocks."""
        longest = max(len(getattr(self, field)) for field in LISTS)
        return self.depth or (longest if longest > 1 else 3)


@frozen
class Layer:
    """One convolution of the stack, the same in each dimension."""

    path: str
    """Where its block stands in the network, e.g. `blocks.0`."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of its output."""
    kernel_size: int
    """Taps."""
    stride: int
    """Positions from output to output."""
    dilation: int
    """Positions from tap to tap."""
    groups: int
    """Groups of channels."""
    pad_before: int
    """Zeros before the first position."""
    pad_after: int
    """Zeros after the last position."""
    in_size: int
    """Positions of the input."""
    out_size: int
    """Positions of the output."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns what it takes, in channels and positions."""
        return self.in_channels == self.out_channels and self.in_size == self.out_size


def layers(spec: CnnSpec) -> tuple[Layer, ...]:
    """Return the convolutions of the stack in order."""
    found: list[Layer] = []
    channels, size = spec.in_channels, spec.input_size
    for number in range(spec.blocks):
        item = partial(_item, number=number)
        kernel_size, dilation, stride = map(item, (spec.kernel_size, spec.dilations, spec.stride))
        reach = (kernel_size - 1) * dilation
        padding = reach if spec.padding == "same" else 0
        before = padding if spec.causal else padding // 2
        out_size = (size + padding - reach - 1) // stride + 1
        found.append(
            Layer(
                path=f"blocks.{number}",
                in_channels=channels,
                out_channels=item(spec.channels),
                kernel_size=kernel_size,
                stride=stride,
                dilation=dilation,
                groups=item(spec.groups),
                pad_before=before,
                pad_after=padding - before,
                in_size=size,
                out_size=out_size,
            )
        )
        channels, size = found[-1].out_channels, out_size
    return tuple(found)


def _item(items: tuple[int, ...], *, number: int) -> int:
    return items[number if len(items) > 1 else 0]


def _check_lengths(spec: CnnSpec) -> None:
    longest = max(LISTS, key=lambda field: len(getattr(spec, field)))
    others = f"{spec.blocks} {LISTS[longest]}"
    if spec.depth or len(getattr(spec, longest)) < 2:
        others = f"{{depth}} {spec.blocks}"
    for field, noun in LISTS.items():
        items = getattr(spec, field)
        if len(items) not in (1, spec.blocks):
            problem = f"gives {len(items)} {noun} for {others}; give 1 or {spec.blocks}"
            raise SpecError(field, listed(items), problem)


def _check_fit(spec: CnnSpec) -> None:
    if spec.causal and spec.spatial_dims != 1:
        problem = f"needs one dimension, but {{spatial_dims}} is {spec.spatial_dims}"
        raise SpecError("causal", True, problem)
    if spec.causal and spec.padding != "same":
        raise SpecError("causal", True, "needs {padding} same: its zeros stand for the past")
    if spec.residual and spec.padding != "same":
        raise SpecError("residual", True, "needs {padding} same: without it the sizes differ")
    if spec.conv == "depthwise-separable" and set(spec.groups) != {1}:
        problem = "must be 1 where {conv} is depthwise-separable"
        raise SpecError("groups", listed(spec.groups), problem)


def _check_layer(spec: CnnSpec, number: int, layer: Layer) -> None:
    if layer.out_size < 1:
        span = (layer.kernel_size - 1) * layer.dilation + 1
        problem = f"is too small: layer {number} spans {span} positions and gets {layer.in_size}"
        raise SpecError("input_size", spec.input_size, problem)
    for what, channels in (("input", layer.in_channels), ("output", layer.out_channels)):
        if channels % layer.groups:
            near = ", ".join(map(str, nearest_divisors(channels, layer.groups)))
            problem = f"does not divide the {channels} {what} channels of layer {number}"
            raise SpecError("groups", layer.groups, f"{problem}. Nearest: {near}")


def describe(spec: CnnSpec) -> Iterator[str]:
    """Yield what always matters, then what differs from the usual, in words."""
    yield "causal cnn" if spec.causal else "cnn"
    yield f"{spec.spatial_dims}-D"
    yield f"depth {spec.blocks}"
    yield f"channels {listed(spec.channels)}"
    yield f"kernel {listed(spec.kernel_size)}"
    for name, items in (
        ("dilations", spec.dilations),
        ("strides", spec.stride),
        ("groups", spec.groups),
    ):
        if set(items) != {1}:
            yield f"{name} {listed(items)}"
    yield from _unusual(spec)
    size = "×".join(map(str, (spec.in_channels, *[spec.input_size] * spec.spatial_dims)))
    yield f"input {size}"
    yield f"batch {spec.batch_size}"


def _unusual(spec: CnnSpec) -> Iterator[str]:
    if spec.conv != "standard":
        yield spec.conv
    if spec.padding != "same":
        yield "no padding"
    if spec.residual:
        yield "residual"
    if spec.norm != "none":
        yield spec.norm
    if spec.activation != "relu":
        yield "no activation" if spec.activation == "none" else spec.activation
    if not spec.bias:
        yield "no bias"
    if spec.head == "classifier":
        yield f"{spec.classes} classes"
