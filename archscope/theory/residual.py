"""Blocks with a path around them: an output sees what every choice of paths lets through.

Around a block goes the identity or, where it strides, a kernel of 1; where the block pads less than
its kernels span, the input is cut on both sides first. Mostly that sees a position which the block
sees too; between the taps of even kernels it does not. All choices together are a
union of products, one for each choice of blocks that are gone around; equal ones are kept once.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from typing import TypeAlias

from archscope.records import frozen
from archscope.theory.bits import spread
from archscope.theory.branches import Union, union_of
from archscope.theory.combs import combs, jump, reach
from archscope.theory.layers import Path, Stack, lost
from archscope.theory.support import find_support
from archscope.theory.window import window

TERMS_LIMIT = 512
"""Products that are kept at once."""
BITS_LIMIT = 1 << 22
"""Bits of all of them together, along an axis."""
POSITIONS_LIMIT = 1 << 14
"""Positions along an axis up to which paths are counted."""

Skips: TypeAlias = Sequence[tuple[int, int]]
"""First and last layer of each block that has a path around it."""


def sees_more(path: Path, skips: Skips) -> bool:
    """Return whether a path around some block sees a position that the block does not.

    >>> from archscope.theory.layers import dilated
    >>> even = dilated((2, 2), kernels=(2,))
    >>> sees_more((even,), [(0, 0), (1, 1)]), sees_more((even,), [(0, 1)])
    (True, False)
    """
    blocks = {tuple(stack[first : last + 1] for stack in path) for first, last in skips}
    return any(not all(map(_sees_own, block)) for block in blocks)


def _sees_own(stack: Stack) -> bool:
    """Return whether output 0 of a block sees the input that the path around it sees."""
    start, teeth = window(stack).start or 0, combs(stack)
    own = lost(stack) // 2 - start
    if not 0 <= own < reach(teeth):
        return False
    support = find_support(teeth)
    return support is not None and support.contains(own)


@frozen
class _Sets:
    """What one output sees: a union of products."""

    terms: frozenset[tuple[int, ...]]
    """Of each product the positions along every axis, as bits."""
    starts: tuple[int, ...]
    """The position that bit 0 stands for, along each axis."""
    jumps: tuple[int, ...]
    """Input positions between neighbouring outputs, along each axis."""

    def through(self, stacks: Sequence[Stack]) -> "_Sets":
        """Return what is seen through some more layers."""
        along = list(zip(stacks, self.jumps, strict=True))
        rates = [[(comb.taps, comb.rate * step) for comb in combs(s)] for s, step in along]
        terms = (tuple(map(_spread, term, rates)) for term in self.terms)
        starts = [(window(stack).start or 0) * step for stack, step in along]
        return _Sets(
            terms=_reduced(terms),
            starts=tuple(map(sum, zip(self.starts, starts, strict=True))),
            jumps=tuple(step * jump(stack) for stack, step in along),
        )

    def joined(self, around: "_Sets") -> "_Sets":
        """Return what is seen through some layers or around them."""
        starts = tuple(map(min, zip(self.starts, around.starts, strict=True)))
        moved = (
            tuple(map(_moved, term, one.starts, starts))
            for one in (self, around)
            for term in one.terms
        )
        return _Sets(terms=_reduced(moved), starts=starts, jumps=self.jumps)

    def union(self) -> Union:
        """Return its metrics."""
        along = [list(masks) for masks in zip(*sorted(self.terms), strict=True)]
        return union_of(along, self.starts, self.jumps)


def _spread(mask: int, rates: Sequence[tuple[int, int]]) -> int:
    for taps, rate in rates:
        mask = spread(mask, taps, rate)
    return mask


def _moved(mask: int, start: int, first: int) -> int:
    return mask << start - first


def _reduced(terms: Iterator[tuple[int, ...]]) -> frozenset[tuple[int, ...]]:
    """Return the products that no other one holds; along one axis they are one set."""
    found = frozenset(terms)
    if len(next(iter(found))) == 1:
        whole = 0
        for (mask,) in found:
            whole |= mask
        return frozenset({(whole,)})
    ordered = sorted(found, key=lambda term: -sum(mask.bit_count() for mask in term))
    kept: list[tuple[int, ...]] = []
    for term in ordered:
        if not any(_holds(other, term) for other in kept):
            kept.append(term)
    return frozenset(kept)


def _holds(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(not part & ~whole for whole, part in zip(one, other, strict=True))


def residual_unions(path: Path, skips: Skips) -> tuple[tuple[Union, ...], Union] | None:
    """Return what each layer's outputs see, and the outputs of all; None where that is too much.

    Each layer's are its own, before what goes around its block is added.

    >>> from archscope.theory.layers import dilated
    >>> _, whole = residual_unions((dilated((2,), kernels=(2,)),) * 2, [(0, 0)])
    >>> whole.touched, whole.positions
    (5, 9)
    """
    axes, ends = len(path), {last: first for first, last in skips}
    now = _Sets(terms=frozenset({(1,) * axes}), starts=(0,) * axes, jumps=(1,) * axes)
    before, found = {0: now}, []
    for number in range(len(path[0])):
        now = now.through([stack[number : number + 1] for stack in path])
        if _is_too_much(now):
            return None
        found.append(now.union())
        if number in ends:
            now = now.joined(_around(before[ends[number]], path, ends[number], number))
        before[number + 1] = now
    return tuple(found), now.union()


def _around(before: _Sets, path: Path, first: int, last: int) -> _Sets:
    along = list(zip(before.starts, before.jumps, _of_block(path, first, last), strict=True))
    return _Sets(
        terms=before.terms,
        starts=tuple(start + step * (lost(block) // 2) for start, step, block in along),
        jumps=tuple(step * jump(block) for _, step, block in along),
    )


def _of_block(path: Path, first: int, last: int) -> Path:
    return tuple(stack[first : last + 1] for stack in path)


def _is_too_much(sets: _Sets) -> bool:
    longest = max(mask.bit_length() for term in sets.terms for mask in term)
    return len(sets.terms) > TERMS_LIMIT or len(sets.terms) * longest > BITS_LIMIT


def residual_counts(
    path: Path, skips: Skips, axis: int, *, alone: bool
) -> list[tuple[int, int]] | None:
    """Return how many ways lead from each position along an axis; None where they are too many.

    Over all axes, or `alone`, of the same network in that dimension.
    """
    cut = {first: lost(path[axis][first : last + 1]) // 2 for first, last in skips}
    ends = {last: first for first, last in skips}
    now, step = Counter({0: 1}), 1
    kept: dict[int, Counter[int]] = {}
    for number, layer in enumerate(path[axis]):
        if number in cut:
            kept[number] = Counter({at + cut[number] * step: ways for at, ways in now.items()})
        others = 1 if alone else prod(
            stack[number].kernel for other, stack in enumerate(path) if other != axis
        )  # fmt: skip
        longer: Counter[int] = Counter()
        for at, ways in now.items():
            for tap in range(layer.kernel):
                longer[at + (tap * layer.dilation - layer.padding[0]) * step] += ways * others
        now = longer
        step *= layer.stride
        if number in ends:
            now = now + kept[ends[number]]
        if len(now) > POSITIONS_LIMIT:
            return None
    return sorted(now.items())
