"""Runs one forward pass under both engines, without data where possible, and compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from archscope.counting.dispatcher import DispatcherCounter
from archscope.counting.dispatcher_count import DispatcherCount
from archscope.counting.execution import (
    KEPT,
    Kept,
    ShapesOnly,
    addresses_refused,
    is_without_data,
)
from archscope.counting.fvcore_engine import FvcoreCount, UntraceableError, count_with_fvcore
from archscope.errors import ForwardError
from archscope.garbage import uncollected
from archscope.running.as_found import in_place
from archscope.running.as_written import as_written
from archscope.running.attributes import newly_made, parameters_of
from archscope.running.device import default_device
from archscope.running.module_stack import ModuleStack
from archscope.running.process import PutBack, raise_interrupt, random_as_found, random_drawn
from archscope.running.rows import NoRowError
from archscope.running.twin import (
    Original,
    ReachedOriginalError,
    Twin,
    copied,
    evaluate,
    on_shapes,
    own,
    with_data,
)
from archscope.subject import Subject

Execution = Literal["auto", "shapes", "real"]
"""`shapes`: on the meta device, no data. `real`: on the model's device. `auto`: shapes first."""


@dataclass(frozen=True, slots=True)
class ForwardCount:
    """What one forward pass did, by two engines."""

    dispatcher: DispatcherCount
    """Every operator as torch's dispatcher ran it, as far as the forward got."""
    fvcore: FvcoreCount | None
    """fvcore's count of the same pass; None where torch's tracer could not follow."""
    fvcore_failure: str | None
    """Why fvcore's count is missing."""
    execution: Literal["shapes", "real"]
    """Whether the pass ran on shapes alone or on data."""
    failure: Exception | None
    """What the forward raised, if it did."""
    device: str
    """Where the pass ran: `meta`, or the device of the model's weights."""
    draws: bool = False
    """Whether the forward drew random numbers that may have chosen what it ran."""
    made: tuple[str, ...] = ()
    """The parameters that the forward made, by name."""
    in_place: bool = False
    """Whether the network itself ran, since no copy of it can: it reaches itself from outside."""


Around = Callable[[ModuleStack], AbstractContextManager[object]]
"""What stands around the dispatcher's pass, told which module is running."""


def _nothing_around(stack: ModuleStack) -> AbstractContextManager[object]:
    return nullcontext()


def count_forward(
    subject: Subject,
    execution: Execution = "auto",
    around: Around = _nothing_around,
    *,
    second: bool = True,
) -> ForwardCount:
    """Run copies of the subject's network in evaluation mode, one for each engine, and count them.

    Without `second` the dispatcher counts alone, where what stands `around` is what is asked for.
    Raises `ForwardError` where the network cannot be run at all. What the forward itself raises is
    returned as `failure`, beside what was counted until then.
    """
    model, inputs = subject.model, subject.inputs
    if inputs is None:
        raise ForwardError(f"{subject.name} has no inputs; FLOPs need the arguments of one call")
    lazy = next((name for name, p in model.named_parameters() if is_lazy(p)), None)
    if lazy is not None:
        raise ForwardError(f"parameter {lazy} has no shape yet; run the model once, then count it")
    repeats = {repeat.path: len(repeat.copies) for repeat in subject.repeats}
    original = Original(model, inputs)
    watch = _Watch(repeats, around, random_as_found(), second=second)
    try:
        plain = _best(original, execution, watch)
        if plain.failure is None or _ASKS_FOR_GRADIENTS not in str(plain.failure):
            return plain
        watch.chance_as_found()
        differentiated = _best(original, execution, replace(watch, gradients=True))
        return plain if differentiated.failure is not None else differentiated
    except ReachedOriginalError:
        watch.chance_as_found()
        return _in_place(original, watch)


_ASKS_FOR_GRADIENTS = "require grad"
"""What torch says of a forward that differentiates something where nothing records it: it is called
so by its author, outside `torch.no_grad()`."""


def _best(original: Original, execution: Execution, watch: _Watch) -> ForwardCount:
    """Return what came of the first attempt that tells all, or the failure that tells most."""
    results: list[ForwardCount] = []
    for attempt in _attempts(original, execution):
        if results:
            watch.chance_as_found()
        results.append(attempt(original, watch))
        failure = results[-1].failure
        if failure is None and not results[-1].dispatcher.reasons:
            return results[-1]
        if isinstance(failure, NoRowError):
            return results[-1]
    finished = [result for result in results if result.failure is None]
    if finished:  # on shapes alone, and more would be known with data
        return finished[-1]
    # The error of a real forward is the model's own; without one, that of the plainest attempt.
    return results[-1] if results[-1].execution == "real" else results[0]


