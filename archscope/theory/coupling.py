"""Which outputs share inputs: streams, overlap with the neighbour, coupling depth, input use.

Gridding's real harm is not a hole but independence: where no two neighbours share anything, a
network falls apart into interleaved ones (Wang & Ji 2018).
"""

from bisect import bisect_left
from collections.abc import Iterator
from math import gcd

from archscope.theory.bits import every, ones, positions, spread
from archscope.theory.combs import Comb, combs, common_rate, differences, jump, reach
from archscope.theory.coverage import is_full
from archscope.theory.layers import Stack
from archscope.theory.support import WORK_LIMIT, find_support


def find_streams(stack: Stack, limit: int = WORK_LIMIT) -> int | None:
    """Return into how many interleaved networks the outputs of one axis fall apart.

    The greatest common divisor of all distances between outputs that share an input: 1 is one
    network, 0 means that no two outputs share any (patches). None: more than `limit` bits.
    """
    strided = [index for index, layer in enumerate(stack) if layer.stride > 1]
    split = strided[-1] + 1 if strided else 0
    coupled = _coupled_divisor(stack[:split], limit)
    if coupled is None:
        return None
    # Without stride, each layer adds its own dilation to the distances, and their sums.
    return gcd(coupled, *(layer.dilation for layer in stack[split:] if layer.kernel > 1))


def each_streams(stack: Stack, limit: int = WORK_LIMIT) -> Iterator[int | None]:
    """Yield `find_streams` of the layers up to each one."""
    coupled: int | None = 0
    apart = 0
    for depth, layer in enumerate(stack, start=1):
        if layer.stride > 1:
            coupled, apart = _coupled_divisor(stack[:depth], limit), 0
        elif layer.kernel > 1:
            apart = gcd(apart, layer.dilation)
        yield None if coupled is None else gcd(coupled, apart)


def _coupled_divisor(stack: Stack, limit: int) -> int | None:
    # Which distances between outputs, -radius to radius, share an input: layer after layer. None
    # stands for all of them, which is soon so and then costs nothing.
    radius, meeting = 0, None
    for layer in stack:
        wider = radius + layer.span
        narrower = wider // layer.stride
        if meeting is not None or layer.dilation > 2 * radius + 1:
            limit -= 2 * wider
            if limit < 0:
                return None
            known = ones(2 * radius + 1) if meeting is None else meeting
            apart = spread(known, 2 * layer.kernel - 1, layer.dilation)
            first = wider - narrower * layer.stride
            meeting = every(apart, 2 * wider + 1, first, layer.stride)
            meeting = None if meeting == ones(2 * narrower + 1) else meeting
        radius = narrower
    if meeting is None:
        return min(radius, 1)
    return gcd(*(position - radius for position in positions(meeting)))


def find_coupling_depth(stack: Stack, limit: int = WORK_LIMIT) -> tuple[int | None, bool]:
    """Return how many trailing layers it takes until neighbouring outputs share a unit.

    The second value is False where the search met a set of more than `limit` bits; a known None
    means that neighbours never share anything.
    """
    unknown = False

    def is_coupled(depth: int) -> bool:
        nonlocal unknown
        answer = _is_coupled(stack[len(stack) - depth :], limit)
        unknown = unknown or answer is None
        return bool(answer)

    # Whoever shares a unit shares all that it sees, so that more layers never uncouple.
    depth = bisect_left(range(1, len(stack) + 1), True, key=is_coupled) + 1
    if unknown:
        return None, False
    return (depth if depth <= len(stack) else None), True


def _is_coupled(stack: Stack, limit: int) -> bool | None:
    apart = differences(combs(stack))
    neighbour = jump(stack)
    radius = (reach(apart) - 1) // 2
    common = common_rate(apart)
    if neighbour > radius or not common or neighbour % common:
        return False
    if is_full(Comb(taps=c.taps, rate=c.rate // common, layer=c.layer) for c in apart):
        return True
    support = find_support(apart, limit)
    return None if support is None else support.contains(radius + neighbour)


def find_input_use(stack: Stack, limit: int = WORK_LIMIT) -> float | None:
    """Return the share of the input's positions that any output sees, away from the borders."""
    step, teeth = jump(stack), combs(stack)
    if is_full(teeth):
        return min(reach(teeth), step) / step
    if step > limit:
        return None
    used = 1
    for comb in teeth:
        if step == 1 or used == ones(step):
            break
        limit -= step * comb.taps
        if limit < 0:
            return None
        used = _turned(used, comb, step)
    return used.bit_count() / step


def _turned(used: int, comb: Comb, step: int) -> int:
    # Positions modulo the jump, since the next output begins again.
    found = 0
    for tap in range(min(comb.taps, step)):
        turn = tap * comb.rate % step
        found |= (used << turn | used >> step - turn) & ones(step)
    return found
