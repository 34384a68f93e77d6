"""What a forward does where no operator is seen, against what changing one position changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.dlpack import from_dlpack, to_dlpack

from archscope.dependence.answer.examine import examine
from archscope.dependence.sets.terms import along
from archscope.probing.runs import _called
from archscope.subject import Inputs

SIZE = 6
Function = Callable[["Run", Tensor], Any]


class Run(nn.Module):
    """A function of a module with a causal convolution and a buffer."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.conv = nn.Conv1d(1, 1, 2)
        self.register_buffer("kept", torch.zeros(1, 1, SIZE))

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def changed(function: Function, place: str = "0") -> list[int]:
    """Return for each element of what is returned the positions whose change changes it, as bits.

    A road of its own: it runs the network on numbers, and knows no operator.
    """
    torch.manual_seed(0)
    model = Run(function).double()

    def run(x: Tensor) -> Tensor:
        with torch.no_grad():
            return _called(place, copy.deepcopy(model)(x.clone())).flatten()

    found: list[int] = []
    for _ in range(3):
        x = torch.randn(1, 1, SIZE, dtype=torch.float64)
        before = run(x)
        found = found or [0] * len(before)
        for position in range(SIZE):
            other = x.clone()
            other[..., position] += 3 * torch.randn(())
            for unit in (run(other) != before).nonzero().flatten().tolist():
                found[unit] |= 1 << position
    return found


def told(function: Function, place: str = "0") -> tuple[list[int], str | None]:
    """Return the same as the record has it, and the operator by which it is a bound."""
    torch.manual_seed(0)
    exam = examine(Run(function), Inputs(args=(torch.zeros(1, 1, SIZE),)), axes=(2,))
    value = exam.graph.outputs[place]
    field = exam.total(value)
    assert field is not None
    pattern = along(field.terms, 0)
    sets = [pattern.sets.bits(int(pattern.at(unit)[0])) for unit in np.ndindex(*value.shape)]
    node = exam.bounded_node(value)
    return sets, None if node is None else exam.graph.nodes[node].operator


class Other(Tensor):
    """A tensor of a class that does nothing of its own."""


def with_data_set(model: Run, x: Tensor) -> Tensor:
    made = torch.zeros_like(x)
    made.data = x.data
    return model.conv(made)


def swapped(model: Run, x: Tensor) -> Tensor:
    made, other = torch.zeros_like(x), x * 2
    torch.utils.swap_tensors(made, other)
    return model.conv(made)


def over_a_storage(model: Run, x: Tensor) -> Tensor:
    made = torch.empty(0, dtype=x.dtype)
    return model.conv(made.set_(x.untyped_storage(), 0, x.shape, x.stride()))


def written_beside(way: Callable[[Tensor], Tensor]) -> Function:
    """Return a function that writes to a tensor and reads another that lies in its memory."""

    def function(model: Run, x: Tensor) -> Tensor:
        made = torch.zeros(1, 1, SIZE, dtype=x.dtype)
        other = way(made)
        made.copy_(x)
        return model.conv(other.as_subclass(Tensor))

    return function


@pytest.mark.parametrize(
    "function",
    [
        lambda model, x: model.conv(x.as_subclass(Other)),
        lambda model, x: model.conv(x.as_subclass(Other)).as_subclass(Tensor)[..., 2:],
        lambda model, x: model.conv(x.transpose(0, 1).flip(-1).as_subclass(Other)),
        lambda model, x: model.conv(nn.Parameter(x[..., 1:])),
        lambda model, x: model.conv(from_dlpack(to_dlpack(x[..., ::2].detach()))),
        with_data_set,
        swapped,
        over_a_storage,
        written_beside(lambda made: made.as_subclass(Other)),
        written_beside(lambda made: torch.from_numpy(made.numpy()[..., 2:])),
        written_beside(lambda made: torch.empty(0, dtype=made.dtype).set_(made)),
    ],
)
def test_what_shares_memory_is_followed_though_no_operator_made_it(function: Function) -> None:
    assert told(function) == (changed(function), None)
