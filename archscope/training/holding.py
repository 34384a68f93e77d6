"""What training holds from step to step, weights, gradients and states, and what updates take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archscope.records import frozen
from archscope.running.storages import bytes_of, parts_of
from archscope.training.failures import told
from archscope.training.live_memory import Alive, Change
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

    It goes from tensor to tensor, in order, and what it made of one is there until it makes the
    like of the next: neighbours decide, of which those are tried that may take the most. Nothing is
    told of an optimiser that torch does not have.
    """
    trained = [parameter for parameter in parameters if parameter.grad is not None]
    most: Sequence[Change] = ()
    if optimiser.make is not None:
        neighbours = _by_shape(trained) if optimiser.by_shape else _by_size(trained)
        made = (_update(optimiser.make, few) for few in neighbours)
        most = max(made, key=_most, default=())
    yield from (replace(change, block=-1) for change in most)
    yield Change(phase="optimiser", path="", bytes=-sum(map(_gradient, trained)))


def _by_size(trained: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
    """Yield parameters with the one before, but for those that are no larger than others, both."""
    pairs: dict[Any, dict[tuple[int, int], Sequence[Tensor]]] = {}
    for number, each in enumerate(trained):
        before = trained[max(number - 1, 0) : number]
        kinds = [one.dtype for one in (*before, each)]
        sizes = (bytes_of(before), bytes_of([each]))
        pairs.setdefault((kinds[0], kinds[-1]), {})[sizes] = (*before, each)
    for found in pairs.values():
        for sizes, pair in found.items():
            if not any(_exceeds(other, sizes) for other in found):
                yield pair


def _exceeds(sizes: tuple[int, int], others: tuple[int, int]) -> bool:
    return sizes != others and all(one >= other for one, other in zip(sizes, others, strict=True))


def _by_shape(trained: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
    """Return stretches of parameters, in which each shape follows whatever it follows somewhere.

    That is the one before, and the last before that which is a matrix where that is a vector, or a
    vector where that is a matrix: an update has names of its own for both.
    """
    found: list[list[Tensor]] = []
    seen: set[Any] = set()
    last: dict[bool, Tensor] = {}
    for each in trained:
        few = (*last.values(), each)
        kind = tuple((one.shape, one.dtype) for one in few)
        if kind not in seen and found and found[-1][-1] is few[-2]:
            found[-1].append(each)
        elif kind not in seen:
            found.append([*few])
        seen.add(kind)
        last.pop(each.dim() > 1, None)
        last[each.dim() > 1] = each  # the one before stands last
    return found


def _most(changes: Sequence[Change]) -> int:
    return max(accumulate(change.bytes for change in changes), default=0)


def _update(make: Make, like: Sequence[Tensor]) -> Sequence[Change]:
    """Return what the second update of parameters makes and gives back."""
    if any(each.layout is not torch.strided for each in like):
        return _updated(make, [torch.empty_like(each) for each in like])
    return _update_of_kinds(make, tuple(map(_Kind.of, like)), torch.get_default_dtype())


@frozen
class _Kind:
    """All of a parameter that decides what its update takes."""

    shape: torch.Size
    strides: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        return cls(
            shape=tensor.shape, strides=tensor.stride(), dtype=tensor.dtype, device=tensor.device
        )

    def made(self) -> Tensor:
        like = torch.empty_strided(self.shape, self.strides, dtype=self.dtype, device=self.device)
        return torch.empty_like(like)


@lru_cache(maxsize=1024)
def _update_of_kinds(make: Make, kinds: Sequence[_Kind], _: torch.dtype) -> Sequence[Change]:
    """Return it once for all parameters of these kinds: a sweep's networks share most of them.

    The last is the type that torch makes numbers in, that of step counters.
    """
    return _updated(make, [kind.made() for kind in kinds])


def _updated(make: Make, values: Sequence[Tensor]) -> Sequence[Change]:
    parameters: list[Tensor] = [nn.Parameter(each) for each in values]
    made = make(parameters)
    alive = Alive(str)
    with told("the update of a weight"), torch.no_grad(), _AnyNumber():
        for parameter in parameters:
            parameter.grad = torch.empty_like(parameter)
        made.step()
        gradients = (each.grad for each in parameters if each.grad is not None)
        alive.before((*parameters, *gradients, *state_tensors(made)))
        with alive.phase("optimiser"):
            made.step()
    return tuple(alive.changes)


class _AnyNumber(TorchFunctionMode):
    """Answers with some number where an optimiser reads one, e.g. how many updates there were."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return 2.0 if func is torch.Tensor.item else func(*args, **(kwargs or {}))


def _gradient(parameter: Tensor) -> int:
    """Return the bytes of a parameter's gradient, of a sparse one its places and values."""
    return 0 if parameter.grad is None else sum(part.nbytes for part in parts_of(parameter.grad))
