"""Holds what the graph says of one unit against the network itself, run with random weights.

Two roads, neither of which knows a rule. A change of some positions that changes the unit shows
that it sees one of them: a lower bound. NaN in some positions that leaves the unit a number shows
that it sees none of them: an upper bound (for what lets NaN through). Where both meet, the answer
is proven; where only the lower bound contradicts, the rules are wrong and there is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from archscope.dependence.backward import over, ways
from archscope.dependence.capture import input_tensors
from archscope.dependence.examine import Examination
from archscope.dependence.graph import Value
from archscope.dependence.runs import NoDataError, Runner, fresh_input, runner
from archscope.subject import Inputs

DRAWS = 4
"""Draws of weights and inputs until every probe has answered."""
SAMPLES = 12
"""Single positions within the window that are changed."""
SECONDS = 60.0
"""Time after which no further draw is begun."""

Level = Literal["verified", "bounded", "refused", "not run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What running the network says of the answer."""

    level: Level
    reason: str
    """What is missing for more, or what contradicts; empty where verified."""
    probes: int
    """Changes of the input that were tried."""
    answered: int
    """Those that changed the unit, as they should."""
    runs: int
    """Forward passes."""


def verify(
    model: nn.Module, inputs: Inputs, exam: Examination, target: Value, unit: dict[int, int]
) -> Proof:
    """Return whether one unit of `target` sees what the graph says, on the given input."""
    field = exam.total(target)
    if field is None:
        return _not_run("the output does not depend on the input")
    mask = _mask(exam, target, unit)
    middle = {axis: target.shape[axis] // 2 for axis in field.unit_axes}
    if mask is not None and mask.all() and middle:
        # The last token of a causal model sees everything; one in the middle shows more.
        unit, mask = middle, _mask(exam, target, middle)
    if mask is None:
        return _not_run("the unit depends on nothing")
    checker = _Checker(exam, mask, unit)
    start = monotonic()
    try:
        for seed in range(DRAWS):
            run = runner(model, inputs, exam, target, seed=seed + 1)
            like = input_tensors(inputs)[exam.input]
            if not checker.draw(run, fresh_input(model, like, seed)):
                return checker.proof("refused", "a position outside the set changes the output")
            if checker.is_done or monotonic() - start > SECONDS:
                break
    except NoDataError as error:
        return _not_run(str(error))
    except Exception as error:  # the user's own forward, in another number type
        return _not_run(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    seen = exam.seen(target)
    if seen is not None and seen.bounded_by is not None:
        return checker.proof("bounded", "the rule of an operator on the way is itself a bound")
    if checker.tainted:
        reason = "NaN outside the set reaches the output: masks multiply by zero, which NaN ignores"
        return checker.proof("bounded", reason)
    if not checker.is_done:
        quiet = len(checker.probes) - len(checker.answered)
        return checker.proof(
            "bounded",
            f"{quiet} of {len(checker.probes)} changes within the set did not change the output",
        )
    if checker.tainted is None and checker.has_outside:
        return checker.proof("bounded", "tokens cannot be NaN: only changes were tried")
    return checker.proof("verified", "")


def _mask(exam: Examination, target: Value, unit: dict[int, int]) -> NDArray[np.bool_] | None:
    back = ways(exam.lowered, target, unit, [exam.seed])
    return over(back[exam.seed], exam.axes) > 0 if exam.seed in back else None


class _Checker:
    """Probes of one unit: slabs at the edges of its window, and single positions within."""

    def __init__(self, exam: Examination, mask: NDArray[np.bool_], unit: dict[int, int]) -> None:
        self.axes, self.mask, self.unit = exam.axes, mask, unit
        self.probes = _probes(mask)
        self.answered: set[int] = set()
        self.tainted: bool | None = None
        self.runs = 0

    @property
    def has_outside(self) -> bool:
        return not bool(self.mask.all())

    @property
    def is_done(self) -> bool:
        return len(self.answered) == len(self.probes)

    def draw(self, run: Runner, x: Tensor) -> bool:
        """Try all probes that have not answered; return False where the outside answers."""
        other = _changed(x)
        before = self._unit(run, x)
        if self.has_outside:
            if not torch.equal(self._unit(run, self._mixed(x, other, ~self.mask)), before):
                return False
            if self.tainted is None and x.is_floating_point():
                tainted = self._mixed(x, torch.full_like(x, torch.nan), ~self.mask)
                self.tainted = bool(self._unit(run, tainted).isnan().any())
        for number, probe in enumerate(self.probes):
            if number not in self.answered:
                after = self._unit(run, self._mixed(x, other, probe))
                if not torch.equal(after, before):
                    self.answered.add(number)
        return True

    def _unit(self, run: Runner, x: Tensor) -> Tensor:
        self.runs += 1
        with torch.no_grad():
            found = run(x)
        at = tuple(self.unit.get(axis, slice(None)) for axis in range(found.dim()))
        return found[at].clone()

    def _mixed(self, x: Tensor, other: Tensor, where: NDArray[np.bool_]) -> Tensor:
        shape = [1] * x.dim()
        for axis, size in zip(self.axes, where.shape, strict=True):
            shape[axis] = size
        return torch.where(torch.from_numpy(where).reshape(shape), other, x)

    def proof(self, level: Level, reason: str) -> Proof:
        return Proof(
            level=level,
            reason=reason,
            probes=len(self.probes),
            answered=len(self.answered),
            runs=self.runs,
        )


def _probes(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return sets of positions each of which the unit should see."""
    places = np.argwhere(mask)
    found = []
    for axis in range(mask.ndim):
        for edge in (places[:, axis].min(), places[:, axis].max()):
            slab = np.zeros_like(mask)
            slab[tuple(edge if at == axis else slice(None) for at in range(mask.ndim))] = True
            found.append(slab & mask)
    generator = np.random.default_rng(0)
    count = min(SAMPLES, len(places))
    for number in generator.choice(len(places), size=count, replace=False):
        single = np.zeros_like(mask)
        single[tuple(places[number])] = True
        found.append(single)
    return found


def _changed(x: Tensor) -> Tensor:
    if x.is_floating_point():
        return -3 * x + 1
    return torch.where(x > 0, x - 1, x + 1)


def _not_run(reason: str) -> Proof:
    return Proof(level="not run", reason=reason, probes=0, answered=0, runs=0)
