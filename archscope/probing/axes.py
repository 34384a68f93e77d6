"""Along which axes of the input outputs see other places than their own: found by running alone.

What the answer takes each axis for is used for one thing: as what this is held against.
"""

from __future__ import annotations

from typing import Literal

from archscope.dependence.answer.examine import Examination
from archscope.probing.evidence import NotRepeatedError
from archscope.probing.trials import Trial
from archscope.records import frozen

Role = Literal["features", "the batch", "what is read whole"]


@frozen
class AxisShown:
    """What changes show along one axis of the input that is none of positions."""

    axis: int
    """Of the input tensor."""
    size: int
    taken_for: Role
    """By the answer."""
    mixed: bool | None
    """Whether an element of the output answers to several places along it; None: not tried."""


class AxesEvidence:
    """Gathers over several draws along which axes outputs see several places."""

    def __init__(self, exam: Examination) -> None:
        self._roles = roles_beside(exam)
        self._sizes = exam.seed.shape
        self._mixed = {axis: False for axis in self._roles if self._sizes[axis] == 1}
        self.is_contrary = False
        """Whether the features can be of another size, while no axis of positions can."""

    def draw(self, trial: Trial) -> None:
        """Ask along each axis that is not known to be mixed; raises `NotRepeatedError`."""
        for axis in self._roles:
            if self._sizes[axis] > 1 and not self._mixed.get(axis):
                mixed = trial.mixes(axis)
                if mixed and not trial.repeats_all():
                    raise NotRepeatedError
                self._mixed[axis] = mixed

    def ask_for_lengths(self, trial: Trial, positions: tuple[int, ...]) -> None:
        """Ask which axes can be longer, where a unit is said to see one position alone."""
        mixed = [axis for axis, role in self._roles.items() if role == "features"]
        mixed = [axis for axis in mixed if self._mixed.get(axis)]
        if mixed and trial.can_be_longer(mixed[0]):
            self.is_contrary = not any(map(trial.can_be_longer, positions))

    @property
    def shown(self) -> tuple[AxisShown, ...]:
        """What came out, an axis each."""
        return tuple(
            AxisShown(
                axis=axis, size=self._sizes[axis], taken_for=role, mixed=self._mixed.get(axis)
            )
            for axis, role in self._roles.items()
        )

    @property
    def strays(self) -> tuple[int, ...]:
        """The axes along which outputs see several places although they are none of positions."""
        found = (one for one in self.shown if one.mixed)
        return tuple(one.axis for one in found if one.taken_for == "the batch" or self.is_contrary)

    @property
    def is_known(self) -> bool:
        """Whether each axis of a batch was tried."""
        return all(one.mixed is not None for one in self.shown if one.taken_for == "the batch")


def roles_beside(exam: Examination) -> dict[int, Role]:
    """Return what the answer takes the axes beside those of positions for.

    Where it names no features these are the last of what is left beside the batch.
    """
    roles, found = exam.roles, dict[int, Role]()
    beside = [axis for axis in range(len(exam.seed.shape)) if axis not in exam.axes]
    left = [axis for axis in beside if axis not in (*roles.read_whole, roles.batch)]
    features = left[-1] if roles.features is None and left else roles.features
    for axis in beside:
        other: Role = "what is read whole" if axis in roles.read_whole else "the batch"
        found[axis] = "features" if axis == features else other
    return found
