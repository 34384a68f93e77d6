"""A stack of convolutions in words: the title of its tables."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.cnn.sentence import written
from archscope.families.cnn.spec import CnnSpec
from archscope.families.cnn.steps import norm_of
from archscope.specs import listed, repeated


def describe(spec: CnnSpec) -> Iterator[str]:
    """Yield what always matters, then what differs from the usual, in words."""
    if spec.sentence:
        yield from _sentence(spec)
    else:
        yield "causal cnn" if spec.sees_only_past else "cnn"
        yield from _lists(spec)
        yield from _unusual(spec)
    size = "×".join(map(str, (spec.channels_in, *spec.sizes)))
    yield f"input {size}"
    yield f"batch {spec.batch_size}"


def _sentence(spec: CnnSpec) -> Iterator[str]:
    said = spec.sentence[1:] if spec.sentence[0].word == "in" else spec.sentence
    yield "causal cnn" if spec.causal else "cnn"
    yield f"{spec.axes}-D"
    yield written(said)
    if spec.padding != ("same",) and not spec.causal:
        yield f"padding {listed(spec.padding)}"
    yield from _around(spec)


def _lists(spec: CnnSpec) -> Iterator[str]:
    yield f"{spec.axes}-D"
    yield f"depth {spec.blocks}"
    yield f"channels {repeated(spec.channels, spec.blocks)}"
    yield f"kernel {repeated(spec.kernel_size, spec.blocks)}"
    for name, items in (
        ("dilations", spec.dilations),
        ("strides", spec.stride),
        ("groups", spec.groups),
    ):
        if set(items) != {1}:
            yield f"{name} {repeated(items, spec.blocks)}"


def _unusual(spec: CnnSpec) -> Iterator[str]:
    if spec.conv != "standard":
        yield spec.conv
    if spec.padding == ("valid",):
        yield "no padding"
    elif not (spec.sees_only_past or spec.padding == ("same",)):
        yield f"padding {repeated(spec.padding, spec.blocks)}"
    yield from _resizing(spec)
    if spec.residual:
        yield "residual"
    yield from _around(spec)


def _around(spec: CnnSpec) -> Iterator[str]:
    if spec.padding_mode != "zeros":
        yield f"{spec.padding_mode} padding"
    if spec.norm != "none":
        groups = "" if spec.norm_groups is None else f" of {spec.norm_groups} groups"
        yield f"{norm_of(spec.norm)}norm{groups}"
    if spec.activation != "relu":
        yield "no activation" if spec.activation == "none" else spec.activation
    if not spec.bias:
        yield "no bias"
    if spec.head == "classifier":
        yield f"{spec.classes} classes"


def _resizing(spec: CnnSpec) -> Iterator[str]:
    if set(spec.upsample) != {1}:
        yield f"{spec.upsample_mode} upsampling {repeated(spec.upsample, spec.blocks)}"
    if set(spec.pool) != {1}:
        stride = f" with stride {listed(spec.pool_stride)}" if spec.pool_stride else ""
        yield f"{spec.pool_mode} pool {repeated(spec.pool, spec.blocks)}{stride}"
