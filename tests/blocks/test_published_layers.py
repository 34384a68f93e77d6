"""Layers alone, the project's own and torch's: parameters and work as in tests/data/models.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from archscope.blocks.attention import Attention, ScaledDotProduct
from archscope.blocks.feedforward import FeedForward, GatedFeedForward, MixtureOfExperts
from archscope.library import params

DATA = Path(__file__).parents[1] / "data"
MODELS = {row["name"]: row for row in json.loads((DATA / "models.json").read_text())}


def _attention(d: int, heads: int, kv: int, dh: int, bias: bool = False) -> Attention:
    product = ScaledDotProduct(causal=True, grouped=kv != heads)
    return Attention(d, heads, product, kv_heads=kv, head_dim=dh, bias=bias, qkv_bias=bias)


LAYERS = {
    "layer/mha-512-h8-S512": lambda: _attention(512, 8, 8, 64, bias=True),
    "layer/mha-1024-h16-S2048-nobias": lambda: _attention(1024, 16, 16, 64),
    "layer/gqa-4096-h32-kv8": lambda: _attention(4096, 32, 8, 128),
    "layer/gqa-5120-h64-kv8-dh128": lambda: _attention(5120, 64, 8, 128),
    "layer/mqa-4544-h71-kv1": lambda: _attention(4544, 71, 1, 64),
    "layer/ffn-512-2048-relu": lambda: FeedForward(512, 2048, activation="relu"),
    "layer/swiglu-4096-14336": lambda: GatedFeedForward(
        4096, 14336, activation="swiglu", bias=False
    ),
    "layer/moe-d4096-ff14336-E8-k2": lambda: MixtureOfExperts(
        4096, 14336, 8, 2, activation="swiglu", bias=False
    ),
    "layer/embedding-30522x768": lambda: nn.Embedding(30522, 768),
    "layer/linear-1024-4096-bias": lambda: nn.Linear(1024, 4096),
    "layer/lstm-512-1024-L2": lambda: nn.LSTM(512, 1024, 2, batch_first=True),
    "layer/layernorm-768": lambda: nn.LayerNorm(768),
    "layer/batchnorm2d-256": lambda: nn.BatchNorm2d(256),
    "layer/learned-positions-512x768": lambda: nn.Embedding(512, 768),
    "layer/t5-relative-bias-32x12": lambda: nn.Embedding(32, 12),
    "layer/conv2d-32-64-k3x5-d1x3": lambda: nn.Conv2d(
        32, 64, (3, 5), padding=(1, 6), dilation=(1, 3)
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_alone(name: str) -> None:
    row = MODELS[name]
    with torch.device("meta"):
        layer = LAYERS[name]()
        kind = torch.long if isinstance(layer, nn.Embedding) else torch.float
        inputs = torch.zeros(row.get("input", [[4]])[0], dtype=kind)

    totals = params(layer, inputs, strict=True).totals

    assert totals.trainable == row["params_trainable"] == row["params_total"]
    assert totals.macs == row["macs"]


def test_every_row_is_tried_here_or_as_a_network() -> None:
    networks: set[str] = set()
    for file in (DATA / "rows").glob("*.json"):
        networks |= set(json.loads(file.read_text()))

    assert set(MODELS) == {*LAYERS, *networks}
