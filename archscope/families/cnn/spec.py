"""Stacks of convolutions in one to three dimensions, layer by layer or all alike."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from archscope.blocks.per_layer import along, axes_of
from archscope.errors import SpecError
from archscope.families.cnn.checks import check_stack
from archscope.families.cnn.lowering import axes_said, classes_said, flat, input_said
from archscope.families.cnn.parser import parse
from archscope.families.cnn.placing import place
from archscope.families.cnn.plan import Head, Layer, MisfitError
from archscope.families.cnn.rules import LISTS, check_together
from archscope.families.cnn.sentence import Clause, refuse
from archscope.families.cnn.steps import steps_of
from archscope.records import frozen
from archscope.specs import check, fields, option, typed

Item = int | tuple[int, ...]
"""A number, or one for each axis."""


@frozen
class CnnSpec:
    """The shape of a stack of convolutions; a list that is shorter than the stack repeats.

    An item is a number for all axes, or one for each with `x` or `:` between: 3x5.
    """

    layers: str | None = option(
        None,
        "the stack as a sentence, instead of the lists: 'conv 64 k7 s2; pool 3 s2; 4x(conv 64 "
        "d1,2,4,8 res)'; archscope list sentence explains the words",
    )
    spatial_dims: int | None = option(
        None,
        "number of spatial dimensions (none: as many as the items have, else 2, or 1 if causal)",
        low=1,
        high=3,
    )
    depth: int | None = option(
        None,
        "number of convolution blocks (none: the length of the longest list, else 3)",
        low=1,
        high=10_000,
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    channels: tuple[int, ...] = option(
        (64,),
        "output channels of each layer; here and below, a list shorter than the depth repeats",
        low=1,
        high=2**20,
    )
    kernel_size: tuple[Item, ...] = option(
        (3,),
        "kernel size of each layer; here and below, 3x5 is 3 along the first axis and 5 along "
        "the second",
        low=1,
        high=2**16,
        along=True,
    )
    dilations: tuple[Item, ...] = option(
        (1,), "dilation of each layer", low=1, high=2**20, along=True
    )
    stride: tuple[Item, ...] = option((1,), "stride of each layer", low=1, high=2**16, along=True)
    groups: tuple[int, ...] = option(
        (1,),
        "groups of channels; if depthwise-separable, those of the pointwise convolution",
        low=1,
        high=2**20,
    )
    conv: Literal["standard", "depthwise-separable", "depthwise"] = option(
        "standard",
        "kind of convolution; depthwise-separable: depthwise, then pointwise (kernel size 1)",
    )
    padding: tuple[Any, ...] = option(
        ("same",),
        "same: keeps the size at stride 1; valid: none; causal: all before the input; a "
        "number: on both sides; 6+0: 6 before, 0 after; causal:same: per axis",
        low=0,
        high=2**31,
        along=True,
        words=("same", "valid", "causal"),
        sides=True,
    )
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = option(
        "zeros",
        "contents of the padding, as in torch: zeros, or the input mirrored, its border "
        "repeated, or wrapped around",
    )
    causal: bool = option(
        False,
        "outputs depend only on the present and the past: all padding before the input; one "
        "dimension only",
    )
    upsample: tuple[Item, ...] = option(
        (1,),
        "up-sampling factor of each layer, e.g. 1,1,2,2 (1: none)",
        low=1,
        high=2**10,
        along=True,
    )
    upsample_mode: Literal["nearest", "linear", "transposed"] = option(
        "nearest", "interpolation before the layer (nearest or linear), or a transposed convolution"
    )
    pool: tuple[Item, ...] = option(
        (1,),
        "window of a pooling layer after each layer (1: none)",
        low=1,
        high=2**16,
        along=True,
    )
    pool_stride: tuple[Item, ...] | None = option(
        None, "stride of the pooling (none: its window)", low=1, high=2**16, along=True
    )
    pool_padding: tuple[Item, ...] = option(
        (0,), "padding of the pooling, on both sides", low=0, high=2**16, along=True
    )
    pool_mode: Literal["max", "avg"] = option("max", "maximum or mean")
    pool_ceil: bool = option(False, "keep a last, incomplete window (torch's ceil_mode)")
    residual: bool = option(
        False,
        "residual connections: add each block's input before its activation, through a "
        "convolution of kernel size 1 if shapes differ, cropped to the output",
    )
    norm: Literal[
        "none",
        "batch",
        "layer",
        "group",
        "instance",
        "batchnorm",
        "layernorm",
        "groupnorm",
        "instancenorm",
    ] = option("none", "normalisation after each convolution; layer: over channels")
    norm_groups: int | None = option(
        None,
        "groups of a group norm (none: the largest number up to 32 that divides the channels)",
        low=1,
        high=2**20,
    )
    activation: Literal[
        "none", "relu", "gelu", "silu", "elu", "leaky-relu", "tanh", "sigmoid", "hardswish"
    ] = option("relu", "activation after each convolution")
    bias: bool = option(True, "biases in convolutions and the classifier")
    head: Literal["none", "classifier"] = option(
        "none",
        "classifier: a linear layer on the mean over all positions (on the last position "
        "if causal)",
    )
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: Item = option(
        224,
        "size of the input along each axis, e.g. 224 or 80x1000",
        low=1,
        high=2**24,
        along=True,
    )
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        given: Any = self.padding
        if isinstance(given, str):  # one word stands for a list of it
            padding = next(one for one in fields(CnnSpec) if one.name == "padding")
            object.__setattr__(self, "padding", padding.parse(given))
        check(self)
        check_together(self)
        plan(self)

    @property
    def sentence(self) -> tuple[Clause, ...]:
        """The steps of its sentence; none where it has lists."""
        return () if self.layers is None else parse(self.layers)

    @property
    def blocks(self) -> int:
        """Number of convolution blocks, where it has lists."""
        longest = max(len(getattr(self, field) or ()) for field in LISTS)
        return self.depth or (longest if longest > 1 else 3)

    @property
    def sees_only_past(self) -> bool:
        """Whether all padding comes first, along every axis."""
        if self.causal or not self.sentence:
            return self.causal or set(self.padding) == {"causal"}
        convolutions = [clause for clause in flat(self.sentence) if clause.word == "conv"]
        return bool(convolutions) and all(clause.get("causal") for clause in convolutions)

    @property
    def axes(self) -> int:
        """Number of spatial dimensions."""
        if self.spatial_dims is not None:
            return self.spatial_dims
        items = (each for field in LISTS for each in getattr(self, field) or ())
        said = axes_said(self.sentence) if self.sentence else 0
        return said or axes_of([self.input_size, *items]) or (1 if self.sees_only_past else 2)

    @property
    def channels_in(self) -> int:
        """Channels of the input."""
        return (input_said(self.sentence)[0] if self.sentence else None) or self.in_channels

    @property
    def sizes(self) -> tuple[int, ...]:
        """Positions of the input along each axis."""
        said = input_said(self.sentence)[1] if self.sentence else ()
        return said or along(self.input_size, self.axes)

    @property
    def classifier(self) -> Head | None:
        """What stands behind the last block."""
        classes = classes_said(self.sentence) if self.sentence else None
        if classes is None and self.head == "none":
            return None
        return Head(classes=classes or self.classes, bias=self.bias, reads_last=self.sees_only_past)


@lru_cache(maxsize=64)  # the spec itself, its network, outline and census all ask for it
def plan(spec: CnnSpec) -> tuple[Layer, ...]:
    """Return the layers of the stack in order; raises `SpecError` where one does not fit."""
    try:
        steps = steps_of(spec)
        check_stack(steps)
        return place(steps, spec.channels_in, spec.sizes)
    except MisfitError as error:
        value = spec.input_size if error.field == "input_size" else error.value
        value = typed(value) if isinstance(value, tuple) else value
        if error.step.at is None or spec.layers is None:
            raise SpecError(error.field, value, error.problem) from None
        known = {"input_size": "x".join(map(str, spec.sizes))}
        said = SpecError(error.field, known.get(error.field, value), error.problem)
        refuse(spec.layers, error.step.at, str(said).removeprefix("layers: ").rstrip("."))
