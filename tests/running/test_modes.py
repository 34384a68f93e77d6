"""What the caller's own modes do to networks is none of an analysis, and they see nothing of it."""

from __future__ import annotations

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

import archscope


def test_a_step_is_known_where_nothing_can_be_trained() -> None:
    model, x = nn.Linear(8, 4), torch.ones(2, 8)

    with torch.inference_mode():
        assert archscope.train(model, x).totals.backward == 2 * 8 * 4
        assert archscope.memory(model, x).totals.saved == 2 * 8 * 4
        assert torch.is_inference_mode_enabled()


def test_a_network_is_counted_where_tensors_are_fake() -> None:
    with FakeTensorMode():
        assert archscope.params(nn.Linear(8, 4), torch.ones(2, 8)).totals.macs == 2 * 8 * 4


def test_a_counter_of_the_callers_counts_nothing_of_it() -> None:
    model, x = nn.Linear(8, 4), torch.ones(2, 8)

    with FlopCounterMode(display=False) as counter:
        assert archscope.train(model, x).totals.backward == 2 * 8 * 4
        assert counter.get_total_flops() == 0
        model(x)
        assert counter.get_total_flops() == 2 * 2 * 8 * 4
