"""The fields of a spec as the steps of a plan: its lists layer by layer, or its sentence.

The spec makes its plan as it is made and so stands above this: here it is anything that has its
fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archscope.blocks.per_layer import along, item
from archscope.errors import SpecError
from archscope.families.cnn.lowering import lowered
from archscope.families.cnn.plan import DEPTHWISE, Norm, Step
from archscope.specs import listed, typed

NORMS: dict[str, Norm] = {f"{norm}norm": norm for norm in ("batch", "layer", "group", "instance")}
"""Other words for norms."""


def steps_of(spec: Any) -> tuple[Step, ...]:
    """Return what each layer does, of the sentence where there is one, else of the lists."""
    return tuple(_steps(spec)) if spec.layers is None else _of_sentence(spec)


def norm_of(word: str) -> Norm:
    """Return the norm that a word means."""
    return NORMS.get(word, word)  # type: ignore[arg-type]


def _of_sentence(spec: Any) -> tuple[Step, ...]:
    usual = Step(
        kind="conv",
        padding=along("causal" if spec.causal else spec.padding[0], spec.axes),
        mode=spec.padding_mode,
        bias=spec.bias,
        norm=norm_of(spec.norm),
        norm_groups=spec.norm_groups,
        activation=spec.activation,
    )
    return lowered(spec.sentence, spec.axes, usual)


def _steps(spec: Any) -> Iterator[Step]:
    """Yield what each layer does: what makes its map larger, its convolution, its pool."""
    axes = spec.axes
    for number in range(spec.blocks):
        label, factor = f"layer {number + 1}", along(item(spec.upsample, number), axes)
        transposes = spec.upsample_mode == "transposed" and set(factor) != {1}
        if set(factor) != {1} and spec.upsample_mode in ("nearest", "linear"):
            yield Step(kind=spec.upsample_mode, stride=factor, label=f"what enlarges {label}'s map")
        yield _convolution(spec, axes, number, factor if transposes else None, label)
        pool = along(item(spec.pool, number), axes)
        if set(pool) != {1}:
            yield _pool(spec, number, pool, f"the pool behind {label}")


def _convolution(
    spec: Any, axes: int, number: int, factor: tuple[int, ...] | None, label: str
) -> Step:
    stride = along(item(spec.stride, number), axes)
    if factor is not None and set(stride) != {1}:
        problem = f"must be 1 at {label}, which {{upsample}} enlarges as a transposed convolution"
        raise SpecError("stride", typed(item(spec.stride, number)), problem)
    groups = item(spec.groups, number)
    if spec.conv == "depthwise" and groups != 1:
        raise SpecError("groups", listed(spec.groups), "must be 1 where {conv} is depthwise")
    return Step(
        kind="conv" if factor is None else "transposed",
        channels=item(spec.channels, number),
        kernel=along(item(spec.kernel_size, number), axes),
        stride=factor or stride,
        dilation=along(item(spec.dilations, number), axes),
        padding=along("causal" if spec.causal else item(spec.padding, number), axes),
        output_padding=(0,) * axes,
        mode=spec.padding_mode,
        groups=DEPTHWISE if spec.conv == "depthwise" else groups,
        separable=spec.conv == "depthwise-separable",
        bias=spec.bias,
        norm=norm_of(spec.norm),
        norm_groups=spec.norm_groups,
        activation=spec.activation,
        residual=spec.residual,
        label=label,
    )


def _pool(spec: Any, number: int, pool: tuple[int, ...], label: str) -> Step:
    strides = spec.pool_stride
    return Step(
        kind="max-pool" if spec.pool_mode == "max" else "avg-pool",
        kernel=pool,
        stride=pool if strides is None else along(item(strides, number), spec.axes),
        dilation=(1,) * spec.axes,
        padding=along(item(spec.pool_padding, number), spec.axes),
        ceil=spec.pool_ceil,
        label=label,
    )
