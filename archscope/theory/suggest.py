"""Which dilations to use: three schedules without a hole for a wanted receptive field."""

from collections.abc import Iterator
from itertools import islice
from typing import Literal

from archscope.errors import SpecError, UsageError
from archscope.records import frozen
from archscope.theory.combs import ascending, combs, jump, reach
from archscope.theory.coverage import is_full
from archscope.theory.gridding import Gridding, gridding
from archscope.theory.layers import Stack, dilated, pool
from archscope.theory.paths import Paths, paths
from archscope.theory.ripple import find_ripple, find_smoothest
from archscope.theory.schedules import STEPS, Room, greatest, list_schedules

LAYERS_LIMIT = 500
"""New layers beyond which a target counts as out of reach."""


@frozen
class Schedule:
    """One choice of dilations, with all its metrics."""

    kind: Literal["fewest", "smooth", "pyramid"]
    """`fewest` layers; `smooth`: one more, least ripple; `pyramid`: no map within is gridded."""
    dilations: tuple[int, ...]
    """Of the new layers, in order."""
    receptive_field: int
    """Input positions, prefix included; at least the target."""
    gridding: Gridding
    """Against the input, prefix included."""
    paths: Paths
    """Against the input, prefix included."""
    ripple: float | None
    """Unevenness of the paths over phases (`ripple.find_ripple`); None where out of reach."""
    compared: int
    """Schedules compared for this choice; 1 where a closed form gives it."""


@frozen
class Suggestion:
    """The answer to: which dilations see `target` positions without a hole?"""

    fewest: Schedule
    """As few layers as can reach the target without a hole, or as many as were asked for."""
    smooth: Schedule | None
    """None where the given number of layers leaves no choice."""
    pyramid: Schedule | None
    """Every prefix and every suffix of the new layers is covered too; None where none was found."""


