"""What a MobileNet looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.inverted_residual_plan import Block, inverted_outline, longest_path
from archscope.families.mobilenet.spec import MobileNetSpec, blocks, last_number
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def layers(spec: MobileNetSpec, *, output_stride: int = 32, last: bool = True) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis, but for the last if not wanted."""
    yield conv(3, stride=2, padding=1, name="features.0")
    for block in blocks(spec, output_stride=output_stride):
        if isinstance(block, Block):
            yield from longest_path(block)
        else:
            yield conv(3, stride=block.stride, padding=1, name=f"{block.path}.depthwise")
            yield conv(1, name=f"{block.path}.pointwise")
    if last and spec.version != "v1":
        yield conv(1, name=f"features.{last_number(spec)}")


def outline(spec: MobileNetSpec) -> Outline:
    """Return what the network looks at."""
    found = [block for block in blocks(spec) if isinstance(block, Block)]
    if found:
        return inverted_outline(layers(spec), found, spec.input_size)
    stack = tuple(layers(spec))
    return Outline(axes=2, layers=stack, input_size=spec.input_size, reads_all="avgpool")
