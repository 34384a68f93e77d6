"""When a training step has most memory alive, and what it is then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

from archscope.records import frozen
from archscope.training.alive import Change, Phase
from archscope.training.step import Step

Role = Literal["saved", "gradients", "temporary"]


@frozen
class Peak:
    """The most memory that was alive at once, beside what is there before the step."""

    bytes: int
    phase: Phase
    """The part of the step."""
    path: str
    """The module at work."""
    saved: int
    """Bytes of it that the forward keeps for the backward."""
    gradients: int
    """Bytes of it that are gradients of parameters."""
    temporary: int
    """Bytes of all else: outputs, gradients of activations, what operators make on the way."""


def peak(step: Step) -> Peak:
    """Return when most memory was alive in a step of a network that ran with all its blocks."""
    alive = most = at = 0
    for number, change in enumerate(step.changes):
        alive += change.bytes
        if alive > most:
            most, at = alive, number
    roles = _roles(step)
    parts: Counter[Role] = Counter()
    for change in step.changes[: at + 1]:
        parts[roles.get(change.block, "temporary")] += change.bytes
    here = step.changes[at] if step.changes else Change(phase="forward", path="", bytes=0)
    return Peak(
        bytes=most,
        phase=here.phase,
        path=here.path,
        saved=parts["saved"],
        gradients=parts["gradients"],
        temporary=parts["temporary"],
    )


def timeline(step: Step) -> Iterator[tuple[Phase, str, int]]:
    """Yield part of the step, module, and the most bytes that were alive in that module's turn."""
    alive = 0
    for (phase, path), turn in groupby(step.changes, lambda change: (change.phase, change.path)):
        most = alive
        for change in turn:
            alive += change.bytes
            most = max(most, alive)
        yield phase, path, most


def _roles(step: Step) -> dict[int, Role]:
    saved: dict[int, Role] = {each.block: "saved" for each in step.saved if each.block is not None}
    return saved | dict.fromkeys(step.gradients, "gradients")
