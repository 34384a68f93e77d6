"""The layers of a SegFormer in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import archscope.blocks.counts as counted
from archscope.blocks.counts import attention, linear
from archscope.blocks.map_counts import Maps, convolved, images, norm, normed
from archscope.blocks.plan import lists
from archscope.families.segformer.spec import KERNELS, STRIDES, Block, SegformerSpec, blocks
from archscope.theory.census import Census, Counted, repeated


def census(spec: SegformerSpec) -> Census:
    """Return what is counted of the stages and the decoder."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: SegformerSpec) -> Iterator[Counted]:
    x, maps = images(spec), []
    for stage, kernel, stride in zip(lists(blocks(spec)).values(), KERNELS, STRIDES, strict=True):
        half, count = kernel // 2, len(stage)
        x = yield from convolved(x, stage[0].width, kernel, stride=stride, padding=half, bias=True)
        yield norm(x)
        yield from repeated(_block(spec, x, stage[0]), times=count, copies=count)
        yield norm(x)
        maps.append(x)
    yield from _decoder(spec, maps)


def _block(spec: SegformerSpec, x: Maps, block: Block) -> Iterator[Counted]:
    wide = spec.ff_ratio * x.channels
    yield norm(x)
    yield from _attention(x, block)
    yield norm(x)
    yield linear(x.positions, x.channels, wide, bias=True)
    yield from convolved(replace(x, channels=wide), wide, 3, groups=wide, bias=True)
    yield linear(x.positions, wide, x.channels, bias=True)


def _attention(x: Maps, block: Block) -> Iterator[Counted]:
    """Yield attention to squares of positions that became one each."""
    width, side, keys = block.width, block.reduction, x
    yield linear(x.positions, width, width, bias=True)
    if side > 1:
        keys = yield from convolved(x, width, side, stride=side, padding=0, bias=True)
        yield norm(keys)
    yield linear(keys.positions, width, 2 * width, bias=True)
    yield attention(
        batch=x.batch,
        heads=block.heads,
        queries=x.positions // x.batch,
        keys=keys.positions // x.batch,
        key_width=width // block.heads,
        value_width=width // block.heads,
    )
    yield linear(x.positions, width, width, bias=True)


def _decoder(spec: SegformerSpec, maps: list[Maps]) -> Iterator[Counted]:
    width = spec.decoder_channels
    for x in maps:
        yield counted.linear(x.positions, x.channels, width, bias=True)
    x = replace(maps[0], channels=len(maps) * width)
    x = yield from normed(x, width, 1)
    yield from convolved(x, spec.classes, 1, bias=True)
