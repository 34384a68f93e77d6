"""The folder in which command lines are tried."""

from __future__ import annotations

from pathlib import Path

NET = """\
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1)

    def forward(self, x):
        return self.conv(x).mean((2, 3))


class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("\\x1b[31mnot today\\nnor tomorrow")


EXAMPLE_INPUTS = (torch.zeros(1, 3, 8, 8),)
"""


def furnish(folder: Path) -> None:
    """Put into a folder what command lines name, and import what all commands need."""
    import fvcore.nn  # noqa: F401
    import torch

    import archscope

    torch.set_num_threads(1)
    (folder / "net.py").write_text(NET)
    report = archscope.params("cnn", depth=2, channels=(4,), input_size=8)
    (folder / "saved.json").write_text(report.to("json"))
