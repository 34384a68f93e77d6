"""Runs one forward pass under both engines, without data where possible, and compares them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves

from archscope.counting.dispatcher import DispatcherCount, DispatcherCounter
from archscope.counting.execution import ShapesOnly
from archscope.counting.fvcore_engine import FvcoreCount, count_with_fvcore
from archscope.errors import ForwardError, first_line
from archscope.running.as_found import (
    bodiless,
    left_as_found,
    move_to_meta,
    values_as_found,
)
from archscope.subject import Inputs, Subject

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
    """Run the subject's forward in evaluation mode and count it; the model is left as found.

    Raises `ForwardError` where the model cannot be run at all. What the forward itself raises is
    returned as `failure`, beside what was counted until then.
    """
    model, inputs = subject.model, subject.inputs
    if inputs is None:
        raise ForwardError(f"{subject.name} has no inputs; FLOPs need one call's arguments")
    lazy = next((name for name, p in model.named_parameters() if is_lazy(p)), None)
    if lazy is not None:
        raise ForwardError(f"parameter {lazy} has no shape yet; run the model once, then count it")
    repeats = {repeat.path: len(repeat.copies) for repeat in subject.repeats}
    results: list[ForwardCount] = []
    for attempt in _attempts(model, inputs, execution):
        results.append(attempt(model, inputs, repeats))
        if results[-1].failure is None:
            return results[-1]
    # The error of a real forward is the model's own; without one, that of the plainest attempt.
    return results[-1] if results[-1].execution == "real" else results[0]


Attempt = Callable[[nn.Module, Inputs, Mapping[str, int]], ForwardCount]


def _attempts(model: nn.Module, inputs: Inputs, execution: Execution) -> list[Attempt]:
    """Return the ways to run, cheapest first; each later one is tried where the former raised."""
    tensors = [*model.parameters(), *model.buffers(), *tree_leaves((inputs.args, inputs.kwargs))]
    without_data = any(isinstance(t, Tensor) and t.is_meta for t in tensors)
    shapes = [partial(_on_shapes, constants_too=too) for too in (False, True)]
    if execution == "shapes" or without_data:
        return list(shapes)
    return [_on_data] if execution == "real" else [*shapes, _on_data]


def _on_shapes(
    model: nn.Module, inputs: Inputs, repeats: Mapping[str, int], *, constants_too: bool
) -> ForwardCount:
    with left_as_found(model):
        try:
            move_to_meta(model)
            given = Inputs(args=bodiless(inputs.args), kwargs=bodiless(dict(inputs.kwargs)))
        except Exception as failure:  # an input or a weight that cannot be without data
            return ForwardCount(DispatcherCount(), None, None, "shapes", failure, "meta")
        with ShapesOnly(constants_too=constants_too):
            return _both_engines(model, given, repeats, "shapes")


def _on_data(model: nn.Module, inputs: Inputs, repeats: Mapping[str, int]) -> ForwardCount:
    with (
        values_as_found(model, tree_leaves((inputs.args, dict(inputs.kwargs)))),
        left_as_found(model),
    ):
        return _both_engines(model, inputs, repeats, "real")


def _both_engines(
    model: nn.Module,
    inputs: Inputs,
    repeats: Mapping[str, int],
    execution: Literal["shapes", "real"],
) -> ForwardCount:
    for module in model.modules():
        module.training = False  # not eval(): a module may have made that do something else
    # torch's fused encoder takes the weights of several modules in one operator; without it each
    # product belongs to one module.
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.no_grad(), _uncompiled(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the forward's advice is for those who run it in earnest
        counter = DispatcherCounter(model, repeats)
        device = "meta" if execution == "shapes" else _device(model)
        try:
            with counter.stack, counter:
                model(*inputs.args, **inputs.kwargs)
        except Exception as failure:
            counter.count.failed_in = counter.stack.current
            return ForwardCount(counter.count, None, None, execution, failure, device)
        try:
            fvcore = count_with_fvcore(model, inputs, counter.count.macs())
        except Exception as failure:  # the tracer is torch's own, and gives up in many ways
            reason = first_line(failure)
            return ForwardCount(counter.count, None, reason, execution, None, device)
        return ForwardCount(counter.count, fvcore, None, execution, None, device)


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
