"""The layers of a ViTDet in closed form, from the plan of its blocks. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.counts import attention, embedding, feed_forward, linear, own
from archscope.blocks.map_counts import (
    Maps,
    convolved,
    images,
    norm,
    normed,
    pooled,
    transposed,
)
from archscope.families.vitdet.spec import WINDOW, VitDetSpec, blocks
from archscope.theory.census import FUNCTIONS, Census, Counted, repeated
from archscope.theory.mixing_counts import axial_bias


def census(spec: VitDetSpec) -> Census:
    """Return what is counted of the patches, the blocks and the neck."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: VitDetSpec) -> Iterator[Counted]:
    size, places = spec.patch_size, spec.places**2
    x = yield from convolved(images(spec), spec.d_model, size, stride=size, padding=0, bias=True)
    yield embedding(places, places + spec.reads_class_token, spec.d_model)
    for kind, count in Counter(block.kind for block in blocks(spec)).items():
        block = _block(spec, x, windows=kind == WINDOW)
        yield from repeated(block, times=count, copies=count)
    yield from _pyramid(spec, x) if spec.neck == "pyramid" else _fused(spec, x)


def _block(spec: VitDetSpec, x: Maps, *, windows: bool) -> Iterator[Counted]:
    width, side = x.channels, spec.window if windows else spec.side
    tiles = x.batch * (-(-spec.side // side)) ** 2
    rows, queries, head = tiles * side**2, side**2, width // spec.heads
    yield norm(x)
    yield linear(rows, width, 3 * width, bias=True)
    if spec.relative:
        form = axial_bias(batch=tiles, heads=spec.heads, queries=queries, side=side, width=head)
        outputs = tiles * spec.heads * queries**2
        yield own(form.params_value)
        yield Counted(kind=FUNCTIONS, form=replace(form, params="0"), outputs=outputs)
    yield attention(
        batch=tiles, heads=spec.heads, queries=queries, keys=queries, key_width=head,
        value_width=head,
    )  # fmt: skip
    yield linear(rows, width, width, bias=True)
    yield norm(x)
    hidden = spec.ff_ratio * width
    yield from feed_forward(x.positions, width, hidden, activation="gelu", bias=True)


def _pyramid(spec: VitDetSpec, x: Maps) -> Iterator[Counted]:
    """Yield maps of four times, twice, once and half the size."""
    doubled = yield from transposed(x, x.channels // 2, 2, stride=2)
    yield norm(doubled)
    finest = yield from transposed(doubled, x.channels // 4, 2, stride=2)
    yield from _fused(spec, finest)
    doubled = yield from transposed(x, x.channels // 2, 2, stride=2)
    for one in (doubled, x, pooled(x, 2, stride=2)):
        yield from _fused(spec, one)


def _fused(spec: VitDetSpec, x: Maps) -> Iterator[Counted]:
    x = yield from normed(x, spec.channels, 1)
    yield from normed(x, spec.channels, 3)
