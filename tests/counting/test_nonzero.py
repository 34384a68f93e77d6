"""Weights that are not zero, and the work that is left without zero rows and columns."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from archscope.library import params
from archscope.results import Report


def dense(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    """Return a layer without a zero."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1)
    return layer


def row(report: Report, path: str) -> Any:
    return next(row for row in report.section("modules").rows if row.path == path)


def texts(report: Report) -> str:
    return " / ".join(note.text for note in report.notes)


def test_only_where_asked_for() -> None:
    asked, not_asked = (params(dense(4, 2), torch.ones(1, 4), nonzero=n) for n in (True, False))

    assert (not_asked.totals.nonzero, not_asked.totals.effective_macs) == (None, None)
    assert "onzero" not in not_asked.to("table")
    shared = dense(4, 4)
    twice = params(nn.Sequential(shared, nn.ReLU(), shared), torch.ones(1, 4))
    assert {row.effective_macs for row in twice.section("modules").rows} == {None}
    assert "Effective" not in twice.to("table")
    assert "Nonzero" in asked.to("table")
    assert "nonzero 10 (100.0%)" in asked.to("table")  # 4*2 + 2


def test_half_of_a_weight_pruned() -> None:
    net = nn.Sequential(dense(8, 4), nn.ReLU(), dense(4, 2))
    prune.random_unstructured(net[0], "weight", amount=0.5)

    report = params(net, torch.ones(3, 8), nonzero=True)

    # 16 of 32 weights and 4 biases; 8 weights and 2 biases
    assert row(report, "0").nonzero == 20
    assert row(report, "2").nonzero == 10
    assert row(report, "1").nonzero == 0
    assert row(report, "").own_nonzero == 0
    assert row(report, "").nonzero == report.totals.nonzero == 30
    assert report.totals.trainable == 46
    assert "nonzero 30 (65.2%)" in report.to("table")


def test_pruning_made_permanent_counts_the_same() -> None:
    layer = dense(8, 4)
    prune.l1_unstructured(layer, "weight", amount=5)
    masked = params(layer, nonzero=True).totals.nonzero
    prune.remove(layer, "weight")

    assert masked == params(layer, nonzero=True).totals.nonzero == 31  # 32 - 5 + 4


def test_zero_rows_and_columns_leave_less_work() -> None:
    layer = dense(8, 4)
    with torch.no_grad():
        layer.weight[1] = 0
        layer.weight[:, :2] = 0
    report = params(layer, torch.ones(3, 8), nonzero=True)

    # three of four rows, six of eight columns
    assert report.totals.nonzero == 3 * 6 + 4
    assert report.totals.macs == 3 * 8 * 4
    assert report.totals.effective_macs == 3 * 6 * 3


def test_scattered_zeros_leave_all_the_work() -> None:
    layer = dense(8, 4, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 1.0, 0.0, 0.0]).repeat(4, 2))
        layer.weight[0] = layer.weight[0].flip(0)
    report = params(layer, torch.ones(1, 8), nonzero=True)

    assert report.totals.nonzero == 4 * 8 // 2  # two of each four
    assert report.totals.effective_macs == report.totals.macs == 32


def test_pruned_filters_of_a_convolution() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(8, 4, 1))
    for layer in (net[0], net[2]):
        nn.init.ones_(layer.weight)
    nn.init.ones_(net[2].bias)
    prune.ln_structured(net[0], "weight", amount=2, n=1, dim=0)
    prune.ln_structured(net[2], "weight", amount=4, n=1, dim=1)

    report = params(net, torch.ones(1, 3, 5, 5), nonzero=True)

    assert row(report, "0").nonzero == 6 * 3 * 9
    assert row(report, "2").nonzero == 4 * 4 + 4
    assert row(report, "0").effective_macs == 25 * 6 * 3 * 9
    assert row(report, "2").effective_macs == 25 * 4 * 4
    assert report.totals.effective_macs == 25 * (6 * 3 * 9 + 4 * 4)


def test_work_of_other_layers_is_not_judged() -> None:
    grouped = params(nn.Conv1d(4, 4, 3, groups=2), torch.ones(1, 4, 8), nonzero=True)
    turned = params(nn.ConvTranspose1d(4, 4, 3), torch.ones(1, 4, 8), nonzero=True)
    recurrent = params(nn.LSTM(4, 4), torch.ones(2, 1, 4), nonzero=True)

    for report in (grouped, turned, recurrent):
        assert report.totals.effective_macs is None
        assert report.totals.nonzero == report.totals.trainable


