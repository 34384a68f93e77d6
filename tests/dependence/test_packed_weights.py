"""Layers whose weights are packed whole numbers see what those of plain numbers see."""

from __future__ import annotations

import pytest
import torch
from test_rules import said_of
from torch import Tensor, nn

import archscope
from archscope.dependence.answer.examine import examine
from archscope.subject import Inputs


class _WeightOnly(nn.Module):
    """A causal convolution, and a product with weights of eight bits."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randint(-128, 127, (64, 64), dtype=torch.int8))
        self.register_buffer("scales", torch.rand(64, dtype=torch.bfloat16))
        self.conv = nn.Conv1d(64, 64, 3, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.conv(x)[..., :-2].transpose(1, 2)  # (N, T, 64)
        flat = rows.reshape(-1, 64).bfloat16()
        return torch._weight_int8pack_mm(flat, self.weight, self.scales).reshape(rows.shape)


class _Table(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.ao.nn.quantized.Embedding(32, 16)
        self.conv = nn.Conv1d(16, 8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.conv(self.table(tokens).transpose(1, 2))
        return out


def test_a_product_with_packed_weights_mixes_features_alone() -> None:
    totals = archscope.rf(_WeightOnly(), torch.randn(1, 64, 32)).totals

    assert (totals.receptive_field, totals.ahead, totals.bounded_by) == ((3,), 0, None)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_a_packed_table_gives_each_token_its_row() -> None:
    totals = archscope.rf(_Table(), torch.randint(0, 32, (1, 20))).totals

    assert (totals.receptive_field, totals.bounded_by) == ((3,), None)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "field"), [("Conv1d", 3), ("ConvTranspose1d", 2)])
def test_a_packed_convolution_along_a_line_looks_along_it(name: str, field: int) -> None:
    # Kernel 3, stride 2: of three taps turned round, two meet an output or one.
    quantised = torch.ao.nn.quantized
    ends = quantised.Quantize(1.0, 0, torch.quint8), quantised.DeQuantize()
    packed = nn.Sequential(ends[0], getattr(quantised, name)(4, 6, 3, stride=2), ends[1])

    totals = archscope.rf(packed, torch.zeros(1, 4, 9)).totals

    assert (totals.receptive_field, totals.bounded_by) == ((field,), None)
    said = said_of(examine(packed, Inputs(args=(torch.zeros(1, 4, 9),)))).reshape(6, -1, 4, 9)
    assert (said == said[:1, :, :1]).all()  # of every channel every other one sees as much
    assert said.any(-1).all()
