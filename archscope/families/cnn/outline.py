"""What a stack looks at: its convolutions, pools and up-sampling as layers of each axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archscope.families.cnn.plan import GLOBAL_NORMS, Head, Layer, Numbers
from archscope.families.cnn.spec import CnnSpec, plan
from archscope.theory.layers import Layer as Axis
from archscope.theory.layers import Path, conv
from archscope.theory.outline import Outline
from archscope.theory.residual import sees_more

ELSEWHERE = ("reflect", "circular")
"""Paddings that hold positions which the window does not reach."""
UNCLEAR = (
    "the paths around blocks see positions between the taps of even kernels, and the stack "
    "up-samples; the table is of the path through all layers, and its coverage is a lower bound"
)


def outline(spec: CnnSpec) -> Outline:
    """Return what the layers of `spec` look at."""
    return outline_of(
        plan(spec), spec.sizes, spec.classifier, flag="" if spec.layers else "--dilations"
    )


def outline_of(
    layers: Sequence[Layer], sizes: Numbers, head: Head | None, *, flag: str = ""
) -> Outline:
    """Return what the layers of a plan look at, depthwise and pointwise ones by themselves.

    `flag` sets the dilation of every convolution of the plan by itself.
    """
    found: list[tuple[Axis, ...]] = []
    firsts, skips = [], []
    for layer in layers:
        start = len(found)
        for part in _parts(layer):
            if part.step.convolves:
                firsts.append(len(found))
            found += _axes(part)
        if (layer.step.residual or layer.inner) and len(found) > start:
            skips.append((start, len(found) - 1))
    path: Path = tuple(zip(*found, strict=True)) or ((),) * len(sizes)
    global_by = next(_global(layers), "")
    first, *others = path
    return Outline(
        axes=len(sizes),
        layers=first,
        others=() if all(each == first for each in others) else tuple(others),
        input_size=sizes[0],
        other_sizes=() if len(set(sizes)) == 1 else sizes[1:],
        flag=flag,
        flagged=tuple(firsts),
        **_around(path, skips),
        reads_all=global_by or ("classifier" if head and not head.reads_last else ""),
        unordered=_unordered(layers, global_by),
        wraps=any(one.step.mode == "circular" for one in _every(layers)),
        remarks=tuple(_remarks(layers, head)),
    )


def _every(plan: Iterable[Layer]) -> Iterator[Layer]:
    for layer in plan:
        yield from layer.inner or (layer,)


def _parts(layer: Layer) -> Iterator[Layer]:
    """Yield a layer, or those of a block under their whole paths."""
    if not layer.inner:
        yield layer
    for inner in layer.inner:
        yield replace(inner, path=f"{layer.path}.{inner.path}")


def _axes(layer: Layer) -> Iterator[tuple[Axis, ...]]:
    """Yield the layers that look around, along each axis."""
    if not layer.along:
        return
    separable, name = layer.step.separable, layer.path
    if layer.step.convolves:
        name = f"{name}.{'depthwise' if separable else 'conv'}"
    yield tuple(replace(axis, name=name) for axis in layer.along)
    if separable:
        yield (conv(1, name=f"{layer.path}.pointwise"),) * len(layer.along)


def _around(path: Path, skips: list[tuple[int, int]]) -> dict[str, Any]:
    """Return the blocks that have a path around them, where the answer takes it in."""
    if not skips or not any(axis.upsamples for stack in path for axis in stack):
        return {"skips": tuple(skips)}
    return {"partial": UNCLEAR if sees_more(path, skips) else ""}


def _global(plan: Iterable[Layer]) -> Iterator[str]:
    """Yield the norms that read all positions."""
    for layer in plan:
        for part in _parts(layer):
            if part.step.norm in GLOBAL_NORMS:
                alone = part.step.kind == "norm"
                yield part.path if alone else f"{part.path}.norm"


def _unordered(layers: Iterable[Layer], global_by: str) -> str:
    if any(one.step.mode in ELSEWHERE for one in _every(layers)):
        return "padding holds other positions of the input"
    return f"{global_by} reads all positions" if global_by else ""


def _remarks(layers: Iterable[Layer], head: Head | None) -> Iterator[str]:
    modes = dict.fromkeys(one.step.mode for one in _every(layers) if one.step.mode in ELSEWHERE)
    if modes:
        yield f"where the {' and '.join(modes)} padding begins, outputs see other positions instead"
    if head is not None and head.reads_last:
        yield "the classifier reads the last position alone"