@dataclass(frozen=True, slots=True)
class _Watch:
    """How a pass is watched."""

    repeats: Mapping[str, int]
    """For how many blocks the one at a path stands."""
    around: Around
    chance_as_found: PutBack
    """Puts random numbers back to where they were before the first attempt."""
    folds: bool = True
    """Whether modules that do the same may be traced once: these are no one's but ours."""
    second: bool = True
    """Whether fvcore counts too."""
    gradients: bool = False
    """Whether torch records what runs, for a forward that differentiates."""


Attempt = Callable[[Original, _Watch], ForwardCount]


def _attempts(original: Original, execution: Execution) -> list[Attempt]:
    """Return the ways to run, cheapest first; each later one is tried where the former raised."""
    shapes = [partial(_on_shapes, kept=kept) for kept in KEPT]
    if execution == "shapes" or is_without_data(original):
        return list(shapes)
    return [_on_data] if execution == "real" else [*shapes, _on_data]


def _on_shapes(original: Original, watch: _Watch, *, kept: Kept) -> ForwardCount:
    with (
        uncollected(),  # what is made stays until the end, and what is dropped holds no memory
        ShapesOnly(kept=kept, original=original),
        original.out_of_reach(writes=False),
    ):
        fresh = partial(on_shapes, original, constants_too=kept == "none")
        return _both_engines(fresh, watch, "shapes", addresses_refused(original))


def _on_data(original: Original, watch: _Watch) -> ForwardCount:
    with original.out_of_reach(writes=False):
        return _both_engines(partial(with_data, original), watch, "real", original.read_only())


def _in_place(original: Original, watch: _Watch) -> ForwardCount:
    """Count the network itself, of which no copy can be run, and put all of it back."""

    def itself() -> Twin:
        evaluate(original.model)
        return Twin(model=original.model, inputs=copied(original.inputs, own))

    bare = is_without_data(original)
    with in_place(original.model, original.inputs), ShapesOnly() if bare else nullcontext():
        watch = replace(watch, folds=False)
        count = _both_engines(itself, watch, "shapes" if bare else "real")
    return replace(count, in_place=True)


def _both_engines(
    fresh: Callable[[], Twin],
    watch: _Watch,
    execution: Literal["shapes", "real"],
    guard: AbstractContextManager[object] | None = None,
) -> ForwardCount:
    """Count a copy with each engine; both begin with the same random numbers.

    `guard` stands around the first, which shows all that the second will do: torch's tracer loses
    convolutions under it.
    """
    with torch.set_grad_enabled(watch.gradients), as_written():
        twin = fresh()
        looked_at = watch.around is not _nothing_around
        counter = DispatcherCounter(twin.model, watch.repeats, all_steps=looked_at)
        device = "meta" if execution == "shapes" else _device(twin.model)
        drawn, made = random_drawn(), newly_made(twin.model)
        try:
            with guard or nullcontext(), watch.around(counter.stack), counter.stack, counter:
                twin.run()
        except Exception as failure:
            raise_interrupt(failure)
            counter.count.failed_in = counter.stack.current
            return ForwardCount(counter.count, None, None, execution, failure, device)
        chance = _may_choose(drawn(), counter.count), made()
        if not watch.second:
            reason = "it was not asked"
            return ForwardCount(counter.count, None, reason, execution, None, device, *chance)
        del twin, made  # before there is another: it may be large

        def alike() -> Twin:
            watch.chance_as_found()
            return fresh()

        try:
            fvcore = count_with_fvcore(
                alike, counter.count, folds=watch.folds and execution == "shapes"
            )
        except Exception as failure:  # the tracer is torch's own, and gives up in many ways
            raise_interrupt(failure)
            known = isinstance(failure, UntraceableError)
            reason = str(failure) if known else f"it gave up by itself ({type(failure).__name__})"
            return ForwardCount(counter.count, None, reason, execution, None, device, *chance)
        return ForwardCount(counter.count, fvcore, None, execution, None, device, *chance)


def _may_choose(drawn: frozenset[str], count: DispatcherCount) -> bool:
    """Return whether random numbers may steer a forward: those of torch once they are read."""
    reads = any(operator in _READS for _, operator in count.work)
    return bool(drawn - {"torch"}) or ("torch" in drawn and reads)


_READS = frozenset(("aten::_local_scalar_dense", "aten::nonzero"))
"""Operators through which values of tensors reach Python, or choose sizes."""


def _device(model: nn.Module) -> str:
    return str(next((p.device for p in parameters_of(model)), default_device()))
