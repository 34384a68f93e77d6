"""Which dilations to use: three schedules without a hole for a wanted receptive field."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import gcd
from typing import Literal

from archscope.errors import SpecError, UsageError
from archscope.records import frozen
from archscope.theory.combs import combs, reach
from archscope.theory.coverage import is_full
from archscope.theory.gridding import Gridding, gridding
from archscope.theory.layers import Stack, pool
from archscope.theory.new_layers import Plan, Task, task_of
from archscope.theory.paths import Paths, paths
from archscope.theory.ripple import find_ripple, find_smoothest
from archscope.theory.schedules import (
    SEARCH_WORK,
    Budget,
    Furthest,
    Reached,
    Room,
    Slot,
    fill,
    greatest,
    list_schedules,
    placed,
)
from archscope.theory.support import WORK_LIMIT

POSITIONS_LIMIT = 1 << 16
"""Positions up to which the paths of a schedule are counted one by one."""


@frozen
class Schedule:
    """One choice of dilations, with all its metrics."""

    kind: Literal["fewest", "smooth", "pyramid"]
    """`fewest` layers; `smooth`: one more, least ripple; `pyramid`: no map within is gridded."""
    dilations: tuple[int, ...]
    """Of the new layers, or blocks of them, in order."""
    layers: Stack
    """All layers, those that stay in front included."""
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
    is_fewest: bool
    """Whether fewer layers are known not to do; False where kinds of layers are too many."""
    pyramid: Schedule | None
    """Every prefix and every suffix of the new layers is covered too; None where none was found."""


def suggest(
    target: int,
    *,
    kernel: int | Sequence[int] = 3,
    layers: int | None = None,
    max_dilation: int | None = None,
    prefix: Stack = (),
    stride: int = 1,
    strides: Sequence[int] = (),
    convs: int = 1,
) -> Suggestion:
    """Return three schedules that see at least `target` input positions along an axis, all of them.

    `layers` fixes the number of new layers, `max_dilation` bounds each. `prefix` stays as it is in
    front of them. `stride` says that all this reads a map pooled by so much, without overlap. Of
    several kernels the last holds for all further layers; `strides` are those of the first new
    layers, `convs` how many convolutions in a row share each dilation.
    Raises `UsageError` with the reason where no schedule exists.

    >>> found = suggest(63)
    >>> found.fewest.dilations, found.smooth.dilations, found.pyramid.dilations
    ((1, 3, 9, 18), (1, 3, 9, 9, 9), (1, 3, 7, 8, 8, 3, 1))
    """
    kernels = (kernel,) if isinstance(kernel, int) else tuple(kernel)
    _check("target", target, 2)
    _check("stride", stride, 1)
    _check("layers", 1 if layers is None else layers, 1)
    _check("max_dilation", 1 if max_dilation is None else max_dilation, 1)
    _check("convs", convs, 1)
    for one in kernels:
        _check("kernel", one, 2)
    for one in strides:
        _check("strides", one, 1)
    plan = Plan(kernels=kernels, strides=tuple(strides), convs=convs)
    base = ((pool(stride, name="pool"),) if stride > 1 else ()) + prefix
    return _suggestion(task_of(target, base, plan, layers, max_dilation))


def _suggestion(task: Task) -> Suggestion:
    furthest, budget = (
        Furthest(task.room, task.slots(len(task.given)), task.more),
        Budget(SEARCH_WORK),
    )
    needed = _fewest_layers(task, furthest)
    fewest = _first_full(task, furthest, needed, budget)
    smooth, compared = _smoothest(task, furthest, task.layers or needed + 1, budget)
    pyramid = _pyramid(task, needed, budget)
    return Suggestion(
        fewest=_schedule(task, "fewest", fewest, 1),
        is_fewest=furthest.is_searched,
        smooth=None if smooth is None else _schedule(task, "smooth", smooth, compared),
        pyramid=None if pyramid is None else _schedule(task, "pyramid", pyramid, 1),
    )


def _fewest_layers(task: Task, furthest: Furthest) -> int:
    """Return how many new blocks it takes; the furthest that so many reach decides."""
    start = Room(fixed=combs(task.base)).start()
    if not start.waiting and start.positions >= task.target:
        raise UsageError(
            f"target {task.target}: the {start.positions} positions that the given layers "
            "see have no hole and suffice; there is nothing to add."
        )
    least, reached = len(task.given), task.room.start()
    for count in range(least, task.most + 1):
        found = furthest.reach(count - least)
        if found is None:
            raise UsageError(_no_dilation(task))
        reached = found
        if not reached.waiting and reached.positions >= task.target:
            return count
    raise UsageError(_out_of_reach(task, count, reached))


def _no_dilation(task: Task) -> str:
    """Return the proof that there is none: even dilation 1 steps over a hole."""
    reached = task.room.start()
    for slot in sorted(task.slots(len(task.given) + 1), key=lambda slot: slot.jump):
        dilation = task.room.largest(reached, slot)
        if not dilation:
            break
        reached = reached.widened(slot.span(dilation))
    seen, step = reached.positions, slot.jump
    return (
        f"target {task.target}: the map has stride {step}, but its units see only {seen} "
        f"position{'s' * (seen > 1)} in a row; no dilation fills holes between, since 1 already "
        f"steps {step} from tap to tap. Stride less, or add layers before the stride"
    )


def _out_of_reach(task: Task, count: int, reached: Reached) -> str:
    limit, plan = task.room.max_dilation, task.plan
    bound = "" if limit is None else f" with dilations up to {limit}"
    is_power = reached.positions == plan.kernels[0] ** count
    power = f" ({plan.kernels[0]}^{count})" if is_power else ""
    also = "; the given layers keep holes beyond that" if reached.waiting else ""
    kernels = ",".join(map(str, plan.kernels))
    each = "" if plan.convs == 1 else f"block{'s' * (count > 1)} of {plan.convs} "
    layers = f"layer{'s' * (count * plan.convs > 1)}"
    return (
        f"target {task.target}: {count} {each}{layers} of kernel {kernels}{bound} "
        f"reach{'es' * (count == 1)} at most {reached.positions} positions{power} without a "
        f"hole{also}. Allow more layers, a larger kernel or larger dilations."
    )


def _first_full(task: Task, furthest: Furthest, count: int, budget: Budget) -> tuple[int, ...]:
    """Return the shortest window that is found; of as many layers as reach the target."""
    slots = task.slots(count)
    if not slots:
        return task.every(())
    order = furthest.order(count - len(task.given))
    filled = fill(task.room, order, task.span(slots))
    made = placed(slots, order, filled)
    if filled[:-1] == greatest(task.room, order)[:-1] and len(set(slots)) == 1:
        return task.every(made)  # powers of k and what is then missing
    for span in _spans(slots, task.span(slots)):
        found = next(list_schedules(task.room, slots, span, budget.share(8)), None)
        if found is not None or span >= _added(slots, made) or not budget.spend(1):
            return task.every(made if found is None else found)
    raise AssertionError("the spans have no end")


def _spans(slots: Sequence[Slot], least: int) -> Iterator[int]:
    """Yield what dilations of the slots can add in all, from the least that is wanted."""
    unit = gcd(*(slot.span(1) for slot in slots))
    yield from itertools.count(-(-least // unit) * unit, unit)


def _added(slots: Sequence[Slot], dilations: Sequence[int]) -> int:
    return sum(slot.span(dilation) for slot, dilation in zip(slots, dilations, strict=True))


def _smoothest(
    task: Task, furthest: Furthest, count: int, budget: Budget
) -> tuple[tuple[int, ...] | None, int]:
    slots = task.slots(count)
    reached = furthest.reach(count - len(task.given))
    if not slots or reached is None or reached.waiting:
        return None, 0
    first = _first_full(task, furthest, count, budget)
    span = reach(combs(task.stack(first))) - reach(task.room.fixed)
    others = list_schedules(task.room, slots, span, budget.share(2))
    smoothest, compared = find_smoothest(lambda chosen: task.stack(task.every(chosen)), others)
    return (first if smoothest is None else task.every(smoothest)), max(compared, 1)


def _pyramid(task: Task, needed: int, budget: Budget) -> tuple[int, ...] | None:
    counts = (task.layers,) if task.layers else range(needed, task.most + 1)
    for count in counts:
        for falling in range(1, count - len(task.plan.strides) + 1):
            if not budget.spend(4 * count):
                return None
            found = _up_and_down(task, task.slots(count), falling, budget)
            if found is not None:
                return found
    return None


def _up_and_down(
    task: Task, slots: tuple[Slot, ...], falling: int, budget: Budget
) -> tuple[int, ...] | None:
    # The tail covers its own map out to the peak, so that no map within is gridded.
    behind, before = slots[len(slots) - falling :], slots[: len(slots) - falling]
    own = [Slot(taps=slot.taps) for slot in reversed(behind)]
    limit = task.room.max_dilation
    tail = greatest(Room(max_dilation=limit), own)
    peak = 1 + _added(own, tail)
    room = replace(task.room, max_dilation=peak if limit is None else min(peak, limit))
    rest = task.span(slots) - _added(behind, tail[::-1])
    if rest < sum(slot.span(1) for slot in before):
        return None
    span = next(_spans(before, rest)) if before else rest
    for up in itertools.islice(list_schedules(room, before, span, budget), 1):
        dilations = task.every((*up, *tail[::-1]))
        if budget.spend(len(dilations) ** 2 // 8) and _is_covered_within(task, dilations):
            return dilations
    return None


def _is_covered_within(task: Task, dilations: tuple[int, ...]) -> bool:
    stack = task.stack(dilations)
    new = stack[len(task.base) :]
    depths = range(1, len(new) + 1)
    return (
        is_full(combs(stack))
        and all(is_full(combs(new[-depth:])) for depth in depths)
        and (bool(task.base) or all(is_full(combs(new[:depth])) for depth in depths))
    )


def _schedule(
    task: Task,
    kind: Literal["fewest", "smooth", "pyramid"],
    dilations: tuple[int, ...],
    compared: int,
) -> Schedule:
    stack = task.stack(dilations)
    return Schedule(
        kind=kind,
        dilations=dilations,
        layers=stack,
        receptive_field=reach(combs(stack)),
        gridding=gridding(stack, limit=WORK_LIMIT // 4),
        paths=paths(stack, positions=POSITIONS_LIMIT),
        ripple=find_ripple(stack),
        compared=compared,
    )


def _check(field: str, value: object, low: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise SpecError(field, value, f"is not an integer of at least {low}")
