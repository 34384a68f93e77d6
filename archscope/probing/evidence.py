"""What one unit sees, found by running the network: from within, from without, then compared.

From within: positions whose change changes the unit, or at which it has a gradient. From without:
positions that may be NaN while the unit stays a number. The positions that the graph claims are
used for one thing alone: as what these two are held against.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from archscope.probing.bisection import Mask, box, depth, filled, rim, silent, smallest
from archscope.probing.claims import Claim
from archscope.probing.trials import Trial
from archscope.records import frozen

SIDES = (False, True)
"""Of an axis: its first positions, its last."""
GRADIENTS = 3
"""Backward passes in one draw."""
ROUNDED = 1e-12
"""Share of the unit's largest number up to which a change may be rounding."""
AT_ONCE = 32
"""Single positions that are tried between two looks at the clock."""

Pair = tuple[int, int]


class ContradictionError(Exception):
    """A position outside the claimed set changes the unit."""


class NotRepeatedError(Exception):
    """The unit changes although nothing was changed."""


@frozen
class Edges:
    """The first and the last position that the unit sees along one axis."""

    axis: int
    """Of the input tensor."""
    size: int
    graph: Pair
    """As the graph says."""
    changes: Pair | None
    """It sees at least so far: a change of all from there outward changes it."""
    gradients: Pair | None
    """It sees at least so far: it has a gradient there."""
    nan: Pair | None
    """It sees at most so far: NaN beyond does not reach it; None where NaN shows nothing."""


@frozen
class Limits:
    """How much is asked, so that the time is enough."""

    spot_checks: int
    """Positions that are changed alone although a gradient shows that they are seen."""
    singles: int
    """Positions without a gradient that are changed alone, for each draw."""
    blocks: int
    """Blocks of positions that are tried with NaN."""
    watched: int
    """Positions that are changed alone while all outputs are watched, for each draw."""


