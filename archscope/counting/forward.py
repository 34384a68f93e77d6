"""Runs one forward pass under both engines, without data where possible, and compares them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from archscope.counting.dispatcher import DispatcherCount, DispatcherCounter
from archscope.counting.execution import ShapesOnly
from archscope.counting.fvcore_engine import FvcoreCount, count_with_fvcore
from archscope.errors import ForwardError, first_line
from archscope.running.as_found import in_place
from archscope.running.process import random_as_found
from archscope.running.twin import (
    Original,
    ReachedOriginalError,
    ReadOnly,
    Twin,
    copied,
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


def count_forward(subject: Subject, execution: Execution = "auto") -> ForwardCount:
    """Run copies of the subject's network in evaluation mode, one for each engine, and count them.

    Raises `ForwardError` where the network cannot be run at all. What the forward itself raises is
    returned as `failure`, beside what was counted until then.
    """
    model, inputs = subject.model, subject.inputs
    if inputs is None:
        raise ForwardError(f"{subject.name} has no inputs; FLOPs need one call's arguments")
    lazy = next((name for name, p in model.named_parameters() if is_lazy(p)), None)
    if lazy is not None:
        raise ForwardError(f"parameter {lazy} has no shape yet; run the model once, then count it")
    repeats = {repeat.path: len(repeat.copies) for repeat in subject.repeats}
    original = Original(model, inputs)
    results: list[ForwardCount] = []
    try:
        for attempt in _attempts(original, execution):
            results.append(attempt(original, repeats))
            if results[-1].failure is None and not results[-1].dispatcher.reasons:
                return results[-1]
    except ReachedOriginalError:
        return _in_place(original, repeats)
    finished = [result for result in results if result.failure is None]
    if finished:  # on shapes alone, and more would be known with data
        return finished[-1]
    # The error of a real forward is the model's own; without one, that of the plainest attempt.
    return results[-1] if results[-1].execution == "real" else results[0]


Attempt = Callable[[Original, Mapping[str, int]], ForwardCount]


def _attempts(original: Original, execution: Execution) -> list[Attempt]:
    """Return the ways to run, cheapest first; each later one is tried where the former raised."""
    shapes = [partial(_on_shapes, constants_too=too) for too in (False, True)]
    if execution == "shapes" or _without_data(original):
        return list(shapes)
    return [_on_data] if execution == "real" else [*shapes, _on_data]


def _without_data(original: Original) -> bool:
    return any(tensor.is_meta for tensor in original.tensors())


def _on_shapes(
    original: Original, repeats: Mapping[str, int], *, constants_too: bool
) -> ForwardCount:
    with ShapesOnly(constants_too=constants_too, original=original), original.out_of_reach():
        fresh = partial(on_shapes, original, constants_too=constants_too)
        return _both_engines(fresh, repeats, "shapes")


def _on_data(original: Original, repeats: Mapping[str, int]) -> ForwardCount:
    with original.out_of_reach():
        return _both_engines(partial(with_data, original), repeats, "real", ReadOnly(original))


def _in_place(original: Original, repeats: Mapping[str, int]) -> ForwardCount:
    """Count the network itself, of which no copy can be run, and put all of it back."""

    def itself() -> Twin:
        for module in original.model.modules():
            module.training = False
        return Twin(model=original.model, inputs=copied(original.inputs, own))

    bare = _without_data(original)
    with in_place(original.model, original.inputs), ShapesOnly() if bare else nullcontext():
        return _both_engines(itself, repeats, "shapes" if bare else "real")


def _both_engines(
    fresh: Callable[[], Twin],
    repeats: Mapping[str, int],
    execution: Literal["shapes", "real"],
    guard: AbstractContextManager[object] | None = None,
) -> ForwardCount:
    """Count a copy with each engine; both begin with the same random numbers.

    `guard` stands around the first, which shows all that the second will do: torch's tracer loses
    convolutions under it.
    """
    chance_as_found = random_as_found()
    with _plainly():
        twin = fresh()
        counter = DispatcherCounter(twin.model, repeats)
        device = "meta" if execution == "shapes" else _device(twin.model)
        try:
            with guard or nullcontext(), counter.stack, counter:
                twin.run()
        except Exception as failure:
            counter.count.failed_in = counter.stack.current
            return ForwardCount(counter.count, None, None, execution, failure, device)
        chance_as_found()
        del twin  # before there is another: it may be large
        twin = fresh()
        try:
            fvcore = count_with_fvcore(twin.model, twin.inputs, counter.count.macs())
        except Exception as failure:  # the tracer is torch's own, and gives up in many ways
            reason = first_line(failure)
            return ForwardCount(counter.count, None, reason, execution, None, device)
        return ForwardCount(counter.count, fvcore, None, execution, None, device)


@contextmanager
def _plainly() -> Iterator[None]:
    """Run what is called without gradients, advice, compiled code and fused attention."""
    # torch's fused encoder takes the weights of several modules in one operator; without it each
    # product belongs to one module.
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), _uncompiled(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice for those who run it in earnest
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Run what was compiled as it was written, where anything can have been compiled at all."""
    if "torch._dynamo" in sys.modules:
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        yield


def _device(model: nn.Module) -> str:
    return str(next((p.device for p in model.parameters()), torch.get_default_device()))
