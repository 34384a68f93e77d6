"""Which values of a stack's fields fit together, before any layer is in its place.

The spec calls these checks as it is made and so stands above them: here it is anything that has its
fields.
"""

from __future__ import annotations

from typing import Any

from archscope.blocks.per_layer import MOST_AXES, check_lengths, require_axes, require_one_axis
from archscope.errors import SpecError
from archscope.families.cnn.lowering import input_said
from archscope.specs import fields, listed, typed

LISTS = {
    "channels": "channel counts",
    "kernel_size": "kernel sizes",
    "dilations": "dilations",
    "stride": "strides",
    "groups": "group counts",
    "padding": "paddings",
    "upsample": "factors",
    "pool": "pools",
    "pool_stride": "pool strides",
    "pool_padding": "pool paddings",
}
"""The fields that hold one value for all layers or one per layer, and what to call their values."""
SAID = {
    "depth": "24x(conv 64)",
    "channels": "conv 64",
    "kernel_size": "conv 64 k5",
    "dilations": "3x(conv 64 d1,2,4)",
    "stride": "conv 64 s2",
    "groups": "conv 64 g4",
    "conv": "conv 64 sep",
    "residual": "conv 64 res",
    "upsample": "up 2",
    "upsample_mode": "up 2 linear",
    "pool": "pool 2",
    "pool_stride": "pool 3 s2",
    "pool_padding": "pool 3 p1",
    "pool_mode": "pool 2 avg",
    "pool_ceil": "pool 2 ceil",
}
"""Fields that a sentence says itself, and how."""


def check_together(spec: Any) -> None:
    """Raise `UsageError` for the first field whose value another field rules out."""
    if spec.layers is not None:
        _check_sentence(spec)
    check_lengths(spec, LISTS, spec.blocks)
    axes = spec.axes
    for name in LISTS:
        require_axes(name, getattr(spec, name) or (), axes)
    require_axes("input_size", [spec.input_size], axes)
    _check_causal(spec)


def _check_causal(spec: Any) -> None:
    if spec.causal and spec.padding not in (("same",), ("causal",)):
        raise SpecError("causal", True, "needs {padding} causal: the past is replaced by zeros")
    require_one_axis(causal=spec.causal, padding=spec.padding, axes=spec.axes)


def _check_sentence(spec: Any) -> None:
    """Raise where a sentence cannot be read, or fields say what it says too."""
    usual = {field.name: field.default for field in fields(type(spec))}
    for name in (*SAID, *(("padding",) if len(spec.padding) > 1 else ())):
        value = getattr(spec, name)
        if value != usual[name]:
            shown = listed(value) if isinstance(value, tuple) else value
            how = SAID.get(name, "conv 64 p1")
            problem = f"stands beside a sentence, which says it itself, e.g. {how!r}"
            raise SpecError(name, shown, problem)
    channels, sizes = input_said(spec.sentence)
    given = {"in_channels": channels, "input_size": sizes or None}
    for name, said in given.items():
        if said is not None and getattr(spec, name) not in (usual[name], said):
            problem = "stands beside a sentence that begins with 'in'; say one"
            raise SpecError(name, typed(getattr(spec, name)), problem)
    if all(clause.word in ("in", "head") for clause in spec.sentence):
        raise SpecError("layers", spec.layers, "describe no layer; write e.g. conv 64 k3")
    if spec.axes > MOST_AXES:
        problem = f"have numbers for {spec.axes} axes; torch has {MOST_AXES} at most"
        raise SpecError("layers", spec.layers, problem)
    if sizes and len(sizes) != spec.axes:
        problem = f"stands beside a sentence whose 'in' has {len(sizes)}"
        raise SpecError("spatial_dims", spec.axes, problem)
