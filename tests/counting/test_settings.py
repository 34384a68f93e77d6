"""What distinguishes two modules of one type."""

from __future__ import annotations

import pytest
import torch
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
        (nn.MaxPool2d([2, 2]), "2×2"),
        (nn.MaxPool2d([3, 3], stride=[2, 2]), "3×3, stride 2"),
        (nn.MaxPool2d(torch.Size([3, 5]), stride=(2, 1)), "3×5, stride 2×1"),
        (nn.MaxPool2d(2, stride=[2, 2]), "kernel 2"),
        (nn.AvgPool3d([1, 2, 2], None), "1×2×2"),
        (nn.AdaptiveAvgPool2d([1, 1]), ""),
        (nn.MultiheadAttention(8, 2), "2 heads"),
        (nn.LSTM(4, 4, 2, bidirectional=True), "2 layers, both ways"),
        (nn.Linear(4, 4), ""),
    ],
)
def test_settings(module: nn.Module, words: str) -> None:
    assert settings(module) == words


class Raising(nn.MaxPool2d):
    @property
    def kernel_size(self) -> int:  # type: ignore[override]
        raise RuntimeError("not to be asked")

    @kernel_size.setter
    def kernel_size(self, value: int) -> None:
        pass


def changed(module: nn.Module, **attributes: object) -> nn.Module:
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


def without(module: nn.Module, name: str) -> nn.Module:
    delattr(module, name)
    return module


@pytest.mark.parametrize(
    "module",
    [
        Raising(2),
        changed(nn.Conv2d(4, 4, 3), kernel_size=torch.ones(2, 2)),
        changed(nn.Conv2d(4, 4, 3), stride=None),
        changed(nn.MaxPool2d(2), kernel_size={"height": 2}),
        changed(nn.LSTM(4, 4), num_layers="two"),
        without(nn.MaxPool2d(2), "stride"),
        without(nn.Conv2d(4, 4, 3), "dilation"),
        without(nn.MultiheadAttention(8, 2), "num_heads"),
    ],
)
def test_what_is_not_as_torch_makes_it_gives_no_words(module: nn.Module) -> None:
    assert settings(module) == ""
