"""Bytes that modules must move: what they read and did not make, what others read of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archscope.counting.traffic import Traffic, counting_traffic
from archscope.running.module_stack import paths_of


def moved(model: nn.Module, call: Callable[[], object]) -> Traffic:
    with torch.no_grad(), counting_traffic(paths_of(model.eval())) as found:
        call()
    return found


def test_bytes_are_inputs_outputs_and_weights_once() -> None:
    model, x = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), torch.randn(7, 3)

    found = moved(model, lambda: model(x))

    assert found.own == {
        "0": 4 * (7 * 3 + 7 * 5 + 3 * 5 + 5),
        "1": 4 * (7 * 5 + 7 * 5),
        "2": 4 * (7 * 5 + 7 * 2 + 5 * 2 + 2),
        "": 0,  # it does nothing itself
    }
    # fused: input 21, weights 20 + 12, output 14; the first layer stands for three
    assert found.once(lambda path: 1) == 4 * (21 + 20 + 12 + 14)
    assert found.once(lambda path: 3 if path == "0" else 1) == 4 * (21 + 3 * 20 + 12 + 14)


def test_bytes_of_keywords_and_of_number_types() -> None:
    class Add(nn.Module):
        def forward(self, x: Tensor, *, y: Tensor) -> dict[str, Tensor]:
            return {"sum": x + y}

    model, x, y = Add(), torch.ones(4, dtype=torch.half), torch.ones(4, dtype=torch.half)

    assert moved(model, lambda: model(x, y=y)).own == {"": 2 * (4 + 4 + 4)}
    assert moved(model, lambda: model(x, y=x)).own == {"": 2 * (4 + 4)}, "read once"


class Residual(nn.Module):
    """What it makes and uses up itself stays; what it hands to a module or returns is written."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        made = functional.gelu(x * 2).transpose(0, 1).contiguous()
        return x + self.inner(made).transpose(0, 1)


def test_a_containers_own_work_moves_what_passes_between_modules() -> None:
    model, x = Residual(), torch.randn(4, 6)

    # own: reads x and what inner returned, writes what inner reads and the sum: 4 x 24 numbers
    assert moved(model, lambda: model(x)).own == {"": 4 * 4 * 24, "inner": 2 * 4 * 24}


@pytest.mark.parametrize(
    ("model", "inputs", "size"),
    [
        # words 8 x 6, rows read 4 x 48, output 4 x 48: not the table of 8000
        (nn.Embedding(1000, 8), (torch.zeros(2, 3, dtype=torch.long),), 8 * 6 + 2 * 4 * 48),
        (nn.Dropout(), (torch.randn(9),), 0),
        (nn.Flatten(), (torch.randn(2, 3, 4),), 0),
        (nn.ReLU(inplace=True), (torch.randn(9),), 2 * 4 * 9),
        # 24 numbers in and out; weight, bias, mean, variance of 12
        (nn.BatchNorm1d(12), (torch.randn(2, 12),), 4 * (24 + 24 + 4 * 12)),
        # 4 x 8 in and out; weights 4 x (3 x 64 + 8 x 8 + 32), and attention's weights 4 x 4
        (
            nn.MultiheadAttention(8, 2, batch_first=True),
            (torch.randn(1, 4, 8),) * 3,
            4 * (32 + 32 + 3 * 64 + 64 + 32 + 16),
        ),
    ],
)
def test_bytes_of_one_module(model: nn.Module, inputs: tuple[Tensor, ...], size: int) -> None:
    assert sum(moved(model, lambda: model(*inputs)).own.values()) == size
