"""Exported programs are counted and looked at as the network that they were made of."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.errors import ArchscopeError, ForwardError


class Net(nn.Module):
    """Convolutions with a skip, a norm, a tie, and a number computed from a size."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(3, 4, 3, padding=2, dilation=2)
        self.norm = nn.BatchNorm1d(4)
        self.second = nn.Conv1d(4, 4, 3, padding=1)
        self.third = nn.Conv1d(4, 4, 1)
        self.fourth = nn.Conv1d(4, 4, 1)
        self.fourth.weight = self.third.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.first(x)).relu()
        return self.fourth(self.third(x + self.second(x))) / x.shape[-1]


X = torch.zeros(1, 3, 32)


PROGRAM = Path(__file__).parents[1] / "data" / "program.pt2"
"""`torch.export.save(torch.export.export(Net().eval(), (X,)), PROGRAM)` of torch 2.13, without
where it was made: exporting takes seconds."""


def test_a_program_counts_as_its_network() -> None:
    net, file = archscope.params(Net().eval(), X), archscope.params(str(PROGRAM))

    for name in ("trainable", "buffers", "weight_bytes", "macs", "flops", "complete"):
        assert getattr(file.totals, name) == getattr(net.totals, name), name
    macs = {row.path: (row.type, row.macs) for row in net.section("modules").rows if row.macs}
    there = {row.path: (row.type, row.macs) for row in file.section("modules").rows}
    del macs[""]
    assert {path: there[path] for path in macs} == macs


def test_it_sees_as_far_as_its_network() -> None:
    totals = archscope.receptive_field(str(PROGRAM)).totals

    # 1 + 2*2 of the first convolution, 2*1 of the second.
    assert (totals.receptive_field, totals.reached) == ((7,), 7)


def changed(name: str, change: Callable[[Any], Any], to: Path) -> str:
    made = io.BytesIO()
    with zipfile.ZipFile(PROGRAM) as old, zipfile.ZipFile(made, "w") as new:
        for part in old.namelist():
            data = old.read(part)
            if part.endswith(name):
                data = json.dumps(change(json.loads(data))).encode()
            new.writestr(part, data)
    to.write_bytes(made.getvalue())
    return str(to)


def calls(target: str) -> Callable[[Any], Any]:
    def change(model: Any) -> Any:
        model["graph_module"]["graph"]["nodes"][0]["target"] = target
        return model

    return change


def pickled(config: Any) -> Any:
    config["config"]["first.weight"]["use_pickle"] = True
    return config


def test_nothing_is_called_but_operators_of_torch(tmp_path: Path) -> None:
    to = tmp_path / "bad.pt2"
    for target in ("torch.hub.load", "math.pow", "torch.ops.higher_order.cond", "#x"):
        report = archscope.params(changed("model.json", calls(target), to))
        assert report.totals.macs is None  # of its list of tensors the parameters are known
        assert any(target in note.text for note in report.notes)
    for target in ("torch.ops.aten.from_file.default", "torch.ops.aten.nonsense.default"):
        with pytest.raises(ForwardError, match=r"is not called here|which torch does not have"):
            archscope.params(changed("model.json", calls(target), to))
    with pytest.raises(ArchscopeError, match="is a pickle, which is not run"):
        archscope.params(changed("weights_config.json", pickled, to))
    with pytest.raises(ArchscopeError, match=r"not one that torch\.export writes"):
        archscope.params(changed("model.json", lambda model: {"graph_module": 3}, to))
