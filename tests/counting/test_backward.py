"""The dispatcher engine counts what runs, a backward pass too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archscope.counting.dispatcher import DispatcherCounter
from archscope.counting.formulas import FORMULAS
from archscope.counting.gradients import carries_none
from archscope.counting.operators import classify


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


@pytest.mark.parametrize("weighs", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_fused_recurrent_kernels_multiply_what_their_steps_do(kind: str, weighs: bool) -> None:
    wide = torch.float64  # oneDNN, which has no steps to be seen, takes 32 bits alone
    net = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True, dtype=wide)
    net.requires_grad_(weighs)
    x = torch.rand(5, 2, 3, dtype=wide, requires_grad=True)
    first = torch.rand(4, 2, 4, dtype=wide, requires_grad=True)
    states = (first, first.detach().requires_grad_()) if kind == "LSTM" else first
    with FlopCounterMode(display=False) as steps:
        made = net(x, states)[0]
        forward = steps.get_total_flops()
        made.sum().backward()
    backward = (steps.get_total_flops() - forward) // 2
    weights = list(net.parameters())
    mask = [True, True, kind == "LSTM", weighs]

    for name in ("_cudnn_rnn_backward", "miopen_rnn_backward"):
        formula = FORMULAS[f"aten::{name}"]
        assert formula(x, weights, 2, None, first, mask, result=None) == backward
    if weighs:
        parts = [
            FORMULAS["aten::mkldnn_rnn_layer_backward"](rows, *weights[at : at + 4], result=None)
            for at, rows in ((0, x), (4, x), (8, made), (12, made))
        ]
        assert sum(parts) == backward
        given = [None] * 5 + [x, None, None, weights]
        assert FORMULAS["aten::lstm_mps_backward"](*given, result=None) == backward
    assert classify("aten::_cudnn_rnn_backward") == "multiply-accumulate"


def test_a_backward_multiplies_if_its_forward_does() -> None:
    for name in ("_segment_reduce", "_cdist", "_embedding_bag_dense"):
        assert carries_none(f"aten::{name}_backward")
    for name in ("_slow_conv2d", "linear", "conv_tbc"):
        assert not carries_none(f"aten::{name}_backward")
