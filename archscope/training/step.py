"""Runs one training step on tensors without data, and says what is kept and what is alive when.

torch's fake tensors have shapes, number types and a device, and answer every operator as that
device's kernels would, without data. What autograd saves and when memory is given back is then the
same as in a real step: predicted is what would be measured, but for what a kernel takes for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from archscope.errors import ArchscopeError, ForwardError
from archscope.records import frozen
from archscope.running.as_written import as_written
from archscope.running.attributes import buffers_of, newly_made, parameters_of
from archscope.running.caches import empty_cached_functions
from archscope.running.module_stack import tensors_in
from archscope.running.process import random_as_found, random_drawn
from archscope.running.storages import bytes_of, parts_of
from archscope.running.twin import Original, Twin
from archscope.subject import Repeat, Stretch, Subject
from archscope.training.backward import run_backward
from archscope.training.failures import (
    fails_with_data_too,
    refuse_threads,
    refuse_untrained,
    told,
)
from archscope.training.fake import fake_mode
from archscope.training.holding import Held, held, updating
from archscope.training.kernels import (
    AsOnCard,
    own_recurrences_step_by_step,
    recurrences_step_by_step,
)
from archscope.training.live_memory import Alive, Change
from archscope.training.optimisers import Optimiser
from archscope.training.places import Places
from archscope.training.preparation import prepared
from archscope.training.recipe import Recipe
from archscope.training.saved import Saved, Saving, holders
from archscope.training.stand_ins import with_data, without_data
from archscope.training.unfolding import has_little_data, told_apart, unfolded
from archscope.training.written_views import WrittenViews


@frozen
class Forward:
    """What the forward of a training step keeps."""

    saved: tuple[Saved, ...]
    """What it keeps for the backward, in the order in which it was kept."""
    types: Mapping[str, str]
    """The class of each module, by path."""
    repeats: tuple[Repeat, ...] = ()
    """Blocks that were run once and stand for several."""
    stretches: tuple[Stretch, ...] = ()
    """Where blocks that are alike were left out; nothing else was where there are any."""
    has_data: bool = False
    """Whether it ran on data, since the forward reads values."""


@frozen
class Step:
    """What one step of training keeps and makes."""

    saved: tuple[Saved, ...]
    """What the forward keeps for the backward, in the order in which it was kept."""
    types: Mapping[str, str]
    """The class of each module, by path."""
    changes: tuple[Change, ...]
    """Memory as it is made and given back, beside what is there before the step."""
    gradients: frozenset[int]
    """The numbers of the blocks of memory that are gradients of parameters in the end."""
    parameters: tuple[Held, ...]
    """All parameters, shared ones once."""
    buffers: tuple[Held, ...]
    """All buffers, shared ones once."""
    inputs: int
    """Bytes of what the forward is called with."""
    outputs: int
    """Bytes of what it returns."""
    saved_later: frozenset[int] = frozenset()
    """The numbers of the blocks of memory that later passes keep, where there are several."""
    repeats: tuple[Repeat, ...] = ()
    """Blocks that were run once and stand for several."""
    stretches: tuple[Stretch, ...] = ()
    """Where blocks that are alike were left out; nothing else was where there are any."""
    has_data: bool = False
    """Whether it ran on data, since the forward reads values."""
    made: tuple[str, ...] = ()
    """The parameters that the forward made, by name."""
    draws: bool = False
    """Whether the forward drew random numbers, which may choose what it runs."""


F = TypeVar("F", Forward, Step)
Watch = Callable[[Twin, Original, Places], F]
"""Runs a copy of a network that is ready to be trained, and says what came of it."""


def run_step(
    subject: Subject,
    recipe: Recipe,
    optimiser: Optimiser,
    *,
    dtype: torch.dtype | None = None,
    autocast: torch.dtype | None = None,
    passes: int = 1,
) -> Step:
    """Run one step of `subject` on tensors without data: forward, backward and update.

    Of several `passes`, whose gradients are added up, two are run: the others do what the second
    does. Where gradients are sparse, and grow, all are.

    Where the forward reads values it is run on copies that have them, if the network is there with
    its data. The loss is the sum of what is returned: a real one keeps what it keeps beside it.
    `dtype` is what weights and inputs are cast to. Raises `ForwardError` where it cannot be run.
    """
    watch = partial(_watched, recipe=recipe, optimiser=optimiser, autocast=autocast, passes=passes)
    return _ran(subject, recipe, watch, dtype)


def run_forward(subject: Subject, recipe: Recipe, *, dtype: torch.dtype | None = None) -> Forward:
    """Do the same up to the backward, which is most of a step and keeps nothing more."""
    return _ran(subject, recipe, partial(_forward_watched, recipe=recipe), dtype)


def _ran(subject: Subject, recipe: Recipe, watch: Watch[F], dtype: torch.dtype | None) -> F:
    if told_apart(subject, recipe):
        subject = unfolded(subject)
    subject.required_inputs("a training step")
    lazy = next((n for n, p in subject.model.named_parameters() if is_lazy(p)), None)
    if lazy is not None:
        raise ForwardError(f"parameter {lazy} has no shape yet; run the model once first")
    chance_as_found = random_as_found()
    try:
        with fake_mode() as fake, recurrences_step_by_step():
            without = partial(without_data, fake=fake, dtype=dtype)
            return _run(subject, without, recipe, watch)
    except ForwardError as failure:
        empty_cached_functions()
        failure.with_data_too = fails_with_data_too(failure)
        if failure.with_data_too or not has_little_data(subject):
            raise
        chance_as_found()
        with own_recurrences_step_by_step(subject.model):
            step = _run(subject, partial(with_data, dtype=dtype), recipe, watch)
        return replace(step, has_data=True)


def _run(
    subject: Subject,
    stand_in: Callable[[Tensor], Tensor],
    recipe: Recipe,
    watch: Watch[F],
) -> F:
    assert subject.inputs is not None
    original = Original(subject.model, subject.inputs)
    with as_written():
        twin = prepared(
            original,
            recipe,
            weight=stand_in,
            argument=stand_in,
            repeats=subject.repeats,
            around=partial(AsOnCard, recipe),
        )
        places = Places(twin.model, (each.path for each in subject.repeats if len(each.copies) > 1))
        step = watch(twin, original, places)
    if places.unlike and subject.whole is not None:  # the first of the copies is unlike the others
        return _run(unfolded(subject), stand_in, recipe, watch)
    return replace(step, repeats=subject.repeats, stretches=subject.stretches)


def _forward_watched(twin: Twin, original: Original, places: Places, recipe: Recipe) -> Forward:
    alive, listening = _watching(twin, places)
    saving = listening()
    with torch.enable_grad(), original.out_of_reach(), places.stack, AsOnCard(recipe):
        _forward(twin, places, alive, saving)
    if alive.has_more_than(()):
        empty_cached_functions()
    return Forward(saved=tuple(saving.found.values()), types=_types(twin.model))


def _watching(twin: Twin, places: Places) -> tuple[Alive, Callable[[], Saving]]:
    """Return what follows memory from now on, and what makes a listener to each forward."""
    parameters = tuple(parameters_of(twin.model))
    given = tensors_in((twin.inputs.args, dict(twin.inputs.kwargs)))
    alive = Alive(places.current)
    alive.before((*parameters, *buffers_of(twin.model), *given))
    buffers = holders(twin.model)
    return alive, partial(
        Saving, places, alive, parameters=parameters, inputs=given, buffers=buffers
    )


def _forward(
    twin: Twin,
    places: Places,
    alive: Alive,
    saving: Saving,
    autocast: torch.dtype | None = None,
) -> tuple[list[Tensor], int]:
    """Return what a forward returned and can be trained by, and the bytes of all it returned."""
    places.turned = False
    with told(places), alive.phase("forward"), saving, WrittenViews(), computing_in(autocast):
        returned = tensors_in(twin.run())
    refuse_threads(places)
    roots = [tensor for tensor in returned if tensor.requires_grad]
    refuse_untrained(roots, places)
    return roots, bytes_of(returned)


def _watched(
    twin: Twin,
    original: Original,
    places: Places,
    recipe: Recipe,
    optimiser: Optimiser,
    autocast: torch.dtype | None,
    passes: int,
) -> Step:
    model = twin.model
    parameters = tuple(parameters_of(model))
    buffers = tuple(held(model, "_buffers", optimiser))  # one that a forward makes is its own work
    alive, listening = _watching(twin, places)
    savings: list[Saving] = []
    drawn, made = random_drawn(), newly_made(model)
    on_host = nullcontext() if recipe.dropout == "card" else alive.with_random_states()
    with torch.enable_grad(), original.out_of_reach(), places.stack, AsOnCard(recipe), on_host:
        while len(savings) < passes and (len(savings) < 2 or _grow(parameters)):
            savings.append(listening())
            roots, size = _forward(twin, places, alive, savings[-1], autocast)
            places.turned = True
            with told(places), alive.phase("backward"):
                loss = added_up(roots)
                del roots
                run_backward((loss,))
                del loss
        _refuse_sparse(parameters, optimiser)
        parts = (part for p in parameters if p.grad is not None for part in parts_of(p.grad))
        numbers = map(alive.number, parts)
        gradients = frozenset(number for number in numbers if number is not None)
    changes = list(alive.changes)
    if alive.has_more_than(gradients):
        empty_cached_functions()
    return Step(
        saved=tuple(savings[0].found.values()),
        types=_types(model),
        changes=(*changes, *updating(optimiser, parameters)),
        gradients=gradients,
        parameters=tuple(held(model, "_parameters", optimiser)),
        buffers=buffers,
        inputs=bytes_of(tensors_in((twin.inputs.args, dict(twin.inputs.kwargs)))),
        outputs=size,
        made=made(),
        draws=bool(drawn() - {"torch"}),  # what reads torch's is run on data
        saved_later=frozenset(
            each.block
            for saving in savings[1:]
            for each in saving.found.values()
            if each.block is not None
        ),
    )


def _grow(parameters: Iterable[Tensor]) -> bool:
    """Return whether gradients become larger from pass to pass: sparse ones are put together."""
    gradients = (each.grad for each in parameters)
    return any(grad is not None and grad.layout is not torch.strided for grad in gradients)


def _types(model: nn.Module) -> dict[str, str]:
    return {path: type(module).__name__ for path, module in model.named_modules()}


def added_up(roots: Iterable[Tensor]) -> Tensor:
    """Return a loss that keeps nothing: the sum of all that is returned."""
    sums = [root.sum() for root in roots]
    first, *others = (each.real if each.is_complex() else each for each in sums)
    for each in others:
        first = first + each
    return first


@contextmanager
def computing_in(autocast: torch.dtype | None) -> Iterator[None]:
    """Within it, products are in a number type under autocast on the CPU; None: as they are."""
    with nullcontext() if autocast is None else torch.autocast("cpu", dtype=autocast):
        yield


def _refuse_sparse(parameters: Iterable[Tensor], optimiser: Optimiser) -> None:
    """Raise where a gradient is sparse and the optimiser takes none, or torch made it empty.

    Or where it is not, and the parameter is: torch's optimisers fail on such a pair.
    """
    for parameter in parameters:
        grad = parameter.grad
        if grad is None:
            continue
        if grad.layout is torch.strided:
            if parameter.layout is not torch.strided:
                raise ArchscopeError(
                    f"a parameter of {tuple(parameter.shape)} is sparse and its gradient is not: "
                    "no optimizer of torch's updates it; multiply by torch.sparse.mm"
                )
            continue
        told = f"the gradient of a parameter of {tuple(parameter.shape)} is sparse"
        if not optimiser.sparse:
            raise ArchscopeError(f"{told}, and {optimiser.name} takes none: --optimizer sgd")
        if type(grad).__name__ == "FakeTensor":
            raise ForwardError(
                f"{told}: its size depends on what the input holds, so the network must be there "
                "with its data"
            )
