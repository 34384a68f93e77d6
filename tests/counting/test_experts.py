"""How many experts of a mixture a token meets: stated, shown by the forward, or unknown."""

from __future__ import annotations

from typing import Any, Literal

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


class _Named(nn.Module):
    """The same without a name that says so, or layers one after the other where none is chosen."""

    def __init__(self, way: Literal["gathered", "one by one", "some", "in turn", "soft"]) -> None:
        super().__init__()
        self.way, self.gate = way, nn.Linear(4, 3, bias=False)
        self.ffns = nn.ModuleList(nn.Linear(4, 4, bias=False) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        best = self.gate(x).topk(2)[1]
        if self.way == "one by one":
            return torch.stack([self.ffns[b](row) for row in x for b in best[0].tolist()])
        if self.way == "in turn":
            return self.ffns[2](self.ffns[1](self.ffns[0](x)))
        out = torch.zeros_like(x)
        for number, ffn in enumerate(self.ffns):
            rows = (best == number).any(-1).nonzero()[:, 0]
            if self.way == "soft":
                out = out + ffn(x)
            else:
                rows = rows[1:] if self.way == "some" else rows
                out = out.index_add(0, rows, ffn(x[rows]))
        return out


@pytest.mark.parametrize(
    ("way", "met"),
    [("gathered", 2), ("one by one", 2), ("in turn", 3), ("soft", 3), ("some", None)],
)
def test_experts_that_are_not_called_so_are_known_by_what_they_are_given(
    way: Any, met: int | None
) -> None:
    report = params(_Named(way), torch.randn(5, 4))

    assert report.totals.active == (None if met is None else _ROUTER + met * _EXPERT)
    said = "chose 2 of 3, and gave each some rows alone"
    assert any(said in note.text for note in report.notes) is (met is None)


class _Stacked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(4, 3, bias=False), nn.Parameter(torch.randn(3, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("td,tde->te", x, self.up[self.gate(x).argmax(-1)])


def test_stacked_weights_of_which_some_are_chosen_may_be_experts() -> None:
    report = params(_Stacked(), torch.randn(5, 4))

    assert report.totals.active is None
    assert any("chose 1 of 3, and no num_experts is stated" in n.text for n in report.notes)


def test_scripted_layers_are_no_experts() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)))

    assert params(scripted, torch.zeros(5, 4)).totals.active == 2 * (_EXPERT + 4)
