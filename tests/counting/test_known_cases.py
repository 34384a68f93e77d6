"""Networks whose multiply-accumulates and parameters are known exactly, by both engines.

Every case is counted on shapes alone and on data.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from known_cases import CASES, Function, filled
from torch import Tensor, nn

from archscope.library import params

GROUPED = pytest.mark.skipif(
    not hasattr(torch, "_grouped_mm"), reason="this torch has no grouped product"
)
NEWER = {"grouped product": GROUPED, "grouped product, of columns": GROUPED}
"""Cases of operators that the oldest torch of pyproject.toml lacks."""

NAMES = [pytest.param(name, marks=NEWER.get(name, ())) for name in CASES]


@pytest.mark.parametrize("execution", ["shapes", "real"])
@pytest.mark.parametrize("name", NAMES)
def test_both_engines_count_exactly(name: str, execution: str, count: Any) -> None:
    case = CASES[name]

    found = count(case.model(), *case.inputs, execution=execution, **case.named)

    assert found.failure is None
    assert found.fvcore is not None, found.fvcore_failure
    assert sum(found.dispatcher.macs().values()) == case.macs
    assert sum(found.fvcore.macs.values()) == case.macs


@pytest.mark.parametrize("name", NAMES)
def test_the_engines_agree_module_by_module(name: str) -> None:
    case = CASES[name]

    report = params(case.model(), *case.inputs, strict=True, **case.named)

    assert report.totals.macs == case.macs
    assert report.totals.trainable + report.totals.frozen == case.parameters
    assert report.totals.complete


@pytest.mark.parametrize("length", [32, 100])
def test_attention_grows_with_the_square_of_the_sequence(length: int) -> None:
    def macs(tokens: int) -> int:
        q = filled(1, 2, tokens, 8)
        return params(Function(F.scaled_dot_product_attention), q, q, q).totals.macs

    # calculate-flops#48: a counter without attention's own products would say 2
    assert macs(2 * length) == 4 * macs(length)


def test_packed_sequences_count_their_own_lengths() -> None:
    lstm = nn.LSTM(10, 20)
    packed = nn.utils.rnn.pack_padded_sequence(filled(5, 3, 10), torch.tensor([5, 3, 2]))

    # (5 + 3 + 2) rows * 4*20*(10 + 20) = 24,000
    assert params(lstm, packed, strict=True).totals.macs == 24_000


def test_a_projected_lstm() -> None:
    # 15 rows * (80*10 + 80*7 + 7*20) = 22,500
    assert params(nn.LSTM(10, 20, proj_size=7), filled(5, 3, 10), strict=True).totals.macs == 22_500


class Masked(nn.Module):
    """Looks at a mask's values, as transformers' attention does, and writes into a result."""

    def __init__(self) -> None:
        super().__init__()
        self.emb, self.fc = nn.Embedding(10, 4), nn.Linear(4, 4)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        x = self.emb(tokens)
        out = torch.zeros(x.shape)
        for row in range(int(mask.sum().item())):
            out[:, row] = self.fc(x[:, row])
        return self.fc(out)


def test_the_values_of_a_mask_steer_the_forward() -> None:
    tokens, mask = torch.zeros(1, 5, dtype=torch.long), torch.tensor([1, 1, 1, 0, 0])

    report = params(Masked(), tokens, mask, strict=True)

    # three rows one by one, then all five: 8 * 4*4
    assert report.totals.macs == 128
    assert report.environment.device == "meta"
    with torch.device("meta"):
        model = Masked()
    assert params(model, tokens, mask, strict=True).totals.macs == 128


class Tempting(nn.Module):
    """Reads back what it wrote into a constant: its value is not known without data."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.zeros(1, 4)
        out.copy_(self.fc(x).abs() + 1)
        return self.fc(out) if out.min().item() > 0.5 else out


def test_a_constant_that_was_written_to_is_not_taken_for_constant() -> None:
    report = params(Tempting(), torch.ones(1, 4), strict=True)

    assert report.totals.macs == 32
    assert report.environment.device == "cpu"
