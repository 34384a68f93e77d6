"""What distinguishes two modules of one type."""

from __future__ import annotations

import pytest
from torch import nn

from archscope.counting.settings import settings


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Conv2d(4, 4, 3), "3×3"),
        (nn.Conv2d(4, 4, (3, 5), dilation=(1, 2)), "3×5, dilation 1×2"),
        (nn.Conv1d(4, 4, 2, stride=2, groups=4), "kernel 2, stride 2, groups 4"),
        (nn.ConvTranspose2d(4, 4, 4, 2), "4×4, stride 2"),
        (nn.MaxPool2d(3, 2), "kernel 3, stride 2"),
        (nn.AvgPool1d(2), "kernel 2"),
        (nn.MultiheadAttention(8, 2), "2 heads"),
        (nn.LSTM(4, 4, 2, bidirectional=True), "2 layers, both ways"),
        (nn.Linear(4, 4), ""),
    ],
)
def test_settings(module: nn.Module, words: str) -> None:
    assert settings(module) == words
