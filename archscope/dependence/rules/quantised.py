"""Rules of torch's quantised layers, whose weights are packed; as the layers of plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import Rule, RuleSet, edges, pointwise, shape_of, targets
from archscope.dependence.rules.index import embedding
from archscope.dependence.rules.mixing import batch_norm, group_norm, layer_norm, softmax
from archscope.dependence.rules.shape import cat
from archscope.dependence.rules.window import convolution
from archscope.dependence.sets.steps import Edge, Mix

RULES = RuleSet()

NAME = "quantized_{}"
"""How an operator of the namespace `quantized` is recorded."""


def _of(*names: str) -> tuple[str, ...]:
    return tuple(map(NAME.format, names))


@RULES.of(
    *_of("add", "add_relu", "add_scalar", "mul", "mul_relu", "mul_scalar", "relu6", "leaky_relu"),
    *_of("hardswish", "sigmoid", "elu", "celu", "clamp", "threshold"),
)
def same_place(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place."""
    return pointwise(node, zeros)


@RULES.of(*_of("prelu"))
def prelu(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from the one at its place, with a slope for each channel."""
    return edges(node.arguments["qx"], (), *targets(node))


@RULES.of(
    *_of("linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic", "linear_dynamic_fp16"),
    *_of("linear_relu_dynamic_fp16", "linear_leaky_relu"),
)
def linear(node: Node, zeros: Zeros) -> list[Edge]:
    """The last axis mixed."""
    source, (target,) = node.arguments["X"], targets(node)
    last = len(target.shape) - 1
    return edges(source, (Mix(last, shape_of(source)[-1], target.shape[-1]),), target)


@RULES.of(
    *(f"quantized_conv{axes}d{kind}" for axes in (1, 2, 3) for kind in ("", "_relu", "_dynamic")),
    *_of("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
)
def packed_convolution(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows, as the packed weight says; one of a line is packed as one of an image."""
    given = node.arguments
    source, packed = given["qx"], given.get("packed_weight", given.get("weight"))
    axes = len(shape_of(source)) - 2
    weight = packed.unpack()[0]
    if axes == 1:
        weight = weight.squeeze(2)
    taps = torch.empty(weight.shape, device="meta")  # learned: any tap counts
    names = ("stride", "padding", "dilation")
    plain = {name: list(getattr(packed, name)())[-axes:] for name in names}
    more = {"groups": packed.groups(), "transposed": bool(packed.transpose())}
    arguments = {"input": source, "weight": taps, **plain, **more}
    return list(convolution(replace(node, arguments=arguments), zeros))


def _as(rule: Rule, names: Mapping[str, str], **more: Any) -> Rule:
    """Return a rule of another operator, told its arguments by the names that it knows."""

    def told(node: Node, zeros: Zeros) -> list[Edge]:
        given = {names.get(name, name): value for name, value in node.arguments.items()}
        return list(rule(replace(node, arguments={**given, **more}), zeros))

    return told


_NORMS = (f"quantized_batch_norm{kind}" for kind in ("1d", "2d", "3d", "2d_relu", "3d_relu"))
RULES.of(*_NORMS)(_as(batch_norm, {"qx": "input", "mean": "running_mean"}, training=False))
RULES.of(*_of("layer_norm"))(_as(layer_norm, {}))
RULES.of(*_of("group_norm"))(_as(group_norm, {}))
RULES.of(*_of("softmax"))(_as(softmax, {"qx": "self"}))
RULES.of(*_of("cat", "cat_relu"))(_as(cat, {"qx": "tensors"}))
RULES.of(*_of("embedding_byte", "embedding_4bit"))(_as(embedding, {}))
_WEIGHT_ONLY = ("8pack_mm", "4pack_mm", "4pack_mm_for_cpu", "4pack_mm_with_scales_and_zeros")
RULES.of(*(f"_weight_int{kind}" for kind in _WEIGHT_ONLY))(_as(linear, {"self": "X"}))


@RULES.of("_fake_quantize_learnable_per_channel_affine")
def fake_quantise(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element rounded at its place, by the scale of its channel."""
    return edges(node.arguments["self"], (), *targets(node))


@RULES.of(*_of("instance_norm"))
def instance_norm(node: Node, zeros: Zeros) -> list[Edge]:
    """Statistics of each channel of each image."""
    source, (target,) = node.arguments["input"], targets(node)
    own = source if isinstance(source, Value) else None
    groups = {"num_groups": target.shape[1]}
    told = replace(node, arguments={"input": own, **groups})
    return list(group_norm(told, zeros)) if own else []
