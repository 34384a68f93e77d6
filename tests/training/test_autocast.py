"""What is kept under autocast, on a card and on a CPU."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import archscope


class After(nn.Module):
    """A function of what a linear layer made, which autocast made in 16 bits."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 16)
        self.function = function
        self.weight = nn.Parameter(torch.ones(16))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.function(self.linear(x))
        return y + self.weight[: y.shape[-1] if y.dim() else 1].sum()


NUMBERS = 4 * 12 * 16
INPUT = 2 * NUMBERS
"""Bytes of the linear layer's input, in 16 bits."""


@pytest.mark.parametrize(
    ("function", "card", "cpu"),
    [
        (lambda y: y.softmax(-1), 4 * NUMBERS, 2 * NUMBERS),  # its answer
        (lambda y: functional.softmax(y, -1), 4 * NUMBERS, 2 * NUMBERS),
        (torch.exp, 4 * NUMBERS, 2 * NUMBERS),
        (lambda y: y**3, 4 * NUMBERS, 2 * NUMBERS),  # its operand
        (lambda y: y.logsumexp(-1), (4 + 4 / 16) * NUMBERS, (2 + 2 / 16) * NUMBERS),
        (lambda y: y.sum(-1).relu(), 4 * NUMBERS / 16, 2 * NUMBERS / 16),  # what relu answers
        (functional.gelu, 2 * NUMBERS, 2 * NUMBERS),  # on no list
    ],
)
def test_a_card_casts_to_32_bits_what_a_cpu_leaves(
    function: Callable[[Tensor], Tensor], card: float, cpu: float
) -> None:
    x = torch.zeros(4, 12, 16)
    kept = [
        archscope.memory(After(function), x, autocast="bf16", dropout=whose).totals.saved
        for whose in ("card", "cpu")
    ]

    assert kept == [INPUT + card, INPUT + cpu]


@pytest.mark.parametrize(
    ("norm", "groups", "card"),
    [
        (nn.LayerNorm(16), 48, 4),  # on a card's list: its operand is cast
        (nn.GroupNorm(3, 12), 12, 4),
        (nn.BatchNorm1d(12), 12, 2),
    ],
)
def test_statistics_of_16_bits_have_the_32_of_the_weights(
    norm: nn.Module, groups: int, card: int
) -> None:
    model, x = nn.Sequential(nn.Linear(16, 16), norm), torch.zeros(4, 12, 16)

    for whose, bytes_ in (("card", card), ("cpu", 2)):
        report = archscope.memory(model, x, autocast="bf16", dropout=whose, check=whose == "cpu")
        assert report.totals.activations == INPUT + bytes_ * NUMBERS + 2 * 4 * groups
    for row in report.section("memory.check").rows[:2]:  # what is saved, and the peak
        if "workspaces" not in row.what:  # an older torch does not tell the peak without these
            assert row.measured == pytest.approx(row.predicted, abs=16)
