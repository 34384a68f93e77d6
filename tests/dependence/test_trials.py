"""Runs on other sizes, which leave values alone but have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from archscope.dependence.answer.receptive import receptive
from archscope.dependence.answer.trials import Trials
from archscope.subject import Inputs


class Steered(nn.Conv1d):
    """A convolution that runs where its weights are ones, whose forward may write to them."""

    def __init__(self, *, writes: bool) -> None:
        super().__init__(2, 2, 3, stride=2, bias=False)
        nn.init.ones_(self.weight)
        self.writes = writes

    def forward(self, x: Tensor) -> Tensor:
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
