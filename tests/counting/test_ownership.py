"""Work goes to the module that holds the weights."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archscope
from archscope.analyses.params.rows import ModuleRow
from archscope.counting.ownership import owner
from archscope.library import params


def rows(model: nn.Module, *inputs: Tensor) -> dict[str, ModuleRow]:
    report = params(model, *inputs, strict=True)
    return {row.path: row for row in report.section("modules").rows}


def test_the_output_projection_of_an_attention_has_its_own_work() -> None:
    x = torch.zeros(2, 5, 8)
    found = rows(nn.MultiheadAttention(8, 2, batch_first=True), x, x, x)

    assert found["out_proj"].own_macs == 2 * 5 * 8 * 8
    # q, k, v: 3*10*64; scores and values: 2 * 2*5*5*8
    assert found[""].own_macs == 3 * 10 * 64 + 2 * 2 * 25 * 8


class Borrower(nn.Module):
    """Uses a child's weight through a function, transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 6, bias=False)
        self.conv = nn.Conv1d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        F.conv1d(x.transpose(1, 2), self.conv.weight)
        return F.linear(x, self.fc.weight) @ self.fc.weight


def test_a_weight_that_is_borrowed_keeps_its_owner() -> None:
    found = rows(Borrower(), torch.zeros(1, 5, 4))

    assert found["fc"].own_macs == 2 * 5 * 4 * 6
    assert found["conv"].own_macs == 3 * 4 * 4 * 3
    assert found[""].own_macs == 0


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.emb(tokens))


def test_a_tied_weight_works_where_it_is_used_and_counts_where_it_is_first() -> None:
    found = rows(Tied(), torch.zeros(1, 3, dtype=torch.long))

    assert found["head"].own_macs == 3 * 4 * 10
    assert found["emb"].own_macs == 0
    assert found["emb"].own_trainable == 40
    assert found["head"].own_trainable == 0
    assert found["head"].shared_with == "emb"


def test_a_shared_module_counts_under_its_first_name() -> None:
    linear = nn.Linear(4, 4, bias=False)
    found = rows(nn.Sequential(linear, nn.ReLU(), linear), torch.zeros(1, 4))

    assert found["0"].calls == 2
    assert found["0"].own_macs == 32
    assert found["2"].shared_with == "0"
    assert found["2"].own_macs is None
    assert found[""].macs == 32
    assert found[""].trainable == 16


def test_own_columns_add_up_to_the_totals() -> None:
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
    report = params(model, torch.zeros(1, 3, 8), strict=True)
    found = report.section("modules").rows

    assert sum(row.own_trainable for row in found) == report.totals.trainable
    assert sum(row.own_macs or 0 for row in found) == report.totals.macs
    assert sum(row.own_flops or 0 for row in found) == report.totals.flops
    assert found[0].trainable == report.totals.trainable
    assert found[0].macs == report.totals.macs


def test_a_report_says_what_the_forward_was_called_with() -> None:
    x = torch.zeros(2, 5, 8)
    report = params(nn.MultiheadAttention(8, 2, batch_first=True), x, x, value=x.half().float())

    assert report.title == "MultiheadAttention · input 2×5×8, 2×5×8, 2×5×8"
    assert [(i.name, i.shape, i.dtype) for i in report.inputs] == [
        ("0", (2, 5, 8), "float32"),
        ("1", (2, 5, 8), "float32"),
        ("value", (2, 5, 8), "float32"),
    ]


def test_inputs_stand_in_a_dictionary_that_looks_its_keys_up_as_attributes() -> None:
    class Batch(dict[str, torch.Tensor]):
        __getattr__ = dict.__getitem__

    class Reads(nn.Linear):
        def forward(self, batch: Any) -> torch.Tensor:
            return super().forward(batch.x)

    batch = Batch(x=torch.zeros(2, 8))
    given = batch.x
    report = params(Reads(8, 4), batch)

    assert report.totals.macs == 2 * 8 * 4
    assert archscope.rf(Reads(8, 4), batch, axes=(1,)).totals.receptive_field == (8,)
    assert batch.x is given
    assert [(i.name, i.shape) for i in report.inputs] == [("0.x", (2, 8))]


def test_of_two_weights_within_a_module_the_last_decides_and_of_its_holders_the_first() -> None:
    first, second = ("a.emb", "b.head"), ("a.out", "a.in")

    assert owner([first, second], "a") == "a.out", "the last weight, by its first holder in a"
    assert owner([second, first], "a") == "a.emb"
    assert owner([first], "b") == "b.head", "a holder within the module that runs, not the first"
    assert owner([first, second], "a.in") == "a.in", "what runs and holds any of them"
    assert owner([first, second], "c") == "a.out", "none is near: any, the last weight's"
