"""What a detector looks at: the backbone, the pyramid down to its finest level, and a head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.residual_plan import residual_remark
from archscope.families.detection.spec import BODY, DetectionSpec, resnet_spec
from archscope.families.resnet.outline import layers as resnet_layers
from archscope.theory.layers import Layer, Stack, conv, nearest
from archscope.theory.outline import Outline
from archscope.theory.window import window

PYRAMID = "backbone.fpn."
HEAD = "head.classification_head."
FINEST, COARSEST, LAST = 3, 5, 7
"""Numbers of levels: the finest, the coarsest of the backbone's, the coarsest of all."""


def layers(spec: DetectionSpec, level: int) -> Iterator[Layer]:
    """Yield the longest path along one axis up to the class scores of a level, 3 to 7."""
    for layer in resnet_layers(resnet_spec(spec)):
        yield replace(layer, name=f"{BODY}{layer.name}")
    yield from _pyramid(spec, level)
    for number in range(spec.head_layers):
        yield conv(3, name=f"{HEAD}conv.{number}.0")
    yield conv(3, name=f"{HEAD}cls_logits")


def _pyramid(spec: DetectionSpec, level: int) -> Iterator[Layer]:
    """Yield the path from the backbone's last map, which sees most, to a level."""
    if level <= COARSEST or spec.p6_reads == "p5":
        yield conv(1, name=f"{PYRAMID}inner_blocks.2.0")
        for above in range(COARSEST, min(level, COARSEST), -1):
            yield nearest(2, name=f"P{above} to P{above - 1}")
        yield conv(3, name=f"{PYRAMID}layer_blocks.{min(level, COARSEST) - FINEST}.0")
    for extra in range(COARSEST + 1, level + 1):
        yield conv(3, stride=2, padding=1, name=f"{PYRAMID}extra_blocks.p{extra}")


def outline(spec: DetectionSpec) -> Outline:
    """Return what the finest level looks at through the coarsest map of the backbone."""
    finest: Stack = tuple(layers(spec, FINEST))
    body = tuple(resnet_layers(resnet_spec(spec)))
    return Outline(
        axes=2,
        layers=finest,
        input_size=spec.input_size,
        reads_all=f"{HEAD}conv.0.1" if spec.has_head_norm and spec.head_layers else "",
        remarks=(
            residual_remark(body),
            "the table is of the finest level, P3, through the backbone's last map, whose window "
            f"holds those of the maps before it; {_others(spec)}",
        ),
    )


def _others(spec: DetectionSpec) -> str:
    """Return what the other levels see, in words."""
    seen = [
        f"P{level} {window(tuple(layers(spec, level))).size:,}"
        for level in range(FINEST + 1, LAST + 1)
    ]
    return f"of the coarser ones an output sees along each axis {', '.join(seen)} positions"
