"""Feed-forwards against the same written out token by token."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from archscope.blocks.feedforward import ACTIVATIONS, GATED, GatedFeedForward, MixtureOfExperts


def _mixture(activation: str, bias: bool, experts: int = 5, top_k: int = 2) -> MixtureOfExperts:
    torch.manual_seed(0)
    return MixtureOfExperts(8, 12, experts, top_k, activation=activation, bias=bias).double()


def _by_token(mixture: MixtureOfExperts, token: Tensor) -> Tensor:
    scores = mixture.router.weight @ token
    best = scores.argsort(descending=True)[: mixture.top_k].tolist()
    weights = scores[best].softmax(0)
    return sum(w * _expert(mixture, i, token) for w, i in zip(weights, best, strict=True))


def _expert(mixture: MixtureOfExperts, i: int, x: Tensor) -> Tensor:
    all_of = mixture.experts

    def linear(name: str, x: Tensor) -> Tensor:
        bias = getattr(all_of, f"{name}_bias")
        return getattr(all_of, name)[i] @ x + (0 if bias is None else bias[i])

    if all_of.gate is None:
        return linear("down", all_of.activation(linear("up", x)))
    return linear("down", all_of.activation(linear("gate", x)) * linear("up", x))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("experts", "top_k"), [(5, 2), (5, 5), (1, 1), (40, 3)])
def test_experts_answer_as_token_by_token(
    activation: str, bias: bool, experts: int, top_k: int
) -> None:
    mixture = _mixture(activation, bias, experts, top_k)
    x = torch.randn(2, 3, 8, dtype=torch.float64)
    expected = torch.stack([_by_token(mixture, token) for token in x.flatten(0, 1)]).view(2, 3, 8)
    torch.testing.assert_close(mixture(x), expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_each_token_costs_its_experts_and_no_more(activation: str, device: str) -> None:
    mixture = _mixture(activation, bias=True).to(device)
    with FlopCounterMode(display=False) as counter:
        mixture(torch.ones(2, 3, 8, dtype=torch.float64, device=device))
    matrices = 3 if activation in GATED else 2
    # 6 tokens x (5 scores x 8 features + 2 experts x matrices x 8 x 12)
    assert counter.get_total_flops() == 2 * 6 * (5 * 8 + 2 * matrices * 8 * 12)


def test_experts_state_which_share_of_them_is_active() -> None:
    assert _mixture("relu", bias=False).experts.active_fraction == Fraction(2, 5)


def test_gradients_reach_the_experts_that_were_asked_and_the_router() -> None:
    mixture = _mixture("relu", bias=False, experts=40, top_k=1)
    x = torch.randn(1, 1, 8, dtype=torch.float64)
    mixture(x).sum().backward()
    asked = mixture.router(x).argmax().item()
    reached = mixture.experts.down.grad.abs().sum((1, 2)).nonzero().flatten().tolist()
    assert reached == [asked]


def test_geglu_gates_with_gelu_and_swiglu_with_silu() -> None:
    for activation, function in (("geglu", F.gelu), ("swiglu", F.silu)):
        layer = GatedFeedForward(4, 6, activation=activation)
        x = torch.randn(3, 4)
        torch.testing.assert_close(layer(x), layer.down(function(layer.gate(x)) * layer.up(x)))
