"""The dispatcher engine counts what runs, a backward pass too."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.counting.dispatcher import DispatcherCounter


def flops(model: nn.Module, run: Callable[[], Tensor]) -> int:
    counter = DispatcherCounter(model, {})
    with counter.stack, counter:
        run().sum().backward()
    return 2 * sum(counter.count.macs().values())


class LowRank(nn.Module):
    """A frozen linear layer with a trained detour (Hu et al. 2022)."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.base = nn.Linear(width, width, bias=False).requires_grad_(False)
        self.down = nn.Linear(width, rank, bias=False)
        self.up = nn.Linear(rank, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.up(self.down(x))


def test_frozen_weights_need_no_gradient_of_their_own() -> None:
    model = nn.Sequential(LowRank(64, 4), LowRank(64, 4))
    x = torch.randn(8, 64)

    # forward 2*8*64*(64 + 4 + 4)*2 = 147,456; with backward 241,664, not three times the forward
    assert flops(model, lambda: model(x)) == 241_664


def test_the_gradient_of_the_input_costs_only_where_it_is_asked_for() -> None:
    linear = nn.Linear(10, 20)
    x = torch.randn(4, 10)

    # forward 2*4*10*20 = 1,600; the weight's gradient as much; the input's as much again
    assert flops(linear, lambda: linear(x)) == 3_200
    x.requires_grad_()
    assert flops(linear, lambda: linear(x)) == 4_800


def test_fused_attention_forward_and_backward() -> None:
    q = torch.randn(4, 8, 128, 64, requires_grad=True)
    k = torch.randn(4, 8, 256, 64, requires_grad=True)
    v = torch.randn(4, 8, 256, 64, requires_grad=True)

    # forward 268,435,456; backward two and a half times that: scores are computed anew
    assert flops(nn.Identity(), lambda: F.scaled_dot_product_attention(q, k, v)) == 939_524_096
