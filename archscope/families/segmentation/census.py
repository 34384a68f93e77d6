"""The layers of a network for semantic segmentation in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import NamedTuple

from archscope.blocks.block_counts import residual, separable
from archscope.blocks.map_counts import Maps, Walk, convolved, images, normed
from archscope.blocks.plan import list_of, number_of
from archscope.families.mobilenet import spec as mobilenet
from archscope.families.mobilenet.census import walked
from archscope.families.resnet import spec as resnet
from archscope.families.resnet.census import stem
from archscope.families.segmentation.spec import (
    ASPP_CHANNELS,
    DECODER_CHANNELS,
    FCN_SHARE,
    FINE,
    LRASPP_CHANNELS,
    MIDDLE,
    MOBILENETS,
    RESNETS,
    SegmentationSpec,
    mobilenet_spec,
    resnet_spec,
    xception_spec,
)
from archscope.families.separable_residual import spec as xception
from archscope.families.separable_residual.census import opening, xception_block
from archscope.theory.census import Census, Counted


class Taken(NamedTuple):
    """The maps of a backbone that heads read."""

    high: Maps
    """The last one."""
    middle: Maps
    """One of stride 8, of a ResNet that of the third stage."""
    fine: Maps
    """The last one of stride 4."""


Backbone = Generator[Counted, None, Taken]


def census(spec: SegmentationSpec) -> Census:
    """Return what is counted of the backbone and of the heads."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: SegmentationSpec) -> Iterator[Counted]:
    if spec.backbone in RESNETS:
        maps = yield from _resnet(spec)
    elif spec.backbone in MOBILENETS:
        maps = yield from _mobilenet(spec)
    else:
        maps = yield from _xception(spec)
    match spec.head:
        case "lraspp":
            yield from _lraspp(spec, maps)
        case "deeplabv3plus":
            yield from _deeplab_plus(spec, maps)
        case "fcn":
            yield from _fcn(maps.high, spec.classes)
        case _:
            x = yield from _aspp(spec, maps.high)
            x = yield from normed(x, ASPP_CHANNELS, 3)
            yield from convolved(x, spec.classes, 1, bias=True)
    if spec.auxiliary:
        yield from _fcn(maps.middle, spec.classes)


def _resnet(spec: SegmentationSpec) -> Backbone:
    inner = resnet_spec(spec)
    x = yield from stem(images(spec), inner.stem_channels)
    found = {}
    for block in resnet.blocks(inner):
        x = yield from residual(x, block)
        found[list_of(block)] = x
    return Taken(x, found["layer3"], found["layer1"])


def _mobilenet(spec: SegmentationSpec) -> Backbone:
    inner = mobilenet_spec(spec)
    x = yield from normed(images(spec), mobilenet.stem_channels(inner), 3, stride=2)
    middle = fine = x
    fine_ends = int(FINE[spec.backbone].rpartition(".")[2])
    for block in mobilenet.blocks(inner, output_stride=spec.output_stride):
        x, number = (yield from walked(x, [block])), int(number_of(block))
        fine = x if number <= fine_ends else fine
        middle = x if number <= MIDDLE[spec.backbone] else middle
    if inner.version != "v2":
        x = yield from normed(x, mobilenet.last_channels(inner), 1)
    return Taken(x, middle, fine)


def _xception(spec: SegmentationSpec) -> Backbone:
    inner = xception_spec(spec)
    x = fine = yield from opening(images(spec), inner)
    for block in xception.blocks(inner):
        if block.path == FINE[spec.backbone]:  # what its last convolution reads, which strides
            fine = replace(x, channels=block.channels[-2])
        x = yield from xception_block(x, block)
    return Taken(x, x, fine)


def _aspp(spec: SegmentationSpec, x: Maps) -> Walk:
    """Yield parallel convolutions, the mean through one, and what joins them."""
    yield from normed(x, ASPP_CHANNELS, 1)
    for rate in spec.rates:
        yield from _wide(spec, x, dilation=rate)
    yield from normed(replace(x, sizes=(1, 1)), ASPP_CHANNELS, 1)
    together = (len(spec.rates) + 2) * ASPP_CHANNELS
    x = yield from normed(replace(x, channels=together), ASPP_CHANNELS, 1)
    return x


def _wide(spec: SegmentationSpec, x: Maps, *, dilation: int = 1) -> Walk:
    if spec.separable:
        x = yield from separable(x, ASPP_CHANNELS, dilation=dilation, between="norm")
    else:
        x = yield from normed(x, ASPP_CHANNELS, 3, dilation=dilation)
    return x


def _deeplab_plus(spec: SegmentationSpec, maps: Taken) -> Iterator[Counted]:
    fine = yield from normed(maps.fine, DECODER_CHANNELS, 1)
    yield from _aspp(spec, maps.high)
    x = replace(fine, channels=ASPP_CHANNELS + DECODER_CHANNELS)
    for _ in range(spec.decoder_layers):
        x = yield from _wide(spec, x)
    yield from convolved(x, spec.classes, 1, bias=True)


def _fcn(x: Maps, classes: int) -> Iterator[Counted]:
    x = yield from normed(x, x.channels // FCN_SHARE, 3)
    yield from convolved(x, classes, 1, bias=True)


def _lraspp(spec: SegmentationSpec, maps: Taken) -> Iterator[Counted]:
    yield from normed(maps.high, LRASPP_CHANNELS, 1)
    yield from convolved(replace(maps.high, sizes=(1, 1)), LRASPP_CHANNELS, 1)
    yield from convolved(maps.middle, spec.classes, 1, bias=True)
    gated = replace(maps.middle, channels=LRASPP_CHANNELS)
    yield from convolved(gated, spec.classes, 1, bias=True)
