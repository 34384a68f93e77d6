"""Runs one training step for real on the CPU, and says what autograd kept and memory was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from weakref import WeakSet

import torch
from torch import Tensor

from archscope.errors import ArchscopeError, ForwardError
from archscope.records import frozen
from archscope.running.as_written import as_written
from archscope.running.attributes import buffers_of, parameters_of
from archscope.running.copies import Copies
from archscope.running.module_stack import tensors_in
from archscope.running.process import random_as_found
from archscope.running.storages import bytes_of, keys_of, parts_of, storages_of
from archscope.running.twin import Original, Twin, copied, own
from archscope.subject import Subject
from archscope.timing.allocator import (
    Handed,
    handed_out,
    largest_workspace,
    most,
    still_out,
    without_workspaces,
)
from archscope.training.backward import run_backward
from archscope.training.failures import told
from archscope.training.kernels import AsOnCard
from archscope.training.optimisers import Make, optimiser
from archscope.training.preparation import prepared
from archscope.training.recipe import Recipe
from archscope.training.saved import without_graph
from archscope.training.stand_ins import with_data
from archscope.training.step import added_up, computing_in


@frozen
class Measured:
    """What a real step took; bytes."""

    saved: int
    """What autograd kept, parameters left out."""
    peak: int
    """The most that was taken at once, beside what was there before."""
    outliving: int | None
    """The same of what outlives the operator that took it: without workspaces of kernels; None
    where torch's profiler does not tell these."""
    workspace: Handed | None
    """The largest workspace of a kernel; None: no kernel took any."""
    before: int
    """What was there before: weights, buffers, inputs, and what the first step left behind, as the
    optimiser's state."""


def with_real_data(subject: Subject) -> Subject:
    """Return a network with data: itself, or made anew with random weights and inputs of zeros."""
    has_none = any(tensor.is_meta for tensor in parameters_of(subject.model))
    if not has_none:
        return subject
    if subject.whole is None or subject.inputs is None:
        raise ForwardError(f"{subject.name} has no data, so no step of it can be run for real")
    inputs = copied(subject.inputs, _filled, Copies())
    return replace(subject, model=subject.whole(), inputs=inputs, repeats=())


def _filled(tensor: Tensor) -> Tensor:
    return torch.zeros(tensor.shape, dtype=tensor.dtype) if tensor.is_meta else own(tensor)


def measure(
    subject: Subject,
    recipe: Recipe,
    optimizer: str,
    *,
    dtype: torch.dtype | None = None,
    autocast: torch.dtype | None = None,
) -> Measured:
    """Run two steps of a copy of `subject`, and return what the second one takes.

    The first makes the optimiser's state. `dtype` is what weights and inputs are cast to. Raises
    `ArchscopeError` for an optimiser that torch has not.
    """
    chosen = optimiser(optimizer)
    if chosen.make is None:
        raise ArchscopeError(f"torch has no {chosen.name} here, so no step of it can be run")
    assert subject.inputs is not None
    original = Original(subject.model, subject.inputs)
    cast = partial(with_data, dtype=dtype)
    with told(), as_written(), original.out_of_reach():
        twin = prepared(
            original, recipe, weight=cast, argument=cast, around=partial(AsOnCard, recipe)
        )
        return _measured(twin, recipe, chosen.make, autocast)


def _measured(twin: Twin, recipe: Recipe, make: Make, autocast: torch.dtype | None) -> Measured:
    parameters = list(parameters_of(twin.model))
    made = make([each for each in parameters if each.requires_grad])
    for group in made.param_groups:
        group["lr"] = 0.0  # the second step is to choose, by value, what the first one chose
    given = tensors_in((twin.inputs.args, dict(twin.inputs.kwargs)))
    as_before = _as_before([*buffers_of(twin.model), *given])

    def forward() -> list[Tensor]:
        with computing_in(autocast):
            return [each for each in tensors_in(twin.run()) if each.requires_grad]

    def step() -> None:
        roots = forward()
        loss = added_up(roots)
        del roots
        run_backward((loss,))
        del loss
        with torch.no_grad():
            made.step()
            made.zero_grad(set_to_none=True)

    with torch.enable_grad(), AsOnCard(recipe):
        there = bytes_of((*parameters, *buffers_of(twin.model), *given))
        *first, handed = handed_out((as_before, step))
        lasting = without_workspaces(handed)
        as_before()
        return Measured(
            saved=_saved(forward, parameters),
            peak=most(handed),
            outliving=None if lasting is None else most(lasting),
            workspace=largest_workspace(handed),
            before=there + still_out(each for run in first for each in run),
        )


def _as_before(written: Sequence[Tensor]) -> Callable[[], None]:
    """Return what puts back the numbers that a step writes beside weights, and chance, and drops
    gradients of the inputs: a next batch has none."""
    kept = [(each, each.clone()) for each in storages_of(written)]
    chance_as_found = random_as_found()

    def put_back() -> None:
        chance_as_found()
        for tensor in written:
            tensor.grad = None
        for memory, numbers in kept:
            memory.copy_(numbers)

    return put_back


def _saved(forward: Callable[[], object], parameters: Iterable[Tensor]) -> int:
    """Return the bytes that graphs hold when a forward is over: some are gone before."""
    left_out = set(keys_of(parameters))
    held: WeakSet[_Packed] = WeakSet()

    def pack(tensor: Tensor) -> _Packed:
        packed = _Packed(without_graph(tensor))
        held.add(packed)
        return packed

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed.tensor):
        returned = forward()
    storages = (part.untyped_storage() for each in held for part in parts_of(each.tensor))
    sizes = {storage._cdata: storage.nbytes() for storage in storages}
    del returned
    return sum(size for key, size in sizes.items() if key not in left_out)


class _Packed:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
