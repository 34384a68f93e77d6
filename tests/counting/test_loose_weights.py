"""Weights that torch does not list, or lists twice, are said."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

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
