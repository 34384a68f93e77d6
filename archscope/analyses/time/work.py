"""How much work a pass does: what `params` counted, what a backward pass adds, what moves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from archscope.errors import ForwardError, first_line
from archscope.hardware import Precision
from archscope.records import frozen
from archscope.results import Report
from archscope.subject import Repeat, Subject

if TYPE_CHECKING:
    from torch import Tensor

    from archscope.running.module_stack import ModuleStack
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
    types: Mapping[str, str] = field(default_factory=dict)
    """Class name of each module, by path."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """How often each module runs in one pass, by path."""
    attends: bool | None = None
    """Whether torch's scaled dot product attention is among what runs; None: not known."""

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
    rows = report.section("modules").rows
    return Counts(
        own={row.path: row.own_macs for row in rows},
        total=report.totals.macs,
        complete=report.totals.complete,
        types={row.path: row.type for row in rows},
        calls={row.path: row.calls for row in rows},
        attends=any(map(_attends, (row.operator for row in report.section("operators").rows))),
    )


def _attends(operator: str) -> bool:
    """Return whether an operator is attention as a whole, or what it alone is made of."""
    return "scaled_dot_product" in operator or operator == "aten::_safe_softmax"


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
    from archscope.counting.gradients import carries_none
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
        unknown=tuple(sorted(name for name in unknown if not carries_none(name))),
    )


@frozen
class Moved:
    """Bytes that one forward pass moves at least."""

    own: Mapping[str, int]
    """Of each module outside its submodules, by path, each copy of a repeated block's."""
    once: int
    """Of all weights that are read, the inputs and the outputs, once each."""


def moved_by(subject: Subject, precision: Precision) -> Moved:
    """Run a forward pass, on shapes alone where that can be, and return what it moves at least.

    Floating-point tensors are as wide as `precision`, whatever the model holds. Blocks that repeat
    run once. Raises `ForwardError` where the forward fails.
    """
    from archscope.counting.forward import count_forward
    from archscope.counting.traffic import Traffic, counting_traffic
    from archscope.timing.precision import DTYPES

    width = DTYPES[precision].itemsize
    found: list[Traffic] = []

    @contextmanager
    def around(stack: ModuleStack) -> Iterator[None]:
        with counting_traffic(stack.paths, lambda tensor: _width(tensor, width)) as traffic:
            found.append(traffic)
            yield

    count = count_forward(subject, around=around, second=False)
    if count.failure is not None:
        raise ForwardError(f"the forward pass failed: {first_line(count.failure)}")
    traffic = found[-1]
    own: dict[str, int] = {}
    for path, size in traffic.own.items():
        block = _block(path, subject)
        if block is None:
            own[path] = size
        elif block.shared:
            own[path] = size * len(block.copies)
        else:
            own |= {copy + path[len(block.path) :]: size for copy in block.copies}
    return Moved(own=own, once=traffic.once(lambda path: _copies(_block(path, subject))))


def _width(tensor: Tensor, width: int) -> int:
    size: int = tensor.element_size()
    return width if tensor.is_floating_point() and size > 1 else size


def _block(path: str, subject: Subject) -> Repeat | None:
    inside = (r for r in subject.repeats if path == r.path or path.startswith(f"{r.path}."))
    return next(inside, None)


def _copies(block: Repeat | None) -> int:
    return 1 if block is None or block.shared else len(block.copies)
