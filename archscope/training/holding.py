"""What training holds from step to step, weights, gradients and states, and what updates take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archscope.records import frozen
from archscope.running.storages import parts_of
from archscope.training.alive import Alive, Change
from archscope.training.failures import told
from archscope.training.optimisers import Make, Optimiser, state_tensors


@frozen
class Held:
    """What one tensor of a network takes, and what training keeps for it."""

    path: str
    """The module that holds it first."""
    name: str
    """Its name there."""
    bytes: int
    """Of the tensor itself."""
    gradient: int
    """Bytes of its gradient; 0 where it gets none: it needs none, or no output depends on it."""
    state: int
    """Bytes that the optimiser keeps for it."""


def held(model: nn.Module, kind: str, optimiser: Optimiser) -> Iterator[Held]:
    seen: set[int] = set()
    for path, module in model.named_modules():
        for name, tensor in getattr(module, kind).items():
            if tensor is None or id(tensor) in seen:
                continue
            seen.add(id(tensor))
            yield Held(
                path=path,
                name=name,
                bytes=sum(part.nbytes for part in parts_of(tensor)),
                gradient=_gradient(tensor),
                state=0 if tensor.grad is None else optimiser.bytes_of(tensor),
            )


def updating(optimiser: Optimiser, parameters: Iterable[Tensor]) -> Iterator[Change]:
    """Yield what the update takes beside gradients and states, and then gives back.

    It goes from tensor to tensor, so that the one that takes most decides, the largest where the
    shape does not matter. Nothing is told of an optimiser that torch does not have.
    """
    trained = [parameter for parameter in parameters if parameter.grad is not None]
    most: Sequence[Change] = ()
    if optimiser.make is not None:
        made = (_update(optimiser.make, kind) for kind in _kinds(optimiser, trained))
        most = max(made, key=_most, default=())
    yield from (replace(change, block=-1) for change in most)
    yield Change(phase="optimiser", path="", bytes=-sum(map(_gradient, trained)))


def _kinds(optimiser: Optimiser, trained: Iterable[Tensor]) -> Iterable[Tensor]:
    """Return parameters one of which takes the most, each kind once."""
    if optimiser.by_shape:
        return {(each.shape, each.dtype): each for each in trained}.values()
    by_size = sorted(trained, key=lambda each: each.numel())
    return {each.dtype: each for each in by_size}.values()


def _most(changes: Sequence[Change]) -> int:
    return max(accumulate(change.bytes for change in changes), default=0)


def _update(make: Make, like: Tensor) -> Sequence[Change]:
    """Return what the second update of one parameter makes and gives back."""
    parameter = nn.Parameter(torch.empty_like(like))
    made = make([parameter])
    alive = Alive(str)
    with told("the update of a weight"), torch.no_grad(), _AnyNumber():
        parameter.grad = torch.empty_like(parameter)
        made.step()
        alive.before((parameter, parameter.grad, *state_tensors(made)))
        with alive.phase("optimiser"):
            made.step()
    return alive.changes


class _AnyNumber(TorchFunctionMode):
    """Answers with some number where an optimiser reads one, e.g. how many updates there were."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return 2.0 if func is torch.Tensor.item else func(*args, **(kwargs or {}))


def _gradient(parameter: Tensor) -> int:
    """Return the bytes of a parameter's gradient, of a sparse one its places and values."""
    return 0 if parameter.grad is None else sum(part.nbytes for part in parts_of(parameter.grad))
