"""What an EfficientNet looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.inverted_residual_plan import inverted_outline, longest_path
from archscope.families.efficientnet.spec import EfficientNetSpec, blocks, stages
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def layers(spec: EfficientNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    yield conv(3, stride=2, padding=1, name="features.0")
    for block in blocks(spec):
        yield from longest_path(block)
    yield conv(1, name=f"features.{len(stages(spec)) + 1}")


def outline(spec: EfficientNetSpec) -> Outline:
    """Return what the network looks at."""
    return inverted_outline(layers(spec), tuple(blocks(spec)), spec.input_size)
