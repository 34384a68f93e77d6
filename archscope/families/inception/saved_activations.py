"""What a training step keeps of a network of Inception modules, in symbols. No torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import archscope.blocks.saved_maps as maps
from archscope.families.inception.plan import (
    AUX_POOLED,
    AUXILIARY,
    Module,
    Part,
    Step,
    parts,
    scaled,
)
from archscope.families.inception.spec import InceptionSpec
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: InceptionSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what modules and classifiers keep for the backward."""
    tape, heads = Tape({}, way), AUXILIARY[spec.version] if spec.auxiliary else {}
    auxiliary = _auxiliary_v1 if spec.version == "v1" else _auxiliary_v3
    with tape.part(""):
        x = maps.images(tape, spec)
        for item in parts(spec):
            x = _part(tape, x, item, spec)
            if item.name in heads:
                auxiliary(tape, heads[item.name], x, spec)
        x = maps.dropped(tape, "dropout", maps.mean(tape, "avgpool", x))
        tape.keep("fc", x.value)
    return tape.saved_of_several()


def _part(tape: Tape, x: maps.Held, item: Part, spec: InceptionSpec) -> maps.Held:
    if not isinstance(item, Module):
        return _layer(tape, x, at=item.name, step=item, spec=spec, counts=True)
    # A module of v1 has lists of convolutions, which are blocks then, and not the module.
    is_stack = spec.version == "v1"
    run = partial(_branches, module=item, spec=spec, counts=is_stack)
    return maps.counted(tape, item.name, run, x, several=not is_stack)


def _branches(
    tape: Tape, x: maps.Held, *, module: Module, spec: InceptionSpec, counts: bool
) -> maps.Held:
    found, asked = [], dict[str, Any](spec=spec, counts=counts)
    for branch in module.branches:
        y = x
        for fork in branch:
            made = [
                _layer(tape, y, at=f"{module.name}.{step.name}", step=step, **asked)
                for step in fork
            ]
            y = made[0] if len(made) == 1 else maps.joined(tape, module.name, made)
        found.append(y)
    return maps.joined(tape, module.name, found)


def _layer(
    tape: Tape, x: maps.Held, *, at: str, step: Step, spec: InceptionSpec, counts: bool
) -> maps.Held:
    """Return what a pool makes, or a convolution; `counts`: whether that is a block."""
    if step.kind == "conv":
        run = partial(_convolved, at=at, step=step, spec=spec)
        return maps.counted(tape, at, run, x, several=counts)
    pooled = maps.max_pooled if step.kind == "max" else maps.mean_pooled
    return pooled(
        tape, at, x, step.kernel, stride=step.stride, padding=step.padding, ceil=step.ceil_mode
    )


def _convolved(tape: Tape, x: maps.Held, *, at: str, step: Step, spec: InceptionSpec) -> maps.Held:
    names, channels = (f"{at}.conv", f"{at}.bn"), scaled(spec, step.channels)
    placed: dict[str, Any] = {"stride": step.stride, "padding": step.padding}
    x = maps.normed_convolution(tape, *names, x, channels, step.kernel, **placed)
    return maps.activated(tape, at, "relu", x)


def _auxiliary_v1(tape: Tape, at: str, x: maps.Held, spec: InceptionSpec) -> None:
    def run(tape: Tape, x: maps.Held) -> maps.Held:
        x = maps.pooled_to(tape, f"{at}.pool", x, AUX_POOLED["v1"])
        x = _convolved(tape, x, at=f"{at}.conv", step=Step(name="conv", channels=128), spec=spec)
        x = maps.linear(tape, f"{at}.fc1", x, scaled(spec, 1024))
        x = maps.dropped(tape, f"{at}.dropout", maps.activated(tape, at, "relu", x))
        tape.keep(f"{at}.fc2", x.value)
        return x

    maps.counted(tape, at, run, x)


def _auxiliary_v3(tape: Tape, at: str, x: maps.Held, spec: InceptionSpec) -> None:
    x = maps.mean_pooled(tape, f"{at}.pool", x, 5, stride=3)
    first = Step(name="conv0", channels=128)
    second = Step(name="conv1", channels=768, kernel=(5, 5), padded=False)
    for step in (first, second):
        x = _layer(tape, x, at=f"{at}.{step.name}", step=step, spec=spec, counts=True)
    maps.classified(tape, f"{at}.fc", x)
