"""What blocks of maps keep for the backward, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import archscope.blocks.saved_maps as maps
from archscope.blocks import inverted_residual_plan, residual_plan
from archscope.theory.symbolic_forward import Tape


def conv_norm_activation(
    tape: Tape,
    at: str,
    x: maps.Held,
    channels: int,
    kernel: int,
    *,
    activation: str,
    first: int = 0,
    **placed: Any,
) -> maps.Held:
    """Return what `inverted_residual.ConvNormActivation` makes; no activation where it is empty.

    `first`: the number of its convolution among the layers of the list at `at`.
    """
    conv, norm, last = (f"{at}.{first + place}" for place in range(3))
    y = maps.normed_convolution(tape, conv, norm, x, channels, kernel, **placed)
    return maps.activated(tape, last, activation, y) if activation else y


def residual(
    tape: Tape, x: maps.Held, block: residual_plan.Block, *, norm: maps.Norm = maps.normed
) -> maps.Held:
    """Return what a residual block of either kind makes; `norm`: that of its convolutions."""
    width, out, strides = block.width, block.out_channels, block.strides
    if block.kind == "basic":
        first, second = block.dilations
        convolutions: list[tuple[int, int, dict[str, Any]]] = [
            (width, 3, {"stride": strides[0], "dilation": first}),
            (out, 3, {"dilation": second}),
        ]
    else:
        wide = {"stride": strides[1], "dilation": block.dilations[1]}
        convolutions = [(width, 1, {"stride": strides[0]}), (width, 3, wide), (out, 1, {})]
    y = x
    for number, (channels, kernel, placed) in enumerate(convolutions, start=1):
        y = maps.activated(tape, "", "relu", y) if number > 1 else y
        y = norm(
            tape,
            f"bn{number}",
            maps.convolved(tape, f"conv{number}", y, channels, kernel, **placed),
        )
    if block.residual:
        y = maps.added(tape, y, _around(tape, x, block, norm))
    return maps.activated(tape, "", "relu", y)


def _around(tape: Tape, x: maps.Held, block: residual_plan.Block, norm: maps.Norm) -> maps.Held:
    if block.repeatable:
        return x
    y = maps.convolved(tape, "downsample.0", x, block.out_channels, 1, stride=block.stride)
    return norm(tape, "downsample.1", y)


def inverted_residual(tape: Tape, x: maps.Held, block: inverted_residual_plan.Block) -> maps.Held:
    """Return what an inverted residual block makes, fused or not."""
    within, act = block.expanded, block.activation
    placed: dict[str, Any] = {"stride": block.stride, "dilation": block.dilation}
    y, place = x, 0
    if block.fused:
        channels = within if block.projects else block.out_channels
    else:
        channels = within
        if block.expands:
            y = conv_norm_activation(tape, f"block.{place}", y, within, 1, activation=act)
            place += 1
    at = f"block.{place}"
    y = conv_norm_activation(tape, at, y, channels, block.kernel, activation=act, **placed)
    if block.squeezed:
        place += 1
        y = squeeze_excitation(tape, f"block.{place}", y, block.squeezed, gate=block.gate)
    if block.projects:
        at = f"block.{place + 1}"
        y = conv_norm_activation(tape, at, y, block.out_channels, 1, activation="")
    return maps.added(tape, y, x) if block.repeatable else y


def squeeze_excitation(
    tape: Tape, at: str, x: maps.Held, squeezed: int, *, gate: str, activation: str = ""
) -> maps.Held:
    """Return x times the factors of its channels."""
    inside = activation or {"sigmoid": "silu", "hardsigmoid": "relu"}[gate]
    y = maps.convolved(tape, f"{at}.fc1", maps.mean(tape, at, x), squeezed, 1)
    y = maps.convolved(
        tape, f"{at}.fc2", maps.activated(tape, f"{at}.activation", inside, y), x.maps.channels, 1
    )
    factors = maps.activated(tape, at, "sigmoid" if gate == "sigmoid" else "relu6", y)
    return replace(x, value=tape.multiply(at, x.value, factors.value))


def separable(
    tape: Tape,
    x: maps.Held,
    *,
    at: str,
    channels: int,
    between: str,
    activates: bool = False,
    **placed: Any,
) -> maps.Held:
    """Return what `separable.SeparableConvolution` makes."""
    x = maps.convolved(tape, f"{at}.depthwise", x, x.maps.channels, 3, **placed)
    x = maps.normed(tape, f"{at}.bn_depthwise", x) if between == "norm" else x
    x = maps.activated(tape, at, "relu", x) if activates else x
    x = maps.normed_convolution(tape, f"{at}.pointwise", f"{at}.bn", x, channels, 1)
    return maps.activated(tape, at, "relu", x) if activates else x
