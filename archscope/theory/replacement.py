"""For a stack with holes: other dilations of the same length and reach that leave none."""

from collections.abc import Sequence
from dataclasses import replace

from archscope.records import frozen
from archscope.theory.combs import combs, jump, reach
from archscope.theory.coverage import is_full
from archscope.theory.layers import Stack
from archscope.theory.ripple import find_smoothest
from archscope.theory.schedules import (
    Room,
    Slot,
    fill,
    furthest_order,
    greatest,
    list_schedules,
    placed,
)

SEARCHED_LAYERS = 300
"""Layers up to which schedules are compared; for more, one is made."""

Tied = Sequence[Sequence[int]]
"""Indices of layers that share one dilation."""


@frozen
class Replacement:
    """Which dilations to use instead."""

    dilations: tuple[int, ...] | None = None
    """One per layer of the stack: same window, no hole, least ripple; None where there are none."""
    reason: str = ""
    """Why there are none, or an empty string."""
    offer: tuple[int, ...] | None = None
    """Where there are none: the dilations that reach furthest without a hole."""
    offer_hull: int | None = None
    """The window of the offer, in input positions."""


@frozen
class _Task:
    """A stack, and what of it may be changed."""

    stack: Stack
    tied: Tied
    """Groups of layers behind the last stride, each with a dilation to be chosen."""
    slots: tuple[Slot, ...]
    """What each group adds."""
    room: Room

    def placed(self, dilations: Sequence[int]) -> tuple[int, ...]:
        """Return the dilation of every layer, for some of the groups."""
        chosen = {
            layer: dilation
            for group, dilation in zip(self.tied, dilations, strict=True)
            for layer in group
            if self.stack[layer].kernel > 1  # of one tap it means nothing
        }
        return tuple(chosen.get(n, layer.dilation) for n, layer in enumerate(self.stack))

    def made(self, dilations: Sequence[int]) -> Stack:
        """Return the stack with some dilations of the groups."""
        every = zip(self.stack, self.placed(dilations), strict=True)
        return tuple(replace(layer, dilation=dilation) for layer, dilation in every)


def find_replacement(stack: Stack, tied: Tied = ()) -> Replacement:
    """Return other dilations for the convolutions behind the last stride, all else unchanged.

    Layers of a group in `tied` keep one dilation together; without any, each has its own.

    >>> from archscope.theory.layers import dilated
    >>> find_replacement(dilated((2, 2, 2))).dilations
    (1, 2, 3)
    >>> find_replacement(dilated((2, 4, 8))).offer
    (1, 3, 9)
    """
    if is_full(combs(stack)):
        kept = tuple(layer.dilation for layer in stack)
        return Replacement(dilations=kept, reason="every position of the window is seen already")
    task = _task(stack, tied or [(index,) for index in range(len(stack))])
    best = _most_even(task) if task.slots else None
    return _offer(task) if best is None else Replacement(dilations=task.placed(best))


def _task(stack: Stack, tied: Tied) -> _Task:
    split = max((i + 1 for i, layer in enumerate(stack) if layer.stride > 1), default=0)
    step = jump(stack[:split])
    groups, slots = [], []
    for group in tied:
        layers = [n for n in group if stack[n].kernel > 1 and stack[n].kind == "conv"]
        if layers and layers[0] >= split:
            groups.append(layers)
            slots.append(Slot(taps=1 + sum(stack[n].kernel - 1 for n in layers), jump=step))
    changed = {layer for group in groups for layer in group}
    fixed = tuple(comb for comb in combs(stack) if comb.layer not in changed)
    return _Task(stack=stack, tied=groups, slots=tuple(slots), room=Room(fixed=fixed))


def _most_even(task: _Task) -> tuple[int, ...] | None:
    span = reach(combs(task.stack)) - reach(task.room.fixed)
    if len(task.slots) <= SEARCHED_LAYERS:
        found = find_smoothest(task.made, list_schedules(task.room, task.slots, span))[0]
        if found is not None:
            return found
    order = furthest_order(task.room, task.slots)
    if order is None:
        return None
    made = placed(task.slots, order, fill(task.room, order, span))
    after = combs(task.made(made))
    return made if is_full(after) and reach(after) == reach(combs(task.stack)) else None


def _offer(task: _Task) -> Replacement:
    order = furthest_order(task.room, task.slots) if task.slots else None
    if order is None:
        seen, step = task.room.start(), jump(task.stack)
        if seen.positions >= step and not task.slots:
            return Replacement(
                reason="no convolution follows the last stride, where other dilations fill holes"
            )
        return Replacement(
            reason=f"the layers up to the last stride see {seen.positions} "
            f"position{'s' * (seen.positions > 1)} in a row and the map behind has stride {step}; "
            "no dilation behind it fills the holes"
        )
    largest = placed(task.slots, order, greatest(task.room, order))
    spans = (slot.span(dilation) for slot, dilation in zip(task.slots, largest, strict=True))
    offered = reach(task.room.fixed) + sum(spans)
    return Replacement(
        reason=_too_short(task, offered), offer=task.placed(largest), offer_hull=offered
    )


def _too_short(task: _Task, offered: int) -> str:
    hull, count = reach(combs(task.stack)), len(task.slots)
    if offered >= hull:
        return f"no dilations of these {count} layers see all of {hull} positions"
    kernels = sorted({task.stack[n].kernel for group in task.tied for n in group})
    several = sum(map(len, task.tied))
    power = f" ({kernels[0]}^{count})" if offered == kernels[0] ** count else ""
    return (
        f"{several} layer{'s' * (several > 1)} of kernel {' and '.join(map(str, kernels))} reach"
        f"{'es' * (several == 1)} at most {offered} positions{power} without a hole, fewer than "
        f"{hull}"
    )