class Evidence:
    """Gathers over several draws of weights and inputs what a claim's unit answers to."""

    def __init__(self, claim: Claim, limits: Limits, *, has_nan: bool) -> None:
        claimed = claim.mask
        self.claim, self.claimed, self.limits = claim, claimed, limits
        self.seen: Mask = np.zeros_like(claimed)
        """Positions that are known to be seen: each by itself, not in a group."""
        self.graded: Mask = np.zeros_like(claimed)
        """Those at which there is a gradient."""
        self._now: Mask = np.zeros_like(claimed)
        """Those at which the last draw has one."""
        self.tried: Mask = np.zeros_like(claimed)
        """Positions that were changed alone."""
        self.answered: Mask = np.zeros_like(claimed)
        """Those of them that changed the unit."""
        self.faint: Mask = np.zeros_like(claimed)
        """Those that changed it by no more than rounding, and have no gradient: sums may cancel."""
        self._has_gradient = False
        """Whether the last draw has any."""
        self.unseen: Mask = np.zeros_like(claimed)
        """Positions at which NaN does not reach the unit."""
        self.can_be_nan = self.has_nan = has_nan
        """Whether NaN can be given; whether it gets through, too."""
        self._around: tuple[Pair, ...] | None = None
        """The first and last position along each axis that NaN leaves; None: not asked yet."""
        self._depths: dict[tuple[int, bool], int] = {}
        """How deep from each side of each axis all must be changed to change the unit."""

    def draw(self, trial: Trial, *, with_gradient: bool) -> None:
        """Ask all that is open; raises `ContradictionError` where the claim is too
        small, `NotRepeatedError` where the network does not repeat itself."""
        outside = ~self.claimed
        if outside.any() and trial.changes(outside):
            raise ContradictionError if trial.repeats() else NotRepeatedError
        self._has_gradient = False
        if with_gradient:
            self._ask_gradients(trial)
        if self.has_nan and self._around is None:
            try:
                self._ask_nan(trial)
            except Exception:  # a forward that insists on numbers
                self._forget_nan()
        self._ask_edges(trial)
        self._ask_singles(trial)
        # Where a change shows what NaN does not, an operator on the way swallows NaN.
        known = np.array_equal(self.unseen, outside) or not self.unseen.any()
        if (self.seen & self.unseen).any() or (not known and trial.changes(self.unseen)):
            self._forget_nan()

    @property
    def was_nan(self) -> bool:
        """Whether NaN was tried, and got through."""
        return self._around is not None

    @property
    def is_full(self) -> bool:
        """Whether each position of the claimed set is known to be seen."""
        return not (self.claimed & ~self.seen).any()

    @property
    def is_done(self) -> bool:
        """Whether another draw could show no more."""
        return self.is_full and all(edge.graph == edge.changes for edge in self.edges)

    @property
    def edges(self) -> tuple[Edges, ...]:
        """The edges along the axes that the claim tells about."""
        shape, graph = self.claimed.shape, box(self.claimed)
        graded = box(self.graded) if self.graded.any() else None
        found = []
        for axis in self.claim.along:
            low, high = (self._depths.get((axis, last)) for last in SIDES)
            changes = None if low is None or high is None else (low, shape[axis] - 1 - high)
            found.append(
                Edges(
                    axis=self.claim.exam.axes[axis],
                    size=shape[axis],
                    graph=graph[axis],
                    changes=changes,
                    gradients=None if graded is None else graded[axis],
                    nan=self._around[axis] if self._around else None,
                )
            )
        return tuple(found)

    def _forget_nan(self) -> None:
        self.has_nan, self._around = False, None
        self.unseen = np.zeros_like(self.claimed)

    def _ask_gradients(self, trial: Trial) -> None:
        """Find where there are gradients; then again with those larger that had none.

        A maximum has a gradient at one of its positions alone, and which it is that decides.
        """
        self._now = np.zeros_like(self.claimed)
        changed = np.zeros_like(self.claimed)
        for _ in range(GRADIENTS):
            if self.is_full:
                return
            try:
                found = trial.gradient(changed)
            except Exception:  # an operator without a derivative
                return
            if not changed.any():
                self._now = found
            self._has_gradient |= bool(found.any())
            self.graded |= found
            self.seen |= found & self.claimed  # others a change must confirm
            changed = self.claimed & ~self.seen

    def _ask_nan(self, trial: Trial) -> None:
        """Find what NaN leaves: a box, and within it the blocks in which it is not felt."""
        shape = self.claimed.shape
        if not trial.taints(np.ones_like(self.claimed)):
            self.has_nan = False
            return
        self.unseen = silent(trial.taints, ~self.seen, questions=1)
        if self.seen.any() and (self.seen | self.unseen).all():
            self._around = box(self.seen)
            return
        self._around = tuple(self._left_by_nan(trial, axis) for axis in range(len(shape)))
        self.unseen = ~filled(shape, self._around)
        rest = ~self.seen & ~self.unseen
        self.unseen |= silent(trial.taints, rest, questions=self.limits.blocks)
        if not (self.unseen | self.claimed).all() and not trial.taints(~self.claimed):
            self.unseen |= ~self.claimed

    def _left_by_nan(self, trial: Trial, axis: int) -> Pair:
        """Return the first and the last position along an axis beyond which NaN is not felt."""
        shape, depths = self.claimed.shape, []
        for last in SIDES:

            def answers(at: int, last: bool = last) -> bool:
                return trial.taints(rim(shape, axis, at, last=last))

            guess = self._guess(axis, last=last, otherwise=shape[axis] // 2)
            depths.append(smallest(answers, 0, shape[axis] - 1, guess=guess))
        return depths[0], shape[axis] - 1 - depths[1]

    def _guess(self, axis: int, *, last: bool, otherwise: int) -> int:
        if not self.seen.any():
            return otherwise
        return depth(box(self.seen)[axis], self.seen.shape[axis], last=last)

    def _ask_edges(self, trial: Trial) -> None:
        """Find from which position outward a change of all is felt, along each axis."""
        for axis, last in product(self.claim.along, SIDES):
            size: int = self.claimed.shape[axis]
            least = depth(self._around[axis], size, last=last) if self._around else 0
            most = self._depths.get((axis, last), size)
            guess = min(self._guess(axis, last=last, otherwise=least), most - 1)

            def answers(at: int, axis: int = axis, last: bool = last) -> bool:
                return trial.changes(rim(self.claimed.shape, axis, at, last=last))

            if most > least:
                for high in dict.fromkeys((guess, most - 1)):
                    if answers(high):
                        found = smallest(answers, least, high, guess=guess)
                        self._depths[axis, last] = found
                        break

    def _ask_singles(self, trial: Trial) -> None:
        """Change single positions: those that are not known to be seen, and some that are."""
        generator = np.random.default_rng(0)
        missing = generator.permutation(np.argwhere(self.claimed & ~self.seen))
        spots = generator.permutation(np.argwhere(self.claimed & self._now & ~self.answered))
        left = max(self.limits.spot_checks - int(self.tried.sum()), 0)
        places = np.concatenate([missing[: self.limits.singles], spots[:left]])
        for start in range(0, len(places), AT_ONCE):
            part = [tuple(place) for place in places[start : start + AT_ONCE]]
            masks = [np.zeros_like(self.claimed) for _ in part]
            for mask, place in zip(masks, part, strict=True):
                mask[place] = True
            for place, change in zip(part, trial.changes_each(masks), strict=True):
                clear = change > (0.0 if self.graded[place] or not self._has_gradient else ROUNDED)
                self.tried[place] = True
                self.answered[place] |= clear
                self.seen[place] |= clear
                self.faint[place] |= change > 0 and not clear
        self.faint &= ~self.seen
