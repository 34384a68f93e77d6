"""Constants of a network that is named on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from archscope import loaders
from archscope.cli._main import main
from archscope.subject import Request

CODE = '''
import torch
from torch import nn

class Causal(nn.Module):
    """Attention under a mask in a buffer."""

    def __init__(self, width=4):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.register_buffer("mask", torch.tril(torch.ones(16, 16)))

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        n = x.shape[1]
        scores = (q @ k.transpose(1, 2)).masked_fill(self.mask[:n, :n] == 0, float("-inf"))
        return scores.softmax(-1) @ v


class Chosen(Causal):
    """The same under a mask that is made of the weights."""

    def __init__(self, width=4):
        super().__init__(width)
        self.mask = (self.mask * (self.qkv.weight.abs().sum() > 0)).float()


class Given(nn.Module):
    """A mask that is an input."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x, mask):
        scores = (x @ x.transpose(1, 2)).masked_fill(mask == 0, float("-inf"))
        return self.layer(scores.softmax(-1) @ x)
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "masked.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code


@pytest.mark.parametrize("name", ["Causal", "Chosen"])
def test_a_mask_in_a_buffer_makes_a_network_causal(
    here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run(["rf", f"masked.py:{name}", "--input-shape", "1,16,4"])

    said = capsys.readouterr().out
    assert "Causal: no output sees a later position" in said
    assert "not causal" not in said


def test_a_network_is_made_for_real_where_only_then_its_mask_has_values(here: Path) -> None:
    little, large = (
        loaders.load(f"masked.py:Chosen(width={width})", Request(input_shapes=(f"1,16,{width}",)))
        .subject()
        .model
        for width in (4, 8192)
    )

    assert not little.mask.is_meta
    # 3 * 8192**2 weights of 4 bytes are 0.8 GB: it stays on shapes, and its mask is not known.
    assert large.mask.is_meta


def test_a_mask_that_is_an_input_cuts_nothing_off(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shapes = ["--input-shape", "1,16,4", "--input-shape", "16,16"]
    run(["rf", "masked.py:Given", *shapes, "-f", "json"])

    assert '"receptive_field": [16]' in " ".join(capsys.readouterr().out.split()).replace(
        "[ ", "["
    ).replace(" ]", "]")
