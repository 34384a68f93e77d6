"""`params --by type`: what each type of layer holds and does, and that the rows are all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archscope
from archscope.results import Report
from archscope.saved import read_text

SUMMED = ("trainable", "frozen", "buffers", "macs", "flops", "weight_bytes")


class MyLinear(nn.Linear):
    """A linear layer under another name."""


class Scale(nn.Module):
    """A matrix of its own, and no class of torch's."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(8, 16))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.matrix)


class Everything(nn.Module):
    """A layer of each type, on 10 words of width 16."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 16)
        self.position = nn.Parameter(torch.zeros(10, 16))
        self.mine = MyLinear(16, 16)
        self.attend = nn.Softmax(-1)
        self.torchs = nn.MultiheadAttention(16, 4, batch_first=True)
        self.norm = nn.BatchNorm1d(16)
        self.depthwise = nn.Conv1d(16, 16, 3, padding=1, groups=16)
        self.pointwise = nn.Conv1d(16, 16, 1)
        self.grouped = nn.Conv1d(16, 12, 1, groups=4)
        self.up = nn.ConvTranspose1d(12, 16, 2, stride=2)
        self.wide = nn.Conv2d(1, 2, (3, 5), bias=False).requires_grad_(False)
        self.gru = nn.GRU(16, 8, batch_first=True)
        self.scale = Scale()
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(16, 16, bias=False))
        self.scores = nn.Linear(16, 10, bias=False)
        self.scores.weight = self.words.weight
        self.again = self.mine
        self.bent = nn.PReLU(8)

    def forward(self, words: Tensor) -> tuple[Tensor, ...]:
        x = self.words(words) + self.position  # (1, 10, 16)
        x = self.attend(self.mine(x) @ x.mT) @ x
        x = self.torchs(x, x, x)[0]
        y = self.pointwise(self.depthwise(self.norm(x.mT)))  # (1, 16, 10)
        self.up(self.grouped(y))
        self.wide(x[:, None])
        self.gru(x)
        self.bent(self.scale(x).mT)
        product = y.mT.flatten() @ y.flatten()  # in no attention's name, but its module takes one
        return self.scores(self.normed(x)), product


def assert_all_is_there(report: Report) -> None:
    rows = report.section("params.types").rows
    for field in SUMMED:
        assert sum(getattr(row, field) for row in rows) == getattr(report.totals, field), field


def types(report: Report) -> dict[str, Any]:
    return {row.type: row for row in report.section("params.types").rows}


def test_each_type_by_hand() -> None:
    report = archscope.params(Everything(), torch.zeros(1, 10, dtype=torch.int64))
    rows = types(report)

    assert_all_is_there(report)
    assert {
        name: (row.layers, row.trainable + row.frozen, row.macs) for name, row in rows.items()
    } == {
        # MyLinear 16*16 + 16, once for its two names; q, k, v of torch's attention as much each and
        # its output; Scale 8*16; 16*16 and 16 of weight norm; the tied head's are the embedding's.
        # 10 rows through 16*16 six times, through 8*16, and through the head's 16*10.
        "linear": (8, 5 * 272 + 128 + 272, 10 * (6 * 256 + 128 + 160)),
        "pointwise conv 1d": (1, 272, 10 * 256),
        "depthwise conv 1d": (1, 16 * 3 + 16, 10 * 48),
        "grouped conv 1d": (1, 12 * 4 + 12, 10 * 48),
        "transposed conv 1d": (1, 12 * 16 * 2 + 16, 10 * 12 * 16 * 2),
        "conv 2d": (1, 2 * 15, 8 * 12 * 2 * 15),
        # three gates of 8 features from 16 and from 8, and two biases for each
        "recurrent": (1, 3 * 8 * 24 + 2 * 3 * 8, 10 * 3 * 8 * 24),
        # 10*10*16 twice, in the module that takes a softmax and in torch's; and y . y
        "attention": (2, 0, 2 * 2 * 1600 + 160),
        "embedding": (1, 160, 0),
        "norm": (1, 32, 0),
        "activation": (2, 8, 0),
        "own parameters": (0, 160, 0),
    }
    assert rows["conv 2d"].frozen == 30
    assert rows["depthwise conv 1d"].macs_per_parameter == 480 / 64
    assert (rows["conv 2d"].params_formula, rows["conv 2d"].macs_formula) == (
        "o*i*k1*k2",
        "n*o*i*k1*k2",
    )
    assert rows["recurrent"].params_formula == "D*(g*h*(i + h) + (N - 1)*g*h*(D*h + h)) + 2*D*N*g*h"
    assert rows["linear"].params_formula is None, "no formula knows a weight that is computed"


def test_work_of_no_layer_is_that_of_functions() -> None:
    class Products(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.layer_norm(x @ x, (4,))

    report = archscope.params(nn.Sequential(nn.Linear(4, 4), Products()), torch.zeros(4, 4))
    rows = types(report)

    assert_all_is_there(report)
    assert {name: row.macs for name, row in rows.items()} == {"linear": 64, "functions": 64}
    assert rows["functions"].flops > rows["functions"].macs, "fvcore estimates the norm"
    assert (rows["linear"].params_formula, rows["linear"].macs_formula) == ("i*o + o", "n*i*o")


def test_without_inputs_the_work_is_unknown() -> None:
    rows = types(archscope.params(nn.Sequential(nn.Conv3d(2, 3, 2), nn.ReLU())))

    assert (rows["conv 3d"].trainable, rows["conv 3d"].macs) == (3 * 2 * 8 + 3, None)
    assert rows["conv 3d"].macs_per_parameter is None
    assert rows["conv 3d"].params_formula == "o*i*k*k*k + o"


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        # 12 blocks of 4 linear layers, and the head
        ("gpt2", {}, {"linear": 49, "attention": 12, "embedding": 2, "norm": 25}),
        ("albert-base-v1", {"seq_len": 64}, {}),
        ("transformer", {"seq_len": 64, "depth": 2, "experts": 4, "top_k": 2}, {"experts": 2}),
        # 8 blocks of two convolutions whose weights are normalised by hand
        ("tcn", {}, {"conv 1d": 16}),
        ("mamba-130m", {"seq_len": 32, "depth": 2}, {"state space": 2, "depthwise conv 1d": 2}),
        ("transfo-xl-wt103-base", {"depth": 2}, {"attention": 2}),
        # 16 blocks of two 1x1 and a 3x3, four of them with a 1x1 beside them; 7x7 before
        ("resnet50", {}, {"conv 2d": 17, "pointwise conv 2d": 36, "norm": 53, "linear": 1}),
    ],
)
def test_rows_add_up_to_the_totals_of(
    name: str, fields: dict[str, Any], expected: dict[str, int]
) -> None:
    report = archscope.params(name, **fields)
    rows = types(report)

    assert_all_is_there(report)
    assert {kind: rows[kind].layers for kind in expected} == expected
    assert types(read_text(report.to("json"))) == rows


def test_two_flops_for_a_mac_change_the_flops_alone() -> None:
    report = archscope.params("cnn", depth=1)
    twice = archscope.params("cnn", depth=1, flops_per_mac=2)

    assert_all_is_there(twice)
    assert replace(types(twice)["conv 2d"], flops=0) == replace(types(report)["conv 2d"], flops=0)
