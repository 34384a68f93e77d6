"""Published networks, rebuilt from their shapes: parameters, parts and multiply-accumulates exact.

The rows come from tests/data/models.json; each names its source.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archscope.families import cnn, transformer
from archscope.families.cnn import CnnSpec
from archscope.families.transformer import TransformerSpec
from archscope.library import count_subject, params
from archscope.networks.attention import Attention, ScaledDotProduct
from archscope.networks.feedforward import (
    FeedForward,
    GatedFeedForward,
    MixtureOfExperts,
)
from archscope.subject import Subject
from archscope.theory.counts import evaluate

MODELS = {
    row["name"]: row
    for row in json.loads((Path(__file__).parents[1] / "data" / "models.json").read_text())
}


def _gpt2(depth: int, d_model: int, heads: int, **others: Any) -> TransformerSpec:
    return TransformerSpec(depth=depth, d_model=d_model, heads=heads, **others)


def _opt(depth: int, d_model: int, heads: int) -> TransformerSpec:
    """OPT keeps two spare rows in its table of positions."""
    return _gpt2(
        depth, d_model, heads, vocab_size=50272, seq_len=2048, max_positions=2050, activation="relu"
    )


def _pythia(depth: int, d_model: int, heads: int, vocab_size: int = 50304) -> TransformerSpec:
    return _gpt2(
        depth, d_model, heads, vocab_size=vocab_size, seq_len=2048, positions="rotary", tied=False
    )


def _bert(depth: int, d_model: int, heads: int, **others: Any) -> TransformerSpec:
    fields = {
        "vocab_size": 30522,
        "seq_len": 512,
        "max_positions": 512,
        "token_types": 2,
        "pooler": True,
        "head": "none",
    }
    return TransformerSpec(
        arch="encoder",
        depth=depth,
        d_model=d_model,
        heads=heads,
        norm_place="post",
        embedding_norm=True,
        **{**fields, **others},
    )


def _postnorm(depth: int, d_model: int, heads: int, d_ff: int, **others: Any) -> TransformerSpec:
    return TransformerSpec(
        arch="encoder",
        depth=depth,
        d_model=d_model,
        heads=heads,
        d_ff=d_ff,
        norm_place="post",
        activation="relu",
        positions="none",
        vocab_size=0,
        seq_len=512,
        **others,
    )


def _llama(depth: int, d_model: int, heads: int, d_ff: int, **others: Any) -> TransformerSpec:
    fields = {"vocab_size": 32000, "tied": False, "activation": "swiglu"}
    return TransformerSpec(
        depth=depth,
        d_model=d_model,
        heads=heads,
        d_ff=d_ff,
        seq_len=2048,
        norm="rmsnorm",
        positions="rotary",
        bias=False,
        **{**fields, **others},
    )


TRANSFORMERS = {
    "gpt2-small": TransformerSpec(),
    "gpt2-medium": _gpt2(24, 1024, 16),
    "gpt2-xl": _gpt2(48, 1600, 25),
    "gpt1-117M": TransformerSpec(norm_place="post", vocab_size=40478, seq_len=512),
    "gpt3-small-125M": _gpt2(12, 768, 12, seq_len=2048),
    "gpt3-large-760M": _gpt2(24, 1536, 16, seq_len=2048),
    "gpt3-xl-1.3B": _gpt2(24, 2048, 16, seq_len=2048),
    "gpt3-xl-1.3B-as-printed": _gpt2(24, 2048, 24, head_dim=128, seq_len=2048),
    "gpt3-2.7B": _gpt2(32, 2560, 32, seq_len=2048),
    "gpt3-175B": _gpt2(96, 12288, 96, seq_len=2048),
    "pythia-70m": _pythia(6, 512, 8),
    "pythia-410m": _pythia(24, 1024, 16),
    "pythia-1.4b": _pythia(24, 2048, 16),
    "pythia-12b": _pythia(36, 5120, 40, vocab_size=50688),
    "opt-1.3b": _opt(24, 2048, 32),
    "opt-6.7b": _opt(32, 4096, 32),
    "opt-175b": _opt(96, 12288, 96),
    "bert-base-uncased": _bert(12, 768, 12),
    "bert-base-uncased-S128": _bert(12, 768, 12, seq_len=128),
    "bert-base-cased": _bert(12, 768, 12, vocab_size=28996),
    "bert-base-mlm": _bert(12, 768, 12, head="mlm", pooler=False),
    "bert-tiny": _bert(2, 128, 2),
    "bert-medium": _bert(8, 512, 8),
    "megatron-bert-3.9b": _bert(48, 2560, 40, vocab_size=30592, head="mlm", classes=2),
    "roberta-large": _bert(24, 1024, 16, vocab_size=50265, max_positions=514, token_types=1),
    "distilbert-base-uncased": _bert(6, 768, 12, token_types=0, pooler=False),
    "tinybert-6L-768": _bert(6, 768, 12, seq_len=128),
    "minilm-L6-H384": _bert(6, 384, 12, seq_len=128),
    "postnorm-enc-L6-d512-h8-ff2048": _postnorm(6, 512, 8, 2048),
    "postnorm-enc-L12-d512-h8-ff2048": _postnorm(12, 512, 8, 2048),
    "postnorm-enc-L48-d512-h8-ff2048": _postnorm(48, 512, 8, 2048),
    "postnorm-enc-L12-d256-h4-ff2048": _postnorm(12, 256, 4, 2048),
    "postnorm-enc-L48-d1024-h16-ff2048": _postnorm(48, 1024, 16, 2048),
    "postnorm-enc-L24-d1024-h16-ff4096": _postnorm(24, 1024, 16, 4096),
    "torch-TransformerEncoder-6x512-finalnorm": _postnorm(6, 512, 8, 2048, final_norm=True),
    "llama-30b": _llama(60, 6656, 52, 17920),
    "llama-2-7b": _llama(32, 4096, 32, 11008),
    "llama-3.1-8b": _llama(32, 4096, 32, 14336, kv_heads=8, vocab_size=128256),
    "llama-3.1-405b": _llama(126, 16384, 128, 53248, kv_heads=8, vocab_size=128256),
    "llama-3.2-3b": _llama(28, 3072, 24, 8192, kv_heads=8, vocab_size=128256, tied=True),
    "tinyllama-1.1b": _llama(22, 2048, 32, 5632, kv_heads=4),
    "phi-3-mini": _llama(32, 3072, 32, 8192, vocab_size=32064),
    "mistral-7b-v0.1": _llama(32, 4096, 32, 14336, kv_heads=8, attention="window", window=4096),
    "qwen2.5-0.5b": _llama(
        24, 896, 14, 4864, kv_heads=2, vocab_size=151936, tied=True, qkv_bias=True
    ),
    "qwen2.5-7b": _llama(28, 3584, 28, 18944, kv_heads=4, vocab_size=152064, qkv_bias=True),
    "qwen2.5-72b": _llama(80, 8192, 64, 29568, kv_heads=8, vocab_size=152064, qkv_bias=True),
    "qwen3-0.6b": _llama(
        28, 1024, 16, 3072, kv_heads=8, head_dim=128, qk_norm=True, vocab_size=151936, tied=True
    ),
    "qwen3-32b": _llama(
        64, 5120, 64, 25600, kv_heads=8, head_dim=128, qk_norm=True, vocab_size=151936
    ),
    "qwen3-30b-a3b": _llama(
        48,
        2048,
        32,
        768,
        kv_heads=4,
        head_dim=128,
        qk_norm=True,
        vocab_size=151936,
        experts=128,
        top_k=8,
    ),
    "mixtral-8x7b": _llama(32, 4096, 32, 14336, kv_heads=8, experts=8, top_k=2),
    "gemma-2b": _llama(
        18,
        2048,
        8,
        16384,
        kv_heads=1,
        head_dim=256,
        vocab_size=256000,
        tied=True,
        activation="geglu",
    ),
    "bart-base": TransformerSpec(
        arch="encoder-decoder",
        depth=6,
        norm_place="post",
        embedding_norm=True,
        vocab_size=50265,
        seq_len=512,
        target_len=128,
        max_positions=1026,
        head="none",
    ),
}

CNNS = {
    "dilated1d-8L-64-k3": CnnSpec(
        spatial_dims=1,
        in_channels=64,
        dilations=(1, 2, 4, 8, 16, 32, 64, 128),
        input_size=4096,
    ),
    "dilated2d-context-large": CnnSpec(
        in_channels=21,
        channels=(42, 42, 84, 168, 336, 672, 672, 21),
        kernel_size=(3, 3, 3, 3, 3, 3, 3, 1),
        dilations=(1, 1, 2, 4, 8, 16, 1, 1),
        input_size=64,
    ),
    "dsdilated2d-6L-128": CnnSpec(
        in_channels=128,
        channels=(128,),
        dilations=(1, 2, 4, 8, 16, 32),
        conv="depthwise-separable",
        norm="batchnorm",
        bias=False,
        input_size=64,
    ),
    "dsdilated1d-8L-256-k5": CnnSpec(
        spatial_dims=1,
        in_channels=256,
        channels=(256,),
        kernel_size=(5,),
        dilations=(1, 2, 4, 8, 16, 32, 64, 128),
        conv="depthwise-separable",
        input_size=2048,
    ),
}


def _conv(dims: int, i: int, o: int, k: int, size: int, **others: Any) -> CnnSpec:
    return CnnSpec(
        spatial_dims=dims,
        depth=1,
        in_channels=i,
        channels=(o,),
        kernel_size=(k,),
        input_size=size,
        **others,
    )


SEPARABLE = {"conv": "depthwise-separable"}
LAYER_CNNS = {
    "layer/conv1d-64-128-k3-d1": _conv(1, 64, 128, 3, 1000, batch_size=2),
    "layer/conv1d-64-128-k3-d8-valid": _conv(
        1, 64, 128, 3, 1000, batch_size=2, dilations=(8,), padding="valid"
    ),
    "layer/conv1d-dw-256-k7-d4": _conv(
        1, 256, 256, 7, 500, batch_size=2, dilations=(4,), groups=(256,)
    ),
    "layer/conv2d-3-64-k7-s2": _conv(2, 3, 64, 7, 224, stride=(2,), bias=False),
    "layer/conv2d-256-256-k3-d12-aspp": _conv(2, 2048, 256, 3, 33, dilations=(12,), bias=False),
    "layer/conv2d-dw-512-k3": _conv(2, 512, 512, 3, 14, groups=(512,), bias=False),
    "layer/dsconv1d-256-512-k9-d2": _conv(1, 256, 512, 9, 1000, dilations=(2,), **SEPARABLE),
    "layer/dsconv2d-128-256-k3-d1": _conv(2, 128, 256, 3, 56, bias=False, **SEPARABLE),
    "layer/dsconv2d-512-512-k5-d6": _conv(
        2, 512, 512, 5, 28, dilations=(6,), bias=False, **SEPARABLE
    ),
}


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
}


TORCH_LAYERS = {
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
LAYERS |= TORCH_LAYERS


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_published_transformer(name: str) -> None:
    _check(transformer.subject(TRANSFORMERS[name]), MODELS[name])


@pytest.mark.parametrize("name", [*CNNS, *LAYER_CNNS])
def test_a_convolution_stack(name: str) -> None:
    _check(cnn.subject({**CNNS, **LAYER_CNNS}[name]), MODELS[name])


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


@pytest.mark.parametrize("name", ["mixtral-8x7b", "qwen3-30b-a3b"])
def test_parameters_that_one_token_uses(name: str) -> None:
    totals = count_subject(transformer.subject(TRANSFORMERS[name])).totals

    assert totals.active == MODELS[name]["params_active"]


def test_every_row_of_these_families_is_here() -> None:
    elsewhere = {"gpt-j-6b"}  # one norm for both parts of a block, and a bias in its head
    assert set(MODELS) - elsewhere == {*TRANSFORMERS, *CNNS, *LAYER_CNNS, *LAYERS}


def _check(subject: Subject, row: dict[str, Any]) -> None:
    """Hold a row against both engines, against the closed forms and against torch's own counter."""
    report = count_subject(subject)
    totals, modules = report.totals, report.section("modules").rows
    assert totals.complete, report.notes
    assert totals.trainable == row["params_total"] == row["params_trainable"]
    if "breakdown" in row:
        parts = {r.component: r.trainable for r in report.section("components").rows if r.trainable}
        assert parts == row["breakdown"]
    assert subject.inputs is not None
    inputs = row["input"].values() if isinstance(row["input"], dict) else row["input"]
    assert [list(x.shape) for x in subject.inputs.args] == list(inputs)
    assert totals.macs == row["macs"]
    for module in modules:
        if module.own_macs:
            assert evaluate(module.macs_form or "0", {}) == module.own_macs, module.path
        if module.own_trainable:
            assert evaluate(module.params_form or "0", {}) == module.own_trainable, module.path
    assert _macs(subject) == row["macs"]


def _copies(subject: Subject, path: str) -> int:
    for repeat in subject.repeats:
        if path == repeat.path or path.startswith(repeat.path + "."):
            return len(repeat.copies)
    return 1


def _macs(subject: Subject) -> int:
    assert subject.inputs is not None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        subject.model(*subject.inputs.args, **subject.inputs.kwargs)
    flops = {
        path.partition(".")[2]: sum(by_operator.values())
        for path, by_operator in counter.get_flop_counts().items()
    }
    more = sum(flops.get(r.path, 0) * (len(r.copies) - 1) for r in subject.repeats)
    return (counter.get_total_flops() + more) // 2
