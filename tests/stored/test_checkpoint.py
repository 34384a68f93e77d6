"""Weights that torch saved are read as torch reads them, and nothing in their pickle is called."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import archscope
from archscope.errors import ArchscopeError
from archscope.stored import checkpoint


class Net(nn.Module):
    """A tie, buffers of a norm, a mask, and a layer that is half as wide."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.norm = nn.BatchNorm1d(4)
        self.half = nn.Linear(4, 3).half()
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("mask", torch.ones(1, 1, 6, 6).tril())


# 10*4 tied, 2*4 of the norm, 4*3 + 3 of the layer.
PARAMETERS = 40 + 8 + 15
BUFFERS = 4 + 4 + 1 + 36


def saved(folder: Path, what: Any, name: str = "net.pt", **how: Any) -> str:
    torch.save(what, folder / name, **how)
    return str(folder / name)


def test_every_tensor_is_as_torch_loads_it(tmp_path: Path) -> None:
    state = {
        **Net().state_dict(),
        "view": torch.arange(12.0).view(3, 4).t()[1:],
        "one": nn.Parameter(torch.ones(())),
    }
    path = saved(tmp_path, state)
    loaded = torch.load(path, map_location="meta", mmap=True, weights_only=True)
    entries, _ = checkpoint.read(Path(path), path)

    assert [(e.name, e.shape, e.dtype) for e in entries] == [
        (name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in loaded.items()
    ]
    assert entries[-1].is_parameter


@pytest.mark.parametrize("nested", ["", "state_dict", "model"])
def test_weights_are_found_where_checkpoints_keep_them(tmp_path: Path, nested: str) -> None:
    state: dict[str, Any] = Net().state_dict()
    what = {nested: state, "epoch": 3, "optimizer": {"m": [torch.ones(9)]}} if nested else state
    report = archscope.params(saved(tmp_path, what))

    assert report.totals.trainable == PARAMETERS
    assert report.totals.buffers == BUFFERS
    assert report.totals.weight_bytes == 4 * (40 + 8) + 2 * 15
    assert any("head.weight is embed.weight" in note.text for note in report.notes)
    assert bool(nested) == any("epoch, optimizer" in note.text for note in report.notes)


class Runs:
    """What calls a program where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def with_pickle(path: str, data: bytes, how: int = zipfile.ZIP_STORED) -> str:
    """Put another pickle into a checkpoint."""
    made = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", how) as new:
        for name in old.namelist():
            new.writestr(name, data if name.endswith("data.pkl") else old.read(name))
    Path(path).write_bytes(made.getvalue())
    return path


def test_a_call_in_a_pickle_is_named_and_not_made(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for protocol in (0, 2, 4):
        path = saved(tmp_path, {"w": torch.ones(1)})
        with_pickle(path, pickle.dumps({"w": Runs(mark)}, protocol=protocol))
        with pytest.raises(ArchscopeError, match=r"asks for '(posix|nt)\.system', which is not"):
            archscope.params(path)
    assert not mark.exists()


def refused(folder: Path) -> dict[str, str]:
    """Write files that are none of weights, each with what is to be said of it."""
    state = {"w": torch.ones(1000)}
    saved(folder, Net(), "whole.pt")
    saved(folder, {"net": Net(), "epoch": 3}, "inside.pt")
    saved(folder, {"w": torch.eye(3).to_sparse()}, "sparse.pt")
    saved(folder, {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []}, "optimizer.pt")
    many: dict[str, Any] = state
    for _ in range(60):
        many = {"a": many, "b": many}
    saved(folder, many, "many.pt")
    saved(folder, state, "old.pt", _use_new_zipfile_serialization=False)
    (folder / "bare.pt").write_bytes(pickle.dumps({"w": 1}))
    (folder / "text.pt").write_bytes(b"hello")
    (folder / "empty.pt").write_bytes(b"")
    whole = Path(saved(folder, state, "cut.pt")).read_bytes()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    with_pickle(saved(folder, state, "bomb.pt"), b"\0" * 10_000_000, zipfile.ZIP_DEFLATED)
    deep = b"\x80\x02" + b")" + b"\x85" * 50_000 + b"."
    with_pickle(saved(folder, state, "deep.pt"), deep)
    with_pickle(saved(folder, state, "memo.pt"), b"\x80\x02}r\xff\xff\xff\xff.")
    with_pickle(saved(folder, state, "long.pt"), b"\x80\x04\x8d" + b"\xff" * 7 + b"\x0f.")
    with zipfile.ZipFile(folder / "script.pt", "w") as script:  # as torch.jit.save writes it
        for part in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            script.writestr(f"script/{part}", b"")
    with zipfile.ZipFile(folder / "other.pt", "w") as other:
        other.writestr("a.txt", "b")
    return {
        "whole": "save the state_dict",
        "inside": "Net', which is not called",
        "sparse": "_rebuild_sparse_tensor', which is not read: save a plain, dense one",
        "optimizer": "the state of an optimizer and no weights",
        "many": "holds more than 2,000 values",
        "old": "before 1.6",
        "bare": "a bare pickle, which is not run",
        "text": "is not a file of torch.save",
        "empty": "is empty",
        "cut": "is cut off",
        "bomb": "is compressed",
        "deep": "nested too deeply",
        "memo": "holds no tensors",
        "long": "no pickle that can be read",
        "script": "a TorchScript archive, which holds code",
        "other": "not one written by torch.save",
    }


def test_what_is_no_file_of_weights_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "_MOST", 2_000)
    for name, why in refused(tmp_path).items():
        with pytest.raises(ArchscopeError, match=why) as raised:
            archscope.params(str(tmp_path / f"{name}.pt"))
        assert "\n" not in str(raised.value)


def test_a_tensor_beyond_its_storage_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"w": torch.ones(7)})
    with zipfile.ZipFile(path) as file:
        (name,) = [n for n in file.namelist() if n.endswith("data.pkl")]
        data = file.read(name)
    assert data.count(b"K\x07\x85") == 1  # the sizes (7,)
    with_pickle(path, data.replace(b"K\x07\x85", b"J\xff\xff\xff\x7f\x85"))

    with pytest.raises(ArchscopeError, match="and its storage has 28"):
        archscope.params(path)


def test_what_training_keeps_beside_the_weights_is_not_counted(tmp_path: Path) -> None:
    """As torch's tutorial saves it, with a loss, and as scripts do, with their settings."""
    net = nn.Linear(8, 4)
    moments = {0: {"step": torch.tensor(1.0), "exp_avg": torch.ones(4, 8)}}
    beside = {
        "optimizer_state_dict": {"state": moments, "param_groups": [{"lr": 1e-3}]},
        "loss": torch.tensor(0.4),
        "args": argparse.Namespace(lr=1e-3, out=tmp_path),
        "kept": {("a", 1): np.float64(0.5)},
    }
    whole = {"model_state_dict": net.state_dict(), **beside}
    many = {"model": net.state_dict(), **dict.fromkeys("abcdefgh", 1)}
    assert "a, b, c, d, e, f, and 2 more" in checkpoint.read(Path(saved(tmp_path, many)), "")[1][0]
    two = {"encoder": net.state_dict(), "decoder": net.state_dict(), **beside}
    del two["loss"]
    reports = [archscope.params(saved(tmp_path, what)) for what in (whole, two)]

    assert [report.totals.trainable for report in reports] == [4 * 8 + 4, 4 * 8 + 4]
    said = [note.text for report in reports for note in report.notes if "beside" in note.text]
    assert [text.partition("counted: ")[2] for text in said] == [
        "optimizer_state_dict, loss, args, kept",
        "optimizer_state_dict, args",
    ]


@pytest.mark.filterwarnings("ignore")  # torch says that its quantised tensors are deprecated
def test_quantised_weights_are_not_trained(tmp_path: Path) -> None:
    weight = torch.quantize_per_tensor(torch.ones(4, 8), 0.1, 0, torch.qint8)
    totals = archscope.params(saved(tmp_path, {"weight": weight, "bias": torch.ones(4)})).totals

    assert (totals.trainable, totals.frozen) == (4, 32)


def test_a_transposed_tie_counts_once(tmp_path: Path) -> None:
    weight = torch.zeros(10, 4)
    state = {"embed": weight, "head": weight.t(), "some": weight[:, :2]}

    assert archscope.params(saved(tmp_path, state)).totals.trainable == 10 * 4 + 10 * 2
