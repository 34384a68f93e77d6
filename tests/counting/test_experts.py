"""How many experts of a mixture a token meets: stated, shown by the forward, or unknown."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from archscope import params

_Routing = Literal["topk", "argmax", "max", "soft", "threshold"]
_EXPERT = 4 * 4
_ROUTER = 4 * 3


class _Mixture(nn.Module):
    """Three experts of which a token meets some, in a list."""

    def __init__(self, routing: _Routing, **states: int) -> None:
        super().__init__()
        self.routing = routing
        self.router = nn.Linear(4, 3, bias=False)
        self.experts = nn.ModuleList(nn.Linear(4, 4, bias=False) for _ in range(3))
        self.shared_experts = nn.ModuleList(nn.Linear(4, 4, bias=False) for _ in range(2))
        for name, value in states.items():
            setattr(self.router, name, value)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.router(x)
        scores = (scores - scores.max(-1, keepdim=True)[0]).softmax(-1)  # no choice of an expert
        met = scores > 0.25
        if self.routing == "topk":
            met = torch.zeros_like(scores).scatter(-1, scores.topk(2)[1], 1.0) > 0
        elif self.routing == "max":
            met = nn.functional.one_hot(scores.max(-1)[1], 3) > 0
        elif self.routing == "argmax":
            met = nn.functional.one_hot(scores.argmax(-1), 3) > 0
        out = sum(expert(x) for expert in self.shared_experts)
        for number, expert in enumerate(self.experts):
            if self.routing == "soft":
                out = out + scores[:, number, None] * expert(x)
            else:
                rows = met[:, number].nonzero()[:, 0]
                out = out.index_add(0, rows, expert(x[rows]))
        return out


@pytest.mark.parametrize(
    ("routing", "states", "chosen"),
    [
        ("topk", {}, 2),
        ("topk", {"n_activated_experts": 2}, 2),
        ("argmax", {}, 1),
        ("max", {}, 1),
        ("soft", {}, 3),
        ("threshold", {"top_k": 1}, 1),
    ],
)
def test_a_token_meets_as_many_experts_of_a_list(
    routing: _Routing, states: dict[str, int], chosen: int
) -> None:
    totals = params(_Mixture(routing, **states), torch.randn(5, 4)).totals

    assert totals.trainable == _ROUTER + 5 * _EXPERT
    assert totals.active == _ROUTER + (chosen + 2) * _EXPERT


@pytest.mark.parametrize(
    ("routing", "states", "why"),
    [
        ("threshold", {}, "no layer states it, and its forward does not choose so many"),
        ("topk", {"top_k": 1}, "it states 1, and its forward chose 2"),
    ],
)
def test_an_unknown_choice_is_no_number(
    routing: _Routing, states: dict[str, int], why: str
) -> None:
    report = params(_Mixture(routing, **states), torch.randn(5, 4))

    assert report.totals.active is None
    assert [why in note.text for note in report.notes].count(True) == 1


def test_without_a_forward_a_layer_must_state_it() -> None:
    assert params(_Mixture("topk"), flops=False).totals.active is None
    totals = params(_Mixture("topk", top_k=2), flops=False).totals
    assert totals.active == _ROUTER + 4 * _EXPERT
