"""Weights that torch does not list, or lists twice, are said."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import archscope


def said(model: nn.Module, *inputs: Any) -> str:
    return " ".join(note.text for note in archscope.params(model, *inputs).notes)


class Listed(nn.Module):
    """Keeps layers where torch does not look, and names of its own that are none."""

    def __init__(self, **held: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        for name, each in held.items():
            setattr(self, name, each)


def test_layers_in_a_plain_list_are_in_no_count_and_said() -> None:
    model = Listed(more=[nn.Linear(4, 4), {"own": nn.Parameter(torch.ones(3))}], words=["a"] * 9)
    model.mine = [model.layer, model]  # type: ignore[assignment]

    assert archscope.params(model).totals.trainable == 4 * 4 + 4
    assert "more is a plain container of weights, 23 elements" in said(model)
    assert "mine" not in said(model)
    many = Listed(**{name: [nn.Linear(1, 1)] for name in "abcde"})
    assert "a, b, c and 2 more are plain containers of weights, 10 elements" in said(many)


def test_parameters_in_the_memory_of_others_are_said() -> None:
    encoder, decoder, apart = (
        nn.Linear(8, 4, bias=False),
        nn.Linear(4, 8, bias=False),
        nn.Linear(8, 8),
    )
    decoder.weight = nn.Parameter(encoder.weight.data.T)
    halves = torch.zeros(16, 8)
    apart.weight, other = nn.Parameter(halves[8:]), nn.Linear(8, 8)
    other.weight = nn.Parameter(halves[:8])

    tied = said(nn.Sequential(encoder, decoder))
    assert "1.weight in that of 0.weight" in tied
    assert "memory of others" not in said(nn.Sequential(apart, other, encoder))


class OnFirstUse(nn.Module):
    """Makes its head when it knows how wide it is to be."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(4, 8), None

    def forward(self, x: Tensor) -> Any:
        x = self.body(x)
        if self.head is None:
            self.head = nn.Linear(x.shape[-1], 2)
        return self.head(x)


def test_layers_that_a_forward_makes_are_warned_of_until_they_are_there() -> None:
    for ask in (archscope.params, archscope.train, archscope.memory):
        model, x = OnFirstUse(), torch.zeros(3, 4)
        words = "makes parameters that were not there before (head.weight, head.bias)"

        assert words in str(ask(model, x).notes)
        assert model.head is None
        model(x)
        assert "not there before" not in str(ask(model, x).notes)