@frozen
class _Task:
    """What is asked, in the form that the searches need."""

    target: int
    kernel: int
    base: Stack
    room: Room
    layers: int | None

    def stack(self, dilations: tuple[int, ...]) -> Stack:
        return self.base + dilated(dilations, kernels=(self.kernel,))

    def total(self, layers: int) -> int:
        """Sum of dilations of the smallest window that meets the target with that many layers."""
        missing = [self.target - reach(self.room.fixed)]
        finer = 1
        for comb in ascending(self.room.fixed):
            missing.append(comb.rate - finer)  # it leaves holes unless all finer ones reach so far
            finer += comb.span
        return max(layers, -(-max(missing) // ((self.kernel - 1) * self.room.jump)))


def suggest(
    target: int,
    *,
    kernel: int = 3,
    layers: int | None = None,
    max_dilation: int | None = None,
    prefix: Stack = (),
    stride: int = 1,
) -> Suggestion:
    """Return three schedules that see at least `target` input positions along an axis, all of them.

    `layers` fixes the number of new layers, `max_dilation` bounds each. `prefix` stays as it is in
    front of them. `stride` says that all this reads a map pooled by so much, without overlap.
    Raises `UsageError` with the reason where no schedule exists.

    >>> found = suggest(63)
    >>> found.fewest.dilations, found.smooth.dilations, found.pyramid.dilations
    ((1, 3, 9, 18), (1, 3, 9, 9, 9), (1, 3, 7, 8, 8, 3, 1))
    """
    _check(
        target=(target, 2),
        kernel=(kernel, 2),
        stride=(stride, 1),
        layers=(1 if layers is None else layers, 1),
        max_dilation=(1 if max_dilation is None else max_dilation, 1),
    )
    base = ((pool(stride, name="pool"),) if stride > 1 else ()) + prefix
    room = Room(fixed=combs(base), jump=jump(base), max_dilation=max_dilation)
    task = _Task(target=target, kernel=kernel, base=base, room=room, layers=layers)
    needed = _fewest_layers(task)
    count = task.layers or needed
    fewest = _first_full(task, count)
    assert fewest is not None, "the largest schedule always exists"
    smooth, compared = _smoothest(task, task.layers or needed + 1)
    pyramid = _pyramid(task, needed)
    return Suggestion(
        fewest=_schedule(task, "fewest", fewest, 1),
        smooth=None if smooth is None else _schedule(task, "smooth", smooth, compared),
        pyramid=None if pyramid is None else _schedule(task, "pyramid", pyramid, 1),
    )


def _fewest_layers(task: _Task) -> int:
    # The greatest reach of n layers decides: below k^n positions nothing else is in the way.
    most = task.layers or LAYERS_LIMIT
    reached = task.room.start()
    for count in range(most + 1):
        if not reached.waiting and reached.positions >= task.target:
            if count:
                return count
            raise UsageError(
                f"target {task.target}: the {reached.positions} positions that the given layers "
                "see have no hole and suffice; there is nothing to add."
            )
        dilation = task.room.largest(reached)
        if not dilation:
            raise UsageError(
                f"target {task.target}: the map has stride {task.room.jump}, but its units see "
                f"only {reached.positions} positions in a row; no dilation fills holes between."
            )
        furthest, reached = reached, reached.widened((task.kernel - 1) * dilation * task.room.jump)
    raise UsageError(_out_of_reach(task, most, furthest.positions, bool(furthest.waiting)))


def _out_of_reach(task: _Task, layers: int, positions: int, is_waiting: bool) -> str:
    limit = task.room.max_dilation
    bound = "" if limit is None else f" with dilations up to {limit}"
    power = f" ({task.kernel}^{layers})" if positions == task.kernel**layers else ""
    also = "; the given layers keep holes beyond that" if is_waiting else ""
    return (
        f"target {task.target}: {layers} layers of kernel {task.kernel}{bound} reach "
        f"at most {positions} positions{power} without a hole{also}. "
        "Allow more layers, a larger kernel or larger dilations."
    )


def _first_full(task: _Task, layers: int) -> tuple[int, ...] | None:
    largest = greatest(task.room, (task.kernel,) * layers)
    if largest is None:
        return None
    steps = iter(range(STEPS))
    for total in range(task.total(layers), sum(largest) + 1):
        # Powers of k and what is then missing: the closed form, where its last rate is allowed.
        *powers, _ = largest
        filled = tuple(sorted((*powers, total - sum(powers))))
        if _fits(task, filled):
            return filled
        found = next(list_schedules(task.room, task.kernel, layers, total, steps), None)
        if found is not None:
            return found
        if next(steps, None) is None:
            break  # the largest is one too, if not the shortest
    return largest


def _fits(task: _Task, dilations: tuple[int, ...]) -> bool:
    limit = task.room.max_dilation
    if dilations[0] < 1 or (limit is not None and dilations[-1] > limit):
        return False
    return is_full(combs(task.stack(dilations)))


def _smoothest(task: _Task, layers: int) -> tuple[tuple[int, ...] | None, int]:
    first = _first_full(task, layers)
    if first is None:
        return None, 0
    others = list_schedules(task.room, task.kernel, layers, sum(first))
    smoothest, compared = find_smoothest(task.base, task.kernel, others)
    return smoothest or first, max(compared, 1)


def _pyramid(task: _Task, needed: int) -> tuple[int, ...] | None:
    counts = (task.layers,) if task.layers else range(needed, LAYERS_LIMIT + 1)
    steps = iter(range(STEPS))
    for count in counts:
        for falling in range(1, count):
            found = _up_and_down(task, count - falling, falling, steps)
            if found is not None:
                return found
            if next(steps, None) is None:
                return None
    return None


def _up_and_down(
    task: _Task, rising: int, falling: int, steps: Iterator[int]
) -> tuple[int, ...] | None:
    # The tail covers its own map out to the peak, so that no map within is gridded.
    tail = greatest(Room(max_dilation=task.room.max_dilation), (task.kernel,) * falling)
    if tail is None:
        return None
    peak = 1 + (task.kernel - 1) * sum(tail)
    limit = task.room.max_dilation
    room = Room(
        fixed=task.room.fixed,
        jump=task.room.jump,
        max_dilation=peak if limit is None else min(peak, limit),
    )
    total = task.total(rising + falling) - sum(tail)
    for up in islice(list_schedules(room, task.kernel, rising, total, steps), 1):
        dilations = up + tail[::-1]
        if _is_covered_within(task, dilations):
            return dilations
    return None


def _is_covered_within(task: _Task, dilations: tuple[int, ...]) -> bool:
    stack = task.stack(dilations)
    new = stack[len(task.base) :]
    depths = range(1, len(new) + 1)
    return (
        is_full(combs(stack))
        and all(is_full(combs(new[-depth:])) for depth in depths)
        and (bool(task.base) or all(is_full(combs(new[:depth])) for depth in depths))
    )


def _schedule(
    task: _Task,
    kind: Literal["fewest", "smooth", "pyramid"],
    dilations: tuple[int, ...],
    compared: int,
) -> Schedule:
    stack = task.stack(dilations)
    return Schedule(
        kind=kind,
        dilations=dilations,
        receptive_field=reach(combs(stack)),
        gridding=gridding(stack),
        paths=paths(stack),
        ripple=find_ripple(stack),
        compared=compared,
    )


def _check(**values: tuple[int, int]) -> None:
    for field, (value, low) in values.items():
        if not isinstance(value, int) or value < low:
            raise SpecError(field, value, f"is not an integer of at least {low}")
