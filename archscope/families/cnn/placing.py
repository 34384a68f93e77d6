"""Puts the steps of a stack into their places, each with its channels and sizes. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from archscope.blocks.per_layer import sides
from archscope.families.cnn.checks import check_layer, check_room, check_step
from archscope.families.cnn.plan import Layer, Numbers, Step
from archscope.theory import layers as axes
from archscope.theory.layers import Layer as Axis
from archscope.theory.layers import output_size


def place(
    steps: Iterable[Step], channels: int, sizes: Numbers, *, within: str = "blocks"
) -> tuple[Layer, ...]:
    """Return the steps in their places, on an input of so many channels and positions.

    Raises `MisfitError` with the field and the step where one does not fit.
    """
    found: list[Layer] = []
    for number, step in enumerate(steps):
        layer = _placed(step, f"{within}.{number}", channels, sizes)
        found.append(layer)
        channels, sizes = layer.out_channels, layer.out_sizes
    return tuple(found)


def _placed(step: Step, path: str, channels: int, sizes: Numbers) -> Layer:
    check_step(step)
    inner = place(step.inner, channels, sizes, within="layers")
    along = _along(step, len(sizes))
    check_room(step, along, sizes)
    out_channels = step.channels or channels
    layer = Layer(
        path=path,
        step=step,
        along=along,
        in_channels=channels,
        out_channels=inner[-1].out_channels if inner else out_channels,
        in_sizes=sizes,
        out_sizes=inner[-1].out_sizes if inner else tuple(map(output_size, along, sizes)) or sizes,
        inner=inner,
    )
    check_layer(layer)
    return layer


def _along(step: Step, number: int) -> tuple[Axis, ...]:
    """Return what a step does along each axis; nothing where it works position by position."""
    if step.kind in ("norm", "activation", "residual"):
        return ()
    return tuple(_axis(step, axis) for axis in range(number))


def _axis(step: Step, axis: int) -> Axis:
    stride = step.stride[axis]
    if step.kind == "nearest" or step.kind == "linear":
        return Axis(stride=stride, kind=step.kind)
    if step.kind == "transposed":
        return _transposed(step, axis)
    kernel, rate, padding = step.kernel[axis], step.dilation[axis], sides(step.padding[axis])
    if step.kind == "conv":
        return axes.conv(kernel, stride=stride, dilation=rate, padding=padding)
    return axes.pool(kernel, stride=stride, dilation=rate, padding=padding, ceil_mode=step.ceil)


def _transposed(step: Step, axis: int) -> Axis:
    kernel, stride, rate = step.kernel[axis], step.stride[axis], step.dilation[axis]
    padding, more = sides(step.padding[axis]), step.output_padding[axis]
    beyond = (kernel - 1) * rate + 1 - stride  # what an output `stride` times the input leaves over
    match padding:
        case "same":
            before = max(-(-beyond // 2), 0) if max(stride, rate) > 1 else beyond // 2
            cut = before, beyond - before
        case "causal":
            cut = 0, beyond
        case "valid":
            cut = 0, 0
        case (before, after):
            cut = before, after
        case both:
            cut = both, both
    return Axis(
        kernel=kernel,
        stride=stride,
        dilation=rate,
        padding=(cut[0], cut[1] - more),
        kind="transposed",
    )
