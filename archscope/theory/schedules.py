"""Lists dilations that leave no hole: how far they can reach at most, and all that reach so far.

Rates join from the smallest: a new one may be as large as what the finer ones reach together
(`coverage.is_full`). Fixed combs, such as a backbone's, join as soon as that allows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from typing import TypeAlias

from archscope.records import frozen
from archscope.theory.combs import Comb, ascending

ORDERS_LIMIT = 16_384
"""Ways to take some of every kind of layer, up to which the best order is looked for."""
LAYERS_LIMIT = 500
"""New layers, or blocks of them, beyond which a target counts as out of reach."""
CONVS_LIMIT = 1_000
"""New convolutions, of all blocks together, beyond which it does."""


@frozen
class Slot:
    """Layers that share one dilation, which is to be chosen."""

    taps: int
    """Positions of the map that they see in a row at dilation 1; of one layer, its kernel."""
    jump: int = 1
    """Input positions between neighbours of the map that they read."""

    def span(self, dilation: int) -> int:
        """Return how many input positions they add to a window."""
        return (self.taps - 1) * dilation * self.jump


Slots: TypeAlias = Sequence[Slot]


class Budget:
    """So much work for several searches together; each stops where it is spent."""

    def __init__(self, work: int) -> None:
        self.left = work

    def spend(self, work: int) -> bool:
        """Take some of it; return whether there was so much."""
        self.left -= work
        return self.left >= 0

    def share(self, parts: int) -> "Budget":
        """Return one of so many parts of what is left, which is taken from it whole."""
        part = max(self.left, 0) // parts
        self.left -= part
        return Budget(part)


SEARCH_WORK = 120_000
"""Layers that a search looks at, at most (well under a second)."""


@frozen
class Reached:
    """How far chosen and fixed combs reach without a hole."""

    positions: int
    """Positions in a row."""
    fixed: tuple[Comb, ...]
    """Fixed combs, the finest first."""
    joined: int
    """How many of these are within that reach; the others still step over a hole."""

    @property
    def waiting(self) -> bool:
        """Whether a fixed comb still steps over a hole."""
        return self.joined < len(self.fixed)

    def widened(self, span: int) -> "Reached":
        """Return the reach with one more comb of that span, and what can then join."""
        return _joined(self.positions + span, self.fixed, self.joined)


@frozen
class Room:
    """What new layers must respect."""

    fixed: tuple[Comb, ...] = ()
    """Combs that are there already."""
    max_dilation: int | None = None
    """Largest dilation allowed."""

    def start(self) -> Reached:
        """Return what the fixed combs reach without a hole, before any new layer."""
        return _joined(1, tuple(ascending(self.fixed)), 0)

    def largest(self, reached: Reached, slot: Slot) -> int:
        """Return the largest dilation that leaves no hole next; 0 where there is none."""
        fitting = reached.positions // slot.jump
        return fitting if self.max_dilation is None else min(fitting, self.max_dilation)


class Furthest:
    """How far layers of several kinds reach without a hole, each kind taken some times.

    The largest dilation each time is best, since a longer reach allows all that a shorter one does;
    which kind goes next is tried in every order. Layers of one kind without fixed combs reach
    1, k, k^2, ... and k^L positions.
    """

    def __init__(self, room: Room, slots: Slots, more: Slot | None = None) -> None:
        """Take `slots` that there are, and the kind of which there may be more."""
        self.room = room
        more = slots[-1] if more is None else more
        counts = Counter(slots)
        self.least = counts.pop(more, 0)
        self.kinds = tuple(sorted({more, *counts}, key=lambda slot: (slot.jump, slot.taps)))
        self.counts = tuple(counts[kind] for kind in self.kinds)
        self.place = self.kinds.index(more)
        ways = prod(count + 1 for count in self.counts) * (self.least + LAYERS_LIMIT)
        self.is_searched = len(self.kinds) == 1 or ways <= ORDERS_LIMIT
        """Whether all orders are tried; of too many kinds only from fine to coarse."""
        start = (room.start(), 0)
        self._known: dict[tuple[int, ...], tuple[Reached | None, int]] = {
            (0,) * len(self.kinds): start
        }

    def reach(self, more: int = 0) -> Reached | None:
        """Return how far all slots reach, with some more of the kind that there may be more of.

        None where no dilation leaves no hole.
        """
        return self._best(self._all(more))[0]

    def order(self, more: int = 0) -> list[Slot]:
        """Return the slots in the order in which they then join, the finest first."""
        taken, found = list(self._all(more)), []
        while any(taken):
            kind = self._best(tuple(taken))[1]
            found.append(self.kinds[kind])
            taken[kind] -= 1
        return found[::-1]

    def _all(self, more: int) -> tuple[int, ...]:
        return tuple(
            count + (self.least + more if kind == self.place else 0)
            for kind, count in enumerate(self.counts)
        )

    def _best(self, taken: tuple[int, ...]) -> tuple[Reached | None, int]:
        """Return the furthest reach of so many of each kind, and which kind comes last in it."""
        missing = [taken]
        while missing:  # no recursion: there may be hundreds
            now = missing[-1]
            if now in self._known:
                missing.pop()
                continue
            before = self._before(now)
            unknown = [other for other, _ in before if other not in self._known]
            if unknown:
                missing += unknown
                continue
            self._known[now] = max(
                ((self._next(other, kind), kind) for other, kind in before),
                key=lambda found: -1 if found[0] is None else found[0].positions,
            )
        return self._known[taken]

    def _before(self, now: tuple[int, ...]) -> list[tuple[tuple[int, ...], int]]:
        """Return what may have been taken before, and the kind that then came."""
        found = [((*now[:k], n - 1, *now[k + 1 :]), k) for k, n in enumerate(now) if n]
        return found if self.is_searched else found[-1:]

    def _next(self, before: tuple[int, ...], kind: int) -> Reached | None:
        reached, slot = self._known[before][0], self.kinds[kind]
        dilation = 0 if reached is None else self.room.largest(reached, slot)
        if reached is None or not dilation:
            return None
        return reached.widened(slot.span(dilation))


def furthest_order(room: Room, slots: Slots) -> list[Slot] | None:
    """Return slots in the order in which they reach furthest; None where holes are left."""
    found = Furthest(room, slots)
    reached = found.reach()
    return None if reached is None or reached.waiting else found.order()


def greatest(room: Room, order: Slots) -> tuple[int, ...]:
    """Return the largest dilations without a hole for slots in the order in which they join.

    >>> greatest(Room(), [Slot(taps=3)] * 3)
    (1, 3, 9)
    """
    return fill(room, order, None)


def fill(room: Room, order: Slots, span: int | None) -> tuple[int, ...]:
    """Return dilations, in the order in which slots join, that add `span` positions or just more.

    The largest come first, until less is missing; None: the largest of all.
    """
    reached, chosen = room.start(), []
    rest = sum(slot.span(1) for slot in order)
    for slot, wanted in zip(order, _wanted(order), strict=True):
        dilation = room.largest(reached, slot)
        if span is not None:
            rest -= slot.span(1)
            missing = max(span - rest, wanted - reached.positions, 1)
            dilation = min(dilation, -(-missing // slot.span(1)))
            span -= slot.span(dilation)
        chosen.append(dilation)
        reached = reached.widened(slot.span(dilation))
    return tuple(chosen)


def _wanted(order: Slots) -> list[int]:
    """Return how far each slot must have reached for those behind it to do with dilation 1."""
    wanted = [1]
    for slot in reversed(order[1:]):
        wanted.append(max(slot.jump, wanted[-1] - slot.span(1)))
    return wanted[::-1]


def placed(slots: Slots, order: Slots, dilations: Sequence[int]) -> tuple[int, ...]:
    """Return dilations of slots that joined in some order for the slots as they stand.

    Of each kind the smallest dilation goes to the first.
    """
    of_kind: dict[Slot, list[int]] = {}
    for slot, dilation in zip(order, dilations, strict=True):
        of_kind.setdefault(slot, []).append(dilation)
    turns = {slot: iter(sorted(found)) for slot, found in of_kind.items()}
    return tuple(next(turns[slot]) for slot in slots)


def list_schedules(
    room: Room, slots: Slots, span: int, budget: Budget | None = None
) -> Iterator[tuple[int, ...]]:
    """Yield every choice of dilations that adds `span` positions and leaves no hole.

    Each is for the slots as they stand, of each kind ascending. The steepest come first: those that
    begin as 1, k, k^2. What is looked at is taken from `budget`, which several searches may share.
    """
    counts = Counter(slots)
    search = _Search(room, tuple(counts), Budget(SEARCH_WORK) if budget is None else budget)
    for order, dilations in search.extend(room.start(), (), tuple(counts.values()), span):
        yield placed(slots, order, dilations)


Chosen: TypeAlias = tuple[tuple[int, int], ...]
"""Kinds and dilations, in the order in which they join."""


class _Search:
    """Goes through all choices in which rates ascend."""

    def __init__(self, room: Room, kinds: Slots, budget: Budget) -> None:
        self.room, self.kinds, self.budget = room, kinds, budget

    def extend(
        self, reached: Reached, chosen: Chosen, left: tuple[int, ...], span: int
    ) -> Iterator[tuple[list[Slot], list[int]]]:
        """Yield how what is left can be chosen to add `span` positions."""
        if not any(left):
            if not span and not reached.waiting:
                yield [self.kinds[kind] for kind, _ in chosen], [rate for _, rate in chosen]
            return
        for kind, slot in enumerate(self.kinds):
            if left[kind]:
                yield from self._with(kind, slot, reached, chosen, left, span)

    def _with(
        self,
        kind: int,
        slot: Slot,
        reached: Reached,
        chosen: Chosen,
        left: tuple[int, ...],
        span: int,
    ) -> Iterator[tuple[list[Slot], list[int]]]:
        after = (*left[:kind], left[kind] - 1, *left[kind + 1 :])
        smallest = self._smallest(kind, slot, chosen)
        for dilation in range(self._largest(slot, reached, after, span), smallest - 1, -1):
            if not self.budget.spend(2 + sum(after)):
                return
            wider, rest = reached.widened(slot.span(dilation)), span - slot.span(dilation)
            if self._most(wider, after) < rest:
                return  # a smaller rate here only reaches less
            yield from self.extend(wider, (*chosen, (kind, dilation)), after, rest)

    def _smallest(self, kind: int, slot: Slot, chosen: Chosen) -> int:
        """Return the smallest dilation whose rate does not fall; of equals, kinds ascend."""
        if not chosen:
            return 1
        last, dilation = chosen[-1]
        rate = dilation * self.kinds[last].jump
        return -(-(rate + (kind < last)) // slot.jump)

    def _largest(self, slot: Slot, reached: Reached, after: tuple[int, ...], span: int) -> int:
        """Return the largest dilation that leaves room for rates that do not fall behind it."""
        slopes = zip(self.kinds, after, strict=True)
        same = (slot.taps - 1) + sum((kind.taps - 1) * count for kind, count in slopes)
        return min(self.room.largest(reached, slot), span // (same * slot.jump))

    def _most(self, reached: Reached, left: tuple[int, ...]) -> int:
        """Return a bound on what those that are left can add; of one kind, the most."""
        those = [slot for slot, count in zip(self.kinds, left, strict=True) if count]
        if not those:
            return 0
        limit, added = self.room.max_dilation, 0
        taps, jump = max(slot.taps for slot in those), max(slot.jump for slot in those)
        step = jump if len(those) == 1 else 1
        for _ in range(sum(left)):
            rate = reached.positions // step * step
            rate = rate if limit is None else min(rate, limit * jump)
            added += (taps - 1) * rate
            reached = reached.widened((taps - 1) * rate)
        return added


def _joined(positions: int, fixed: tuple[Comb, ...], joined: int) -> Reached:
    while joined < len(fixed) and fixed[joined].rate <= positions:
        positions += fixed[joined].span
        joined += 1
    return Reached(positions=positions, fixed=fixed, joined=joined)
