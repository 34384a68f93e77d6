"""When a training step has most memory alive, and what it is then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal

from archscope.records import frozen
from archscope.training.live_memory import Change, Phase
from archscope.training.step import Step
from archscope.training.unfolded_changes import laid_out

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


def peak(step: Step) -> Peak | None:
    """Return when most memory was alive in a step; None where blocks were left out of it.

    Copies of a block do the same one after the other, so that most is alive in the first of them
    or in the last.
    """
    turns = laid_out(step)
    if turns is None:
        return None
    roles = _roles(step)
    watch = _Watch(roles)
    for turn in turns:
        watch.see(turn.of(0, step))
        if turn.times > 1:
            watch.skip(turn.changes, turn.times - 2)
            watch.see(turn.of(turn.times - 1, step))
    return watch.peak()


class _Watch:
    """Adds up what is alive, and remembers when it was most."""

    def __init__(self, roles: dict[int, Role]) -> None:
        self._roles = roles
        self._alive: Counter[Role] = Counter()
        self._most: Counter[Role] = Counter()
        self._at = Change(phase="forward", path="", bytes=0)

    def see(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._alive[self._role(change)] += change.bytes
            if change.bytes > 0 and self._alive.total() > self._most.total():
                self._most, self._at = self._alive.copy(), change

    def skip(self, changes: Iterable[Change], times: int) -> None:
        """Let the same changes come so often that nobody looks."""
        for change in changes:
            self._alive[self._role(change)] += times * change.bytes

    def _role(self, change: Change) -> Role:
        return self._roles.get(change.block, "temporary")

    def peak(self) -> Peak:
        return Peak(
            bytes=self._most.total(),
            phase=self._at.phase,
            path=self._at.path,
            saved=self._most["saved"],
            gradients=self._most["gradients"],
            temporary=self._most["temporary"],
        )


def timeline(step: Step) -> Iterator[tuple[Phase, str, int]]:
    """Yield part of the step, module, and the most bytes that were alive in that module's turn."""
    alive = 0
    for (phase, path), turn in groupby(
        every_change(step), lambda change: (change.phase, change.path)
    ):
        most = alive
        for change in turn:
            alive += change.bytes
            most = max(most, alive)
        yield phase, path, most


def every_change(step: Step) -> Iterator[Change]:
    """Yield each change of each copy in order; none where blocks were left out that are unknown."""
    for turn in laid_out(step) or ():
        for number in range(turn.times):
            yield from turn.of(number, step)


def _roles(step: Step) -> dict[int, Role]:
    saved: dict[int, Role] = {each.block: "saved" for each in step.saved if each.block is not None}
    saved |= dict.fromkeys(step.saved_later, "saved")
    return saved | dict.fromkeys(step.gradients, "gradients")
