"""For a stack with holes: other dilations of the same length and reach that leave none."""

from archscope.records import frozen
from archscope.theory.combs import combs, jump, reach
from archscope.theory.coverage import is_full
from archscope.theory.layers import Stack
from archscope.theory.ripple import find_smoothest
from archscope.theory.schedules import Room, greatest, list_schedules

SEARCHED_LAYERS = 300
"""Layers up to which schedules are compared; for more, one is made."""


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


def find_replacement(stack: Stack) -> Replacement:
    """Return other dilations for the layers behind the last stride, all else unchanged.

    >>> from archscope.theory.layers import dilated
    >>> find_replacement(dilated((2, 2, 2))).dilations
    (1, 2, 3)
    >>> find_replacement(dilated((2, 4, 8))).offer
    (1, 3, 9)
    """
    if is_full(combs(stack)):
        return Replacement(reason="every position of the window is seen already")
    split = max((i + 1 for i, layer in enumerate(stack) if layer.stride > 1), default=0)
    head, tail = stack[:split], stack[split:]
    room = Room(fixed=combs(head), jump=jump(head))
    kernels = [layer.kernel for layer in tail if layer.kernel > 1]
    if len(set(kernels)) == 1:
        best = _most_even(room, head, tail, kernels)
        if best is not None:
            return Replacement(dilations=_placed(head, tail, best))
    return _offer(room, head, tail, kernels)


def _most_even(room: Room, head: Stack, tail: Stack, kernels: list[int]) -> tuple[int, ...] | None:
    total = sum(layer.dilation for layer in tail if layer.kernel > 1)
    if len(kernels) > SEARCHED_LAYERS:
        return _steepest(room, kernels, total)
    schedules = list_schedules(room, kernels[0], len(kernels), total)
    return find_smoothest(head, kernels[0], schedules)[0]


def _steepest(room: Room, kernels: list[int], total: int) -> tuple[int, ...] | None:
    # The largest dilation each time, as long as each layer that is left still gets 1.
    reached, chosen, rest = room.start(), [], total
    for left, kernel in zip(range(len(kernels) - 1, -1, -1), kernels, strict=True):
        dilation = min(room.largest(reached), rest - left)
        if dilation < 1:
            return None
        chosen.append(dilation)
        rest -= dilation
        reached = reached.widened((kernel - 1) * dilation * room.jump)
    return None if rest or reached.waiting else tuple(sorted(chosen))


def _offer(room: Room, head: Stack, tail: Stack, kernels: list[int]) -> Replacement:
    hull = reach(combs(head + tail))
    largest = greatest(room, kernels) if kernels else None
    if largest is None:
        seen = room.start().positions
        return Replacement(
            reason=f"the layers up to the last stride see {seen} position{'s' * (seen > 1)} in a "
            f"row and the map behind has stride {room.jump}; no dilation behind it fills the holes"
        )
    sums = (k - 1 for k in kernels)
    offered = reach(room.fixed) + sum(
        span * dilation * room.jump for span, dilation in zip(sums, largest, strict=True)
    )
    if len(set(kernels)) > 1:
        reason = "the kernels differ, and schedules are searched for equal ones only"
    elif offered < hull:
        power = "" if head else f" ({kernels[0]}^{len(kernels)})"
        reason = (
            f"{len(kernels)} layer{'s' * (len(kernels) > 1)} of kernel {kernels[0]} reach"
            f"{'es' * (len(kernels) == 1)} at most {offered} positions"
            f"{power} without a hole, fewer than {hull}"
        )
    else:
        reason = f"no dilations of these {len(kernels)} layers see all of {hull} positions"
    return Replacement(reason=reason, offer=_placed(head, tail, largest), offer_hull=offered)


def _placed(head: Stack, tail: Stack, dilations: tuple[int, ...]) -> tuple[int, ...]:
    # Layers of one tap keep their dilation; it means nothing.
    chosen = iter(dilations)
    behind = (next(chosen) if layer.kernel > 1 else layer.dilation for layer in tail)
    return (*(layer.dilation for layer in head), *behind)
