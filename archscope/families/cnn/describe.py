"""A CNN's spec in words: what always matters, then what differs from the usual."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.cnn.spec import CnnSpec
from archscope.specs import listed


def describe(spec: CnnSpec) -> str:
    """Return the spec in one line: what always matters, then what differs from the usual."""
    return " · ".join(_words(spec))


def _words(spec: CnnSpec) -> Iterator[str]:
    yield "causal cnn" if spec.causal else "cnn"
    yield f"{spec.spatial_dims}-D"
    yield f"depth {spec.blocks}"
    yield f"channels {listed(spec.channels)}"
    yield f"kernel {listed(spec.kernel_size)}"
    for name, items in (
        ("dilations", spec.dilations),
        ("strides", spec.stride),
        ("groups", spec.groups),
    ):
        if set(items) != {1}:
            yield f"{name} {listed(items)}"
    yield from _unusual(spec)
    size = "×".join(map(str, (spec.in_channels, *[spec.input_size] * spec.spatial_dims)))
    yield f"input {size}"
    yield f"batch {spec.batch_size}"


def _unusual(spec: CnnSpec) -> Iterator[str]:
    if spec.conv != "standard":
        yield spec.conv
    if spec.padding != "same":
        yield "no padding"
    if spec.residual:
        yield "residual"
    if spec.norm != "none":
        yield spec.norm
    if spec.activation != "relu":
        yield "no activation" if spec.activation == "none" else spec.activation
    if not spec.bias:
        yield "no bias"
    if spec.head == "classifier":
        yield f"{spec.classes} classes"
