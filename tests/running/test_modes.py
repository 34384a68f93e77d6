"""What the caller's own modes do to networks is none of an analysis, and they see nothing of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

import archscope
from archscope.errors import UsageError


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


def test_transforms_of_the_callers_are_left_and_found_again() -> None:
    """Within `vmap` torch draws no random numbers, within `grad` nobody looks at what is saved."""
    model = nn.Linear(8, 4)
    found = []

    def loss(x: torch.Tensor) -> torch.Tensor:
        found.append(archscope.params(model, input_shape=(2, 8)).totals.macs)
        found.append(archscope.train(model, x).totals.backward)
        found.append(archscope.memory(model, x).totals.saved)
        found.append(next(archscope.build("cnn", depth=1, channels=2).parameters()).shape[0])
        return model(x).sum()

    x = torch.ones(3, 2, 8)
    made = torch.vmap(torch.func.grad(loss), in_dims=0)(x)

    assert found == [2 * 8 * 4, 2 * 8 * 4, 4 * 2 * 8, 2]
    assert torch.equal(made, model.weight.detach().sum(0).expand(3, 2, 8))


def test_weights_of_a_transform_are_refused() -> None:
    model = nn.Linear(8, 4)

    def one(weight: torch.Tensor) -> torch.Tensor:
        with torch.nn.utils.stateless._reparametrize_module(model, {"weight": weight}):
            archscope.params(model, torch.ones(2, 8))
        return weight

    with pytest.raises(UsageError, match="weights are those of a transform"):
        torch.vmap(one)(torch.ones(3, 4, 8))
