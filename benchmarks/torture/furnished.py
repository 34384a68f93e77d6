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


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_module("a\\x1b[2J\\u202eb<script>", nn.Conv2d(3, 2, 1))
        self.add_module("two\\nlines", nn.ReLU())

    def forward(self, x):
        for child in self.children():
            x = child(x)
        return x


class Loud(Small):
    def forward(self, x):
        import warnings

        warnings.warn("careful")
        return super().forward(x)


def small():
    return Small()


def batch():
    return torch.zeros(2, 3, 8, 8)


EXAMPLE_INPUTS = (torch.zeros(1, 3, 8, 8),)
"""
BUDGETS = """\
[[budget]]
model = "lenet"
max.params = "100k"
assert = ["complete"]

[[budget]]
name = "small"
model = "cnn"
depth = 2
dilations = "1,2"
min.coverage = "100%"
grow.macs = "+1%"
"""
FACTS = """\
["days"]
claim = "2.83 days"
formula = "training_cost.seconds_for"
inputs.flops = 1e21
inputs.cards = 8
inputs.peak = 312e12
inputs.mfu = 0.42
value = 2.83
unit = "days"
tolerance = 0.01
source = "a log"

["size"]
claim = "lenet has 61,706 parameters"
model = "lenet"
measure = "params"
value = 61706
source = "table 1"
"""


def furnish(folder: Path) -> None:
    """Put into a folder what command lines name, and import what all commands need."""
    import fvcore.nn  # noqa: F401
    import pandas  # noqa: F401
    import torch

    import archscope

    torch.set_num_threads(1)
    (folder / "net.py").write_text(NET)
    (folder / "archscope.toml").write_text(BUDGETS)
    (folder / "facts.toml").write_text(FACTS)
    report = archscope.params("cnn", depth=2, channels=(4,), input_size=8)
    (folder / "saved.json").write_text(report.to("json"))
    field = archscope.receptive_field("cnn", depth=2, channels=(4,), dilations=(1, 2), input_size=8)
    (folder / "saved-rf.json").write_text(field.to("json"))
    torch.save({"conv.weight": torch.zeros(4, 3, 3, 3)}, folder / "weights.pt")
    (folder / "link.json").symlink_to("linked.json")
    archscope.sweep("cnn", depth=[1, 2], channels=[4], input_size=[8], store=folder / "store.db")
