"""What built layers would keep: equal to the closed form, and told of strangers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archscope
from archscope.errors import UsageError
from archscope.subject import Subject

ROUND = {"depth": 4, "d_model": 32, "heads": 4, "vocab_size": 64, "seq_len": 24}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "full": ("transformer", {**ROUND, "kv_heads": 2}),
    "window": ("transformer", {**ROUND, "attention": "window:7"}),
    "window by mask": (
        "transformer",
        {**ROUND, "attention": "window:7/masked_window/full_every=2"},
    ),
    "sinks": ("transformer", {**ROUND, "attention": "full:sinks"}),
    "dilated window": ("transformer", {**ROUND, "attention": "dilated-window:5/3"}),
    "chunk": ("transformer", {**ROUND, "attention": "chunk:7/2", "seq_len": 26}),
    "cross": ("transformer", {**ROUND, "arch": "encoder-decoder:target_len=9"}),
    "run again": ("transformer", {**ROUND, "shared_blocks": True}),
    "linear": ("transformer", {**ROUND, "mixer": "linear-attention,attention", "kv_heads": 2}),
    "delta": ("transformer", {**ROUND, "mixer": "gated-delta,attention"}),
    "lightning": ("transformer", {**ROUND, "mixer": "lightning-attention"}),
    "convolution": ("transformer", {**ROUND, "mixer": "dilated-conv:3/1/depthwise,state-space"}),
    "latent": ("deepseek", {"depth": 2, "experts": 4, "top_k": 2, "seq_len": 8}),
    "two stacks": ("t5", {"depth": 1, "seq_len": 9, "target_len": 5}),
    "sound": ("whisper", {"depth": 1, "input_size": 40, "target_len": 5}),
    "state": ("mamba", {"depth": 1, "d_model": 32, "seq_len": 8}),
    "states of heads": ("mamba", {"version": "v2", "depth": 1, "d_model": 32, "seq_len": 8}),
    "memory": ("transformer-xl", {"depth": 2, "seq_len": 8, "memory": 5}),
    "chunks": (
        "reformer",
        {"depth": 2, "seq_len": 22, "hashed": (0, 1), "local_chunk": 4, "lsh_chunk": 4},
    ),
    "recurrent": ("lstm", {"depth": 2}),
    "transducer": ("conformer", {"depth": 1, "head": "transducer", "input_size": 40}),
    "gated convolution": ("wavenet", {"dilations": (1, 2), "stacks": 1, "input_size": 9}),
    "normalised convolution": ("tcn", {"levels": 2, "input_size": 9}),
}
"""A small network of each kind of layer that keeps something."""


@pytest.mark.parametrize("kind", KINDS)
def test_closed_form_and_built_layers_keep_the_same(kind: str) -> None:
    family, fields = KINDS[kind]

    report = archscope.kv(family, verify=True, **fields)

    rows = report.section("kv.check").rows
    assert rows
    assert [(r.path, r.closed_form) for r in rows] == [(r.path, r.seen) for r in rows]
    assert report.totals.agrees
    total = sum(row.seen for row in rows)
    states = sum(row.fixed for row in report.section("kv.layers").rows)
    assert report.totals.bytes == 2 * total * report.totals.batch
    assert total > 0
    assert states <= total


def test_published_networks_keep_what_their_layers_show() -> None:
    names = ("gpt2", "gemma-3-1b", "qwen3-next-80b-a3b", "bart-base", "whisper-tiny", "jamba-v0.1")
    for name in names:
        assert archscope.kv(name, verify=True).totals.agrees, name


def test_a_road_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from archscope.decoding import run as road

    true = road.seen

    def wrong(subject: Subject) -> dict[str, int]:
        return {path: elements + 1 for path, elements in true(subject).items()}

    monkeypatch.setattr(road, "seen", wrong)
    report = archscope.kv("transformer", verify=True, **ROUND)

    assert report.totals.agrees is False
    assert {row.outcome for row in report.section("kv.check").rows} == {"missed"}


class Attends(nn.Module):
    """Grouped attention whose keys are left out in one of several ways."""

    def __init__(self, mask: str) -> None:
        super().__init__()
        self.mask = mask
        self.qkv = nn.Linear(32, 32 + 2 * 16)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (-1, 8)).transpose(1, 2)
            for part in self.qkv(x).split((32, 16, 16), -1)
        )
        place = torch.arange(x.shape[1])
        far = place[:, None] - place
        out = {
            "causal": lambda: F.scaled_dot_product_attention(
                q, k, v, is_causal=True, enable_gqa=True
            ),
            "window": lambda: F.scaled_dot_product_attention(
                q, k, v, attn_mask=(far >= 0) & (far < 4), enable_gqa=True
            ),
            "by hand": lambda: (
                (q @ k.repeat_interleave(2, 1).mT).softmax(-1) @ v.repeat_interleave(2, 1)
            ),
            "none": lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        }[self.mask]()
        joined: Tensor = x + out.transpose(1, 2).flatten(2)
        return joined


def test_a_strangers_attention_is_seen() -> None:
    model = nn.Sequential(Attends("causal"), Attends("window"))

    report = archscope.kv(model, torch.zeros(3, 10, 32))

    rows = report.section("kv.layers").rows
    assert [(row.path, row.kind, row.positions) for row in rows] == [
        ("0", "full attention", 10),
        ("1", "window", 4),
    ]
    assert report.totals.bytes == 3 * (10 + 4) * 2 * 2 * 8 * 2  # 2 key heads of 8, in 16 bits
    assert archscope.kv(model, torch.zeros(3, 10, 32), context=100).totals.bytes == 3 * 104 * 64


class Repeating(nn.Module):
    """Attention of four heads to two, which are repeated for it."""

    def __init__(self, repeat: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.q, self.kv = nn.Linear(32, 32), nn.Linear(32, 32)
        self.repeat = repeat

    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x).unflatten(-1, (4, 8)).transpose(1, 2)  # (B, 4, S, 8)
        k, v = self.kv(x).unflatten(-1, (2, 2, 8)).permute(2, 0, 3, 1, 4)  # 2 x (B, 2, S, 8)
        return F.scaled_dot_product_attention(q, self.repeat(k), self.repeat(v), is_causal=True)


@pytest.mark.parametrize(
    "repeat",
    [
        lambda k: k.repeat_interleave(2, 1),
        lambda k: k.repeat(1, 2, 1, 1),
        lambda k: k[:, :, None].expand(-1, -1, 2, -1, -1).reshape(k.shape[0], 4, -1, 8),
        lambda k: k.transpose(1, 2).repeat_interleave(2, dim=2).transpose(1, 2),
        lambda k: k[:1].repeat_interleave(2, 1).expand(k.shape[0], -1, -1, -1),
        lambda k: k[:1].repeat(3, 2, 1, 1).contiguous(),  # a batch has keys of its own
    ],
)
def test_few_heads_that_are_repeated_are_kept_once(
    repeat: Callable[[Tensor], Tensor],
) -> None:
    totals = archscope.kv(Repeating(repeat), torch.zeros(3, 5, 32)).totals

    assert totals.per_position == 2 * 2 * 8 * 2  # keys and values of two heads


def test_a_strangers_products_by_hand_leave_it_unknown() -> None:
    model = nn.Sequential(Attends("causal"), Attends("by hand"))

    report = archscope.kv(model, torch.ones(1, 9, 32), runtime="hf")

    assert report.totals.bytes is None
    assert [row.bytes is None for row in report.section("kv.layers").rows] == [False, True]
    said = [note.text for note in report.notes if note.level == "warning"]
    assert len(said) == 1
    assert "by itself, not by torch's attention" in said[0]


class ByKeyword(nn.Module):
    """Calls one function with all of its arguments named."""

    def __init__(self, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(x)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda x: F.conv1d(input=x.mT, weight=torch.ones(32, 1, 3), groups=32),
            "a convolution along positions",
        ),
        (lambda x: torch.bmm(input=x, mat2=x.mT), "by itself, not by torch's attention"),
    ],
)
def test_arguments_by_keyword_are_looked_at(call: Callable[[Tensor], Tensor], said: str) -> None:
    model = nn.Sequential(Attends("causal"), ByKeyword(call))

    notes = archscope.kv(model, torch.zeros(1, 9, 32)).notes

    assert any(said in note.text for note in notes)


def test_a_strangers_recurrent_layers_keep_their_states() -> None:
    report = archscope.kv(nn.LSTM(8, 16, num_layers=3, batch_first=True), torch.zeros(2, 5, 8))

    assert report.totals.bytes == 2 * 2 * 3 * 16 * 2  # two sequences, h and c of three layers


def test_torchs_own_decoder_is_seen() -> None:
    layer = nn.TransformerDecoderLayer(32, 4, 64, batch_first=True)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    target, source = torch.zeros(1, 6, 32), torch.zeros(1, 11, 32)

    report = archscope.kv(layer, target, source, tgt_mask=mask)

    kinds = {row.kind: row.bytes for row in report.section("kv.layers").rows}
    assert kinds == {"full attention": 6 * 64 * 2, "cross attention": 11 * 64 * 2}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Attends("none"), "attention in the model itself sees later positions"),
        (nn.Linear(32, 32), "neither attention nor a recurrent layer"),
        (nn.LSTM(32, 8, bidirectional=True, batch_first=True), "the recurrent layer in the model"),
    ],
)
def test_a_stranger_that_does_not_decode_is_refused(model: nn.Module, said: str) -> None:
    with pytest.raises(UsageError, match=f"it does not decode: .*{said}"):
        archscope.kv(model, torch.zeros(1, 5, 32))


def test_caches_of_transformers_are_looked_at(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the extra hf is not installed")
    if not hasattr(transformers, "Gemma2Config"):
        pytest.skip("these transformers do not have Gemma 2 yet")
    config = transformers.Gemma2Config(
        num_hidden_layers=2, hidden_size=32, intermediate_size=32, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, vocab_size=64, sliding_window=16,
    )  # fmt: skip
    config.architectures = ["Gemma2ForCausalLM"]
    config.save_pretrained(tmp_path)

    rows = archscope.kv(f"hf:{tmp_path}", context=40).section("kv.layers").rows

    assert [(row.kind, row.positions, row.bytes) for row in rows] == [
        ("window", 16, 16 * 64),
        ("full attention", 40, 40 * 64),
    ]
