"""Lists dilations that leave no hole: how far they can reach at most, and all that reach so far.

Rates join from the smallest: a new one may be as large as what the finer ones reach together
(`coverage.is_full`). Fixed combs, such as a backbone's, join as soon as that allows.
"""

from collections.abc import Iterator, Sequence

from archscope.records import frozen
from archscope.theory.combs import Comb, ascending


@frozen
class Reached:
    """How far chosen and fixed combs reach without a hole."""

    positions: int
    """Positions in a row."""
    waiting: tuple[Comb, ...]
    """Fixed combs that still step over a hole, the finest first."""

    def widened(self, span: int) -> "Reached":
        """Return the reach with one more comb of that span, and what can then join."""
        return _absorbed(self.positions + span, self.waiting)


@frozen
class Room:
    """What new layers must respect."""

    fixed: tuple[Comb, ...] = ()
    """Combs that are there already."""
    jump: int = 1
    """Input positions between neighbours of the map that the new layers read."""
    max_dilation: int | None = None
    """Largest dilation allowed."""

    def start(self) -> Reached:
        """Return what the fixed combs reach without a hole, before any new layer."""
        return _absorbed(1, tuple(ascending(self.fixed)))

    def largest(self, reached: Reached) -> int:
        """Return the largest dilation that leaves no hole next; 0 where there is none."""
        fitting = reached.positions // self.jump
        return fitting if self.max_dilation is None else min(fitting, self.max_dilation)


def greatest(room: Room, kernels: Sequence[int]) -> tuple[int, ...] | None:
    """Return the dilations that reach furthest without a hole, ascending, one per kernel.

    Taking the largest allowed rate each time is optimal, since a longer reach allows all that a
    shorter one does; without fixed combs it gives 1, k, k^2, ... and k^L positions. None where even
    that leaves a fixed comb stepping over a hole.
    """
    reached, chosen = room.start(), []
    for kernel in kernels:
        chosen.append(room.largest(reached))
        if not chosen[-1]:
            return None
        reached = reached.widened((kernel - 1) * chosen[-1] * room.jump)
    return None if reached.waiting else tuple(chosen)


STEPS = 200_000
"""Dilations that a search tries, at most: some seconds."""


def list_schedules(
    room: Room, kernel: int, layers: int, total: int, steps: Iterator[int] | None = None
) -> Iterator[tuple[int, ...]]:
    """Yield every ascending choice of dilations that sums to `total` and leaves no hole.

    The steepest come first: those that begin as 1, k, k^2. Each dilation that is tried takes one of
    `steps`, which several searches may share; without more the search ends.
    """
    steps = iter(range(STEPS)) if steps is None else steps
    yield from _extend(room, kernel, room.start(), (), layers, total, steps)


def _extend(
    room: Room,
    kernel: int,
    reached: Reached,
    chosen: tuple[int, ...],
    layers: int,
    total: int,
    steps: Iterator[int],
) -> Iterator[tuple[int, ...]]:
    if not layers:
        if not total and not reached.waiting:
            yield chosen
        return
    smallest = chosen[-1] if chosen else 1
    largest = min(room.largest(reached), total // layers)
    for dilation, _ in zip(range(largest, smallest - 1, -1), steps):  # noqa: B905
        after = reached.widened((kernel - 1) * dilation * room.jump)
        if _most(room, kernel, after, layers - 1) < total - dilation:
            # A smaller rate here only reaches less.
            return
        more = (*chosen, dilation)
        yield from _extend(room, kernel, after, more, layers - 1, total - dilation, steps)


def _most(room: Room, kernel: int, reached: Reached, layers: int) -> int:
    most = 0
    for _ in range(layers):
        dilation = room.largest(reached)
        most += dilation
        reached = reached.widened((kernel - 1) * dilation * room.jump)
    return most


def _absorbed(positions: int, waiting: tuple[Comb, ...]) -> Reached:
    while waiting and waiting[0].rate <= positions:
        positions += waiting[0].span
        waiting = waiting[1:]
    return Reached(positions=positions, waiting=waiting)
