"""What all units of an output answer to, not one alone: which move at all, and on whose account."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence.answer.fields import Field
from archscope.probing.claims import Claim
from archscope.probing.evidence import ContradictionError, NotRepeatedError
from archscope.probing.trials import Trial

MOST_ASKED = 64
"""Units that answered to one position of which the graph is asked whether they see it."""


class OutputsEvidence:
    """Gathers over several draws which units of an output a change of the input changes."""

    def __init__(self, claim: Claim) -> None:
        exam = claim.exam
        field = exam.local(claim.target) if claim.local else exam.total(claim.target)
        self._field = field if field is not None and field.unit_axes else None
        self._sizes = claim.sizes
        self._generator = np.random.default_rng(0)
        self.watched = 0
        """Positions that were changed alone while all units were watched."""
        self.seeing: NDArray[np.bool_] | None = (
            None if self._field is None else _seeing(self._field)
        )
        """Units that see something, as the graph says; None where it says nothing of units."""
        self.moved: NDArray[np.bool_] | None = (
            None if self.seeing is None else np.zeros_like(self.seeing)
        )
        """Units that a change of all positions changes."""
        self.is_tried = False
        """Whether all positions were changed."""

    def draw(self, trial: Trial, *, positions: int) -> None:
        """Change all, then single positions; raises `ContradictionError` where a unit answers of
        which the graph says that it does not see what was changed."""
        if self._field is None:
            return
        moved = self._units(trial.answering(torch.ones((), dtype=torch.bool)))
        self.is_tried = True
        if self.seeing is not None and self.moved is not None:
            self.moved |= moved
            if (moved & ~self.seeing).any():
                raise ContradictionError if trial.repeats_all() else NotRepeatedError
        for _ in range(positions):
            place = tuple(int(self._generator.integers(size)) for size in self._sizes)
            where = np.zeros(self._sizes, dtype=np.bool_)
            where[place] = True
            self._hold(np.argwhere(self._units(trial.answering_at(where))), place, trial)
            self.watched += 1

    def _hold(self, units: NDArray[np.int64], place: tuple[int, ...], trial: Trial) -> None:
        """Hold units that answered to a position, the outermost first, against the graph."""
        field = self._field
        assert field is not None
        if len(units) > MOST_ASKED:
            ends = [*units.argmin(0), *units.argmax(0)]
            others = self._generator.permutation(len(units))[: MOST_ASKED - len(ends)]
            units = units[np.unique([*ends, *others])]
        for unit in units.tolist():
            at = dict(zip(field.unit_axes, unit, strict=True))
            rows = [field.row(axis, at).sets[0] for axis in range(len(place))]
            if not all(row >> own & 1 for row, own in zip(rows, place, strict=True)):
                raise ContradictionError if trial.repeats_all() else NotRepeatedError

    def _units(self, answering: Tensor) -> NDArray[np.bool_]:
        """Return which units have an element that answers."""
        assert self._field is not None
        own = self._field.unit_axes
        others = [axis for axis in range(answering.dim()) if axis not in own]
        found: NDArray[np.bool_] = (answering.any(others) if others else answering).numpy()
        return found

    @property
    def silent(self) -> int:
        """How many units that see something, as the graph says, no change has changed."""
        if self.seeing is None or self.moved is None or self._field is None or not self.is_tried:
            return 0
        if len(self._field.terms) > 1 and len(self._sizes) > 1:
            return 0  # a union of products: a unit may see something along each axis, and nothing
        return int((self.seeing & ~self.moved).sum())


def _seeing(field: Field) -> NDArray[np.bool_] | None:
    """Return which units see something, over the axes of units; None where that takes too long."""
    if not field.is_map:
        return None
    found = np.ones((), dtype=np.bool_)
    order = sorted(range(len(field.sizes)), key=lambda axis: field.map_axis(axis) or 0)
    for axis in order:
        found = np.logical_and.outer(found, field.lines[axis].kinds != 0)
    return found
