"""What a training step keeps of a network for semantic segmentation, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.blocks import inverted_residual_plan, residual_plan
from archscope.blocks.plan import Step, list_of, number_of
from archscope.families.mobilenet import saved_activations as mobilenet
from archscope.families.resnet.saved_activations import stem
from archscope.families.segmentation.spec import (
    ASPP_CHANNELS,
    BACKBONE,
    DECODER_CHANNELS,
    FCN_SHARE,
    FINE,
    LRASPP_CHANNELS,
    MIDDLE,
    MOBILENETS,
    RESNETS,
    SegmentationSpec,
    blocks,
    mobilenet_spec,
    resnet_spec,
    xception_spec,
)
from archscope.families.separable_residual import spec as xception
from archscope.families.separable_residual.saved_activations import opening, xception_block
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

HEAD = "classifier"


class Taken(NamedTuple):
    """The maps of a backbone that heads read."""

    high: maps.Held
    """The last one."""
    middle: maps.Held
    """One of stride 8, of a ResNet that of the third stage."""
    fine: maps.Held
    """The last one of stride 4."""


def saved_activations(spec: SegmentationSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what backbone and heads keep for the backward."""
    tape = Tape({}, way)
    if spec.backbone in RESNETS:
        found = _resnet(tape, spec)
    elif spec.backbone in MOBILENETS:
        found = _mobilenet(tape, spec)
    else:
        found = _xception(tape, spec)
    with tape.part(""):
        match spec.head:
            case "lraspp":
                _lraspp(tape, found)
            case "deeplabv3plus":
                _deeplab_plus(tape, spec, found)
            case "fcn":
                _fcn(tape, HEAD, found.high)
            case _:
                x = _aspp(tape, spec, f"{HEAD}.0", found.high)
                x = _normed(tape, HEAD, x, ASPP_CHANNELS, 3, first=1)
                tape.keep(f"{HEAD}.4", x.value)
        if spec.auxiliary:
            _fcn(tape, "aux_classifier", found.middle)
    return tape.saved_of_several()


def _resnet(tape: Tape, spec: SegmentationSpec) -> Taken:
    with tape.part(""):
        x = stem(tape, maps.images(tape, spec), resnet_spec(spec).stem_channels, at=BACKBONE)
    found = {}
    for block in blocks(spec):
        assert isinstance(block, residual_plan.Block)
        x = maps.block(tape, block, partial(composed.residual, block=block), x)
        found[list_of(block).removeprefix(BACKBONE)] = x
    return Taken(x, found["layer3"], found["layer1"])


def _mobilenet(tape: Tape, spec: SegmentationSpec) -> Taken:
    inner = mobilenet_spec(spec)
    with tape.part(""):
        x = middle = fine = mobilenet.stem(tape, maps.images(tape, spec), inner, at=BACKBONE)
    fine_ends = int(FINE[spec.backbone].rpartition(".")[2])
    for block in blocks(spec):
        assert isinstance(block, (inverted_residual_plan.Block, Step))
        x = maps.block(tape, block, partial(mobilenet.walked, part=block), x)
        fine = x if int(number_of(block)) <= fine_ends else fine
        middle = x if int(number_of(block)) <= MIDDLE[spec.backbone] else middle
    if inner.version != "v2":
        with tape.part(""):
            x = mobilenet.last(tape, x, inner, at=BACKBONE)
    return Taken(x, middle, fine)


def _xception(tape: Tape, spec: SegmentationSpec) -> Taken:
    with tape.part(""):
        images = maps.images(tape, spec)
        x = fine = opening(tape, images, xception_spec(spec), at=BACKBONE)
    for block in blocks(spec):
        assert isinstance(block, xception.Block)
        if block.path == f"{BACKBONE}{FINE[spec.backbone]}":
            # What its last convolution reads, which strides.
            fine = maps.made(tape, "within", replace(x.maps, channels=block.channels[-2]))
        again = False if block.tapped else None
        x = maps.block(tape, block, partial(xception_block, block=block), x, again=again)
    return Taken(x, x, fine)


def _normed(
    tape: Tape, at: str, x: maps.Held, channels: int, kernel: int, **placed: Any
) -> maps.Held:
    return composed.conv_norm_activation(tape, at, x, channels, kernel, activation="relu", **placed)


def _wide(
    tape: Tape, spec: SegmentationSpec, at: str, x: maps.Held, *, first: int = 0, dilation: int = 1
) -> maps.Held:
    if not spec.separable:
        return _normed(tape, at, x, ASPP_CHANNELS, 3, first=first, dilation=dilation)
    path, kind = f"{at}.{first}", partial(composed.separable, between="norm", activates=True)
    run = partial(kind, at=path, channels=ASPP_CHANNELS, dilation=dilation)
    return maps.counted(tape, path, run, x)


def _aspp(tape: Tape, spec: SegmentationSpec, at: str, x: maps.Held) -> maps.Held:
    """Return what parallel convolutions make, the mean through one, and what joins them."""
    found = [_normed(tape, f"{at}.convs.0", x, ASPP_CHANNELS, 1)]
    for number, rate in enumerate(spec.rates, start=1):
        found.append(_wide(tape, spec, f"{at}.convs.{number}", x, dilation=rate))
    pool = f"{at}.convs.{len(found)}"
    _normed(tape, pool, maps.mean(tape, pool, x), ASPP_CHANNELS, 1, first=1)
    together = replace(x.maps, channels=(len(found) + 1) * ASPP_CHANNELS)
    y = _normed(tape, f"{at}.project", maps.made(tape, at, together), ASPP_CHANNELS, 1)
    return maps.dropped(tape, f"{at}.project.3", y)


def _deeplab_plus(tape: Tape, spec: SegmentationSpec, found: Taken) -> None:
    fine = _normed(tape, f"{HEAD}.project", found.fine, DECODER_CHANNELS, 1)
    _aspp(tape, spec, f"{HEAD}.aspp", found.high)
    x = maps.made(tape, HEAD, replace(fine.maps, channels=ASPP_CHANNELS + DECODER_CHANNELS))
    at, step = f"{HEAD}.classifier", 1 if spec.separable else 3
    for number in range(spec.decoder_layers):
        x = _wide(tape, spec, at, x, first=step * number)
    tape.keep(f"{at}.{step * spec.decoder_layers}", x.value)


def _fcn(tape: Tape, at: str, x: maps.Held) -> None:
    x = _normed(tape, at, x, x.maps.channels // FCN_SHARE, 3)
    tape.keep(f"{at}.4", maps.dropped(tape, f"{at}.3", x).value)


def _lraspp(tape: Tape, found: Taken) -> None:
    gated = _normed(tape, f"{HEAD}.cbr", found.high, LRASPP_CHANNELS, 1)
    factors = maps.mean(tape, f"{HEAD}.scale.0", found.high)
    factors = maps.convolved(tape, f"{HEAD}.scale.1", factors, LRASPP_CHANNELS, 1)
    factors = maps.activated(tape, f"{HEAD}.scale.2", "sigmoid", factors)
    tape.multiply(HEAD, gated.value, factors.value)
    tape.keep(f"{HEAD}.low", found.middle.value)
    sizes = found.middle.maps.sizes
    tape.keep(f"{HEAD}.high", maps.made(tape, HEAD, replace(gated.maps, sizes=sizes)).value)