def test_tied_weights_count_once() -> None:
    net = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    net[1].weight = net[0].weight
    with torch.no_grad():
        net[0].weight.fill_(1)[0] = 0
    report = params(net, torch.zeros(1, 3, dtype=torch.int64), nonzero=True)

    assert [row(report, path).own_nonzero for path in ("0", "1")] == [36, 0]
    assert report.totals.nonzero == 36  # nine of ten rows of four
    assert report.totals.effective_macs == 3 * 4 * 9


def test_weights_without_data_are_unknown() -> None:
    net = nn.Sequential(dense(4, 2), nn.ReLU(), nn.Linear(2, 2, device="meta"))
    report = params(net, nonzero=True)

    assert [row(report, path).nonzero for path in ("", "0", "1", "2")] == [None, 10, 0, None]
    assert report.totals.nonzero is None
    assert "nonzero weights are unknown: the parameters of 2 have no data" in texts(report)


def test_a_named_network_has_no_data() -> None:
    report = params("transformer", depth=2, nonzero=True)

    assert report.totals.nonzero is None
    assert texts(report).count("have no data") == 1


def test_packed_weights_are_unknown() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is deprecated
        net = torch.ao.quantization.quantize_dynamic(nn.Sequential(dense(4, 2)), {nn.Linear})
    report = params(net, nonzero=True)

    assert report.totals.nonzero is None
    assert "are packed" in texts(report)


def test_sparse_tensors_count_what_they_store() -> None:
    layer = dense(4, 3, bias=False)
    stored = torch.tensor([[0.0, 0, 2, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # compressed layouts are in beta
        layouts = (stored.to_sparse(), stored.to_sparse_csr(), stored.to_sparse_csc())
    for sparse in layouts:
        layer.weight = nn.Parameter(sparse)
        assert params(layer, nonzero=True).totals.nonzero == 2


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.bfloat16, torch.complex64])
def test_every_number_type(dtype: torch.dtype) -> None:
    layer = nn.Module()
    layer.weight = nn.Parameter(torch.tensor([0.0, -0.0, 1.0]).to(dtype), requires_grad=False)

    assert params(layer, nonzero=True).totals.nonzero == 1


class Masked(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight * 0


def test_computed_weights_are_counted_as_stored() -> None:
    layer = dense(4, 2)
    parametrize.register_parametrization(layer, "weight", Masked())
    report = params(layer, nonzero=True)

    assert report.totals.nonzero == 10
    assert "counted as stored: parametrizations.weight computes" in texts(report)


def test_the_mask_of_two_of_four_counts() -> None:
    pruning = pytest.importorskip("torch.ao.pruning")
    net = nn.Sequential(dense(8, 4))
    sparsifier = pruning.WeightNormSparsifier(
        sparsity_level=1.0, sparse_block_shape=(1, 4), zeros_per_block=2
    )
    sparsifier.prepare(net, [{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    report = params(net, torch.ones(1, 8), nonzero=True)

    assert report.totals.nonzero == 16 + 4  # half of 32 weights, four biases
    assert "as stored" not in texts(report)


def test_the_network_is_as_it_was() -> None:
    layer = dense(8, 4)
    prune.random_unstructured(layer, "weight", amount=0.5)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    versions = [value._version for value in layer.state_dict(keep_vars=True).values()]
    params(layer, torch.ones(1, 8), nonzero=True)

    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())
    assert versions == [value._version for value in layer.state_dict(keep_vars=True).values()]


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=2, max_size=4))
def test_what_is_left_is_what_a_smaller_layer_does(kept: list[list[bool]]) -> None:
    layer = nn.Linear(3, len(kept), bias=False)
    mask = torch.tensor(kept)
    with torch.no_grad():
        layer.weight.copy_(mask)
    totals = params(layer, torch.ones(2, 3), nonzero=True).totals

    smaller = mask[mask.any(1)][:, mask.any(0)]
    assert totals.nonzero == int(mask.sum())
    assert totals.effective_macs == 2 * smaller.numel()
    assert totals.nonzero * 2 <= totals.effective_macs <= totals.macs
