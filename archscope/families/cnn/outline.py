"""What a CNN looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.cnn.spec import CnnSpec, layers
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def outline(spec: CnnSpec) -> Outline:
    """Return the convolutions of `spec`, depthwise and pointwise ones by themselves."""
    stack = tuple(_layers(spec))
    step = len(stack) // spec.blocks
    firsts = range(0, len(stack), step)
    return Outline(
        axes=spec.spatial_dims,
        layers=stack,
        input_size=spec.input_size,
        flag="--dilations",
        flagged=tuple(firsts),
        skips=tuple((first, first + step - 1) for first in firsts) if spec.residual else (),
        reads_all="classifier" if spec.head == "classifier" and not spec.causal else "",
        remarks=tuple(_remarks(spec)),
    )


def _layers(spec: CnnSpec) -> Iterator[Layer]:
    separable = spec.conv == "depthwise-separable"
    for layer in layers(spec):
        yield conv(
            layer.kernel_size,
            stride=layer.stride,
            dilation=layer.dilation,
            padding=(layer.pad_before, layer.pad_after),
            name=f"{layer.path}.{'depthwise' if separable else 'conv'}",
        )
        if separable:
            yield conv(1, name=f"{layer.path}.pointwise")


def _remarks(spec: CnnSpec) -> Iterator[str]:
    if spec.head == "classifier" and spec.causal:
        yield "the classifier reads the last position alone"
