"""Rules of torchvision's own operators: where they look depends on what they are told to."""

from __future__ import annotations

from archscope.dependence.record.graph import Node
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    from_all,
    made_weights,
    mixed,
    shape_of,
    targets,
)
from archscope.dependence.sets.steps import Edge, Mix, Reduce, Spread, Step

RULES = RuleSet()


@RULES.of("deform_conv2d")
def deform_conv2d(node: Node, zeros: Zeros) -> list[Edge]:
    """Taps anywhere in the image, by offsets (N, 2 taps, H, W) and weights at each place."""
    given, (target,) = node.arguments, targets(node)
    source = given["input"]
    before = shape_of(source)
    channels = Mix(1, before[1], target.shape[1], given["groups"])
    anywhere: tuple[Step, ...] = (Reduce((2, 3), before[2:]), Spread((2, 3), target.shape[2:]))
    found = edges(source, (channels, *anywhere), target) + made_weights(node, target)
    for name in ("offset", "mask"):
        made = given[name]
        if shape_of(made)[2:] == target.shape[2:]:
            found += edges(made, (Mix(1, shape_of(made)[1], target.shape[1]),), target)
        else:
            found += from_all(made, target)
    raise DataDependentError(found)


@RULES.of("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "nms")
def regions(node: Node, zeros: Zeros) -> list[Edge]:
    """Boxes say which part of which image is read."""
    raise DataDependentError(mixed(node))
