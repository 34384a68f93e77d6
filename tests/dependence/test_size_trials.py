"""Runs on other sizes, which leave values alone but have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from archscope.dependence.answer.receptive import receptive
from archscope.dependence.answer.size_trials import Trials
from archscope.subject import Inputs


class Steered(nn.Conv1d):
    """A convolution that runs where its weights are ones, whose forward may write to them."""

    def __init__(self, *, writes: bool) -> None:
        super().__init__(2, 2, 3, stride=2, bias=False)
        nn.init.ones_(self.weight)
        self.writes, self.calls = writes, torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.writes:
            self.weight.mul_(1)
        found = super().forward(x[..., torch.ones(x.shape[-1]).bool()])
        return found[..., : int(self.weight.sum()) - 2]


@pytest.mark.parametrize("writes", [False, True])
def test_other_sizes_run_with_the_values_of_weights(*, writes: bool) -> None:
    model, inputs = Steered(writes=writes).eval(), Inputs(args=(torch.zeros(1, 2, 16),))
    found = receptive(model, inputs)
    tried: Callable[[int], int | None] = Trials(model, inputs, found.given, found.target).outputs(
        (0,), 2
    )

    # (n - 3) // 2 + 1 units, of which the 12 ones less 2 are kept.
    assert [tried(size) for size in (2, 3, 8, 16, 40)] == [None, 1, 3, 7, 10]
    assert bool((model.weight == 1).all())
    assert model.calls._version == 0  # a copy of it ran


class Written(nn.Module):
    """A stride, whose result is written into a part of zeros, then a mean over all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv1d(1, 1, 3, stride=2)
        self.head = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        made = self.inner(self.inner(x).repeat(1, 1, 2))
        padded = torch.zeros(1, 1, made.shape[-1] + 2)
        padded[..., 1:-1] = made
        found: Tensor = self.head(padded.flatten(1).mean(1, keepdim=True))
        return found


@pytest.mark.parametrize("output", [None, "inner"])
def test_an_output_within_is_tried_by_its_call(output: str | None) -> None:
    model, inputs = Written().eval(), Inputs(args=(torch.zeros(1, 1, 32),))
    found = receptive(model, inputs, output=output)
    trials = Trials(model, inputs, found.given, found.target)
    tried = trials.outputs((0,), 2)

    # (n - 3) // 2 + 1 units twice over, and of these (m - 3) // 2 + 1 by the second call.
    assert found.target.call.number == 2
    left = trials.left
    assert [tried(size) for size in (2, 3, 8, 16, 32, 40)] == [None, None, 2, 6, 14, 18]
    assert left - 5 <= trials.left < left  # the given size was run before, and 2 ran not far


def test_what_is_put_into_zeros_is_of_their_shape() -> None:
    class Padded(Written):
        def forward(self, x: Tensor) -> Tensor:
            made = self.inner(x)
            padded = torch.zeros(1, 1, made.shape[-1] + 2)
            padded[..., 1:-1] = made
            return padded.view(1, -1, 1)

    model, inputs = Padded().eval(), Inputs(args=(torch.zeros(1, 1, 32),))
    found = receptive(model, inputs)
    tried = Trials(model, inputs, found.given, found.target).outputs((0,), 1)

    assert [tried(size) for size in (2, 3, 9)] == [None, 3, 6]
