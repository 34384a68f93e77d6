"""How much work a pass is: what `params` has counted, and what a backward pass adds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from archscope.records import frozen
from archscope.results import Report

if TYPE_CHECKING:
    from archscope.timing.passes import Workload


@frozen
class Counts:
    """Multiply-accumulates of one forward pass."""

    own: Mapping[str, int | None]
    """Of each module outside its submodules, by path; None where unknown."""
    total: int | None
    """Of all modules."""
    complete: bool
    """False where the total is a lower bound."""

    def among(self, paths: Collection[str]) -> dict[str, int | None]:
        """Return the work of `paths` alone; that of other modules goes to the nearest above.

        A module whose weights another one uses (attention's output projection) never runs itself.
        """
        found: dict[str, int | None] = dict.fromkeys(paths, 0)
        for path, macs in self.own.items():
            while path not in found and path:
                path = path.rpartition(".")[0]
            if path in found and found[path] is not None:
                before = found[path] or 0
                found[path] = None if macs is None else before + macs
        return found


def counts_of(report: Report) -> Counts:
    """Return the multiply-accumulates that a `params` report states."""
    return Counts(
        own={row.path: row.own_macs for row in report.section("modules").rows},
        total=report.totals.macs,
        complete=report.totals.complete,
    )


@frozen
class BackwardWork:
    """Multiply-accumulates of one backward pass."""

    macs: int
    """Of the operators that are known."""
    unknown: tuple[str, ...]
    """Operators that are not."""


def count_backward(workload: Workload) -> BackwardWork:
    """Run one backward pass and count its operators as torch's dispatcher runs them.

    What attention computes anew in its backward pass is among them: it is done, not useful twice.
    """
    import torch

    from archscope.counting.dispatcher import DispatcherCounter
    from archscope.counting.formulas import FORMULAS
    from archscope.timing.passes import differentiable

    outputs = differentiable(workload.call())
    seeds = [torch.randn_like(output) for output in outputs]
    counter = DispatcherCounter(workload.model, {})
    with counter:
        torch.autograd.backward(outputs, seeds)
    workload.model.zero_grad(set_to_none=True)
    work = counter.count.work
    unknown = {
        name
        for (_, name), tally in work.items()
        if tally.kind == "unknown" and name not in FORMULAS
    }
    return BackwardWork(
        macs=sum(tally.macs for tally in work.values()),
        unknown=tuple(sorted(name for name in unknown if not _carries_none(name))),
    )


def _carries_none(operator: str) -> bool:
    """Return whether it is the backward of an operator without multiply-accumulates.

    Such a one has none either; its name is that of its forward, with words after it.
    """
    from archscope.counting.operators import classify

    forward, is_backward, _ = operator.partition("_backward")
    while is_backward and forward:
        if (kind := classify(forward)) != "unknown":
            return kind != "multiply-accumulate"
        forward = forward.rpartition("_")[0]
    return False
