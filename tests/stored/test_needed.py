"""A file beside its configuration is held against the network that needs it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from torch import nn

import archscope
from archscope import loaders
from archscope.analyses.params.stored.needed import with_file
from archscope.subject import Request
from tests.stored.written import Listed, safetensors


class Net(nn.Module):
    """A body called `model`, and a head that is tied to its embedding."""

    base_model_prefix = "model"

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.ModuleDict(
            {"embed": nn.Embedding(10, 4), "layers": nn.ModuleList([nn.Linear(4, 4)])}
        )
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.model["embed"].weight


ALL: Listed = {
    "model.embed.weight": ("F32", (10, 4)),
    "model.layers.0.weight": ("F32", (4, 4)),
    "model.layers.0.bias": ("F32", (4,)),
}
CASES: dict[str, tuple[Listed, dict[str, str], str]] = {
    "all": (ALL, {"head.weight": "tied"}, "holds all 4 tensors"),
    "without its prefix": (
        {name.removeprefix("model."): each for name, each in ALL.items()},
        {"head.weight": "tied"},
        "holds all 4 tensors",
    ),
    "lacking": (
        {"model.embed.weight": ("F32", (10, 5)), "model.layers.0.weight": ("F32", (4, 4))},
        {
            "model.embed.weight": "other shape",
            "model.layers.0.bias": "missing",
            "head.weight": "tied",
        },
        "1 tensors missing (model.layers.0.bias)",
    ),
    "packed": (
        {
            **ALL,
            "model.layers.0.weight": ("U8", (8, 1)),
            "model.layers.0.weight.absmax": ("F32", (1,)),
            "extra": ("F32", (3,)),
        },
        {"head.weight": "tied", "extra": "not needed"},
        "1 tensors not needed (extra)",
    ),
    "other names": (
        {
            "model.embed.weight": ("F32", (10, 4)),
            "model.layers.0.left": ("F32", (2, 4)),
            "model.layers.0.right": ("F32", (2, 4)),
            "model.layers.0.bias": ("F32", (4,)),
        },
        {
            "model.layers.0.weight": "missing",
            "model.layers.0.left": "not needed",
            "model.layers.0.right": "not needed",
            "head.weight": "tied",
        },
        "block by block they hold as many numbers",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_in_what_they_differ_is_listed(tmp_path: Path, case: str) -> None:
    tensors, states, said = CASES[case]
    network = loaders.load(safetensors(tmp_path / "net.safetensors", tensors), Request())
    with torch.device("meta"):
        model = Net()
    assert network.holding is not None
    report = with_file(archscope.params(model), model, network.holding())

    assert {row.path: row.state for row in report.section("params.needed").rows} == states
    assert any(said in note.text for note in report.notes)


CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 16} | {
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 10,
    "tie_word_embeddings": True,
}


def test_what_cannot_be_made_leaves_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = safetensors(tmp_path / "net.safetensors", {"model.norm.weight": ("F32", (16,))})
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    for name in (path, str(tmp_path)):
        report = archscope.params(name)
        assert report.totals.trainable == 16
        assert any("takes the package transformers" in note.text for note in report.notes)


@pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None,
    reason="transformers is not installed: pip install archscope[hf]",
)
def test_a_configuration_beside_it_makes_the_whole_network(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    alone = archscope.params(str(tmp_path))
    assert alone.totals.macs  # a folder without weights is its configuration's network
    path = safetensors(tmp_path / "model.safetensors", {"model.norm.weight": ("F32", (16,))})
    for name in (path, str(tmp_path)):
        report = archscope.params(name)
        assert report.totals == alone.totals
        assert "missing" in {row.state for row in report.section("needed").rows}
