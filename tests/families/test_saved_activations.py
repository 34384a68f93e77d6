"""What a training step keeps by closed form is what autograd keeps, block by block, to the byte."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from archscope import specs
from archscope.families import FAMILIES
from archscope.families.transformer.spec import TransformerSpec
from archscope.registry import resolve
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.training.number_types import NUMBER_TYPES
from archscope.training.recipe import Recipe, Recompute
from archscope.training.step import run_forward
from archscope.training.unfolding import unfolded

SMALL = {"depth": 2, "d_model": 16, "heads": 4, "seq_len": 7, "vocab_size": 20, "batch_size": 2}
NARROW = {"d_model": 12, "heads": 2, "d_ff": 10, "vocab_size": 20}
FLASH, MATH = Way(), Way(attention="math")
SELECTIVE = Way(attention="math", selective=True)
FULL, EVERY = Way(every=1), Way(attention="math", every=2)
LLAMA = {
    "norm": "rmsnorm",
    "positions": "rotary",
    "kv_heads": 2,
    "activation": "swiglu",
    "bias": False,
}
CASES: dict[str, tuple[str, dict[str, Any], Way, str]] = {
    "decoder": ("transformer", SMALL, FLASH, "bf16"),
    "grouped keys": ("transformer", {**SMALL, **LLAMA}, FLASH, "bf16"),
    "grouped keys, scores": ("transformer", {**SMALL, **LLAMA}, SELECTIVE, "fp32"),
    "windows": (
        "transformer",
        {**SMALL, "attention": "window:3", "full_every": 2, "kv_heads": 2},
        FLASH,
        "bf16",
    ),
    "sinks, again": ("transformer", {**SMALL, "sinks": True}, Way(selective=True), "bf16"),
    "slopes": ("transformer", {**SMALL, "positions": "alibi"}, FLASH, "bf16"),
    "BERT": (
        "transformer",
        {
            **SMALL,
            "arch": "encoder",
            "norm_place": "post",
            "token_types": 2,
            "embedding_norm": True,
            "embedding_dim": 6,
            "pooler": True,
            "head": "mlm",
            "classes": 3,
        },
        MATH,
        "bf16",
    ),
    "encoder and decoder": (
        "transformer",
        {**SMALL, "arch": "encoder-decoder", "target_len": 5, "qk_norm": True, "tied": False},
        FULL,
        "fp32",
    ),
    "side by side, of features": (
        "transformer",
        {**SMALL, "vocab_size": 0, "positions": "none", "parallel": True, "shared_norm": True},
        FLASH,
        "bf16",
    ),
    "experts": (
        "transformer",
        {**SMALL, "ffn": "moe:4/2", "moe_every": 2, "norm_place": "sandwich"},
        FLASH,
        "bf16",
    ),
    "mixers": (
        "transformer",
        {**SMALL, "mixer": "linear-attention,dilated-conv"},
        FLASH,
        "bf16",
    ),
    "DeepSeek": (
        "deepseek",
        {
            **NARROW,
            "depth": 2,
            "q_rank": 6,
            "kv_rank": 4,
            "nope_dim": 2,
            "rope_dim": 4,
            "value_dim": 3,
            "expert_ff": 5,
            "experts": 4,
            "top_k": 2,
            "routing": "balanced",
            "seq_len": 5,
        },
        FLASH,
        "bf16",
    ),
    "T5": (
        "t5",
        {
            **NARROW,
            "depth": 2,
            "head_dim": 5,
            "experts": 2,
            "activation": "geglu",
            "seq_len": 6,
            "target_len": 4,
        },
        EVERY,
        "fp32",
    ),
    "images": (
        "vit",
        {"depth": 2, "d_model": 8, "heads": 2, "d_ff": 12, "patch_size": 4, "input_size": 9},
        FULL,
        "bf16",
    ),
    "Mamba-2 and attention": (
        "transformer",
        {
            **SMALL,
            "mixer": "state-space-dual,attention",
            "state_size": 5,
            "state_head_dim": 4,
            "state_groups": 2,
            "state_chunk": 3,
        },
        FLASH,
        "bf16",
    ),
    "residual": (
        "resnet",
        {"block": "bottleneck", "blocks": (2, 1, 1, 1), "stem_channels": 2, "input_size": 33},
        FLASH,
        "bf16",
    ),
    "inverted residual": (
        "mobilenet",
        {"version": "v3-small", "input_size": 33, "batch_size": 2, "classes": 3},
        FLASH,
        "fp32",
    ),
    "dense": (
        "densenet",
        {"blocks": (2, 1), "growth_rate": 2, "stem_channels": 4, "input_size": 32},
        FLASH,
        "fp32",
    ),
    "residual, again": (
        "resnet",
        {"block": "basic", "blocks": (2, 1, 1, 1), "stem_channels": 2, "input_size": 33},
        Way(every=2),
        "fp32",
    ),
    "causal levels, each position": (
        "tcn",
        {"levels": 2, "kernel_size": 3, "reads": "each", "input_size": 9, "batch_size": 2},
        FLASH,
        "fp32",
    ),
    "causal levels, again": (
        "tcn",
        {"levels": 3, "kernel_size": 2, "hidden_channels": 4, "in_channels": 4, "input_size": 9},
        Way(every=2),
        "bf16",
    ),
    "skips": (
        "wavenet",
        {"dilations": (1, 2), "stacks": 2, "skip_channels": 5, "classes": 4, "input_size": 9},
        FLASH,
        "bf16",
    ),
    "skips, again": (
        "wavenet",
        {"dilations": (1, 2), "stacks": 2, "skip_channels": 5, "classes": 4, "input_size": 9},
        Way(every=3),
        "fp32",
    ),
    "Mamba": (
        "mamba",
        {"depth": 2, "d_model": 8, "vocab_size": 20, "seq_len": 5, "inner_norm": True},
        FLASH,
        "bf16",
    ),
}


STACKS: dict[str, tuple[str, Way, str]] = {
    "each kind of layer": (
        "in 2x12x9; pool 2; conv 4 k5 bn gelu; tconv 4 s2 causal; up 2 linear; pool 2 avg; silu; "
        "conv 3 sep p0+2 bn tanh; head 5",
        FLASH,
        "bf16",
    ),
    "channels last and first": (
        "in 2x9; gn2; conv 4 ln relu; ln; conv 4 relu; ln; conv 4 ln; up 2; instance; pool 2; ln",
        FLASH,
        "fp32",
    ),
    "the same of images": (
        "in 2x9x9; conv 4 ln relu; res(conv 4 relu; ln); conv 4 reflect; ln; instance; head 2",
        FLASH,
        "fp32",
    ),
    "what padding holds": (
        "in 1x9x9; 2x(conv 2 relu); conv 2 reflect; conv 2 p0+2 replicate relu; conv 2 circular; "
        "conv 2 p2+0 circular",
        FLASH,
        "fp32",
    ),
    "paths around": (
        "in 2x40; conv 4 valid d2 res; 2x(conv 4 s2 res relu); res(conv 6 k5 valid; conv 6)",
        FLASH,
        "bf16",
    ),
    "convolutions within run again": (
        "in 2x9x9; conv 4 bn; res(conv 4; conv 4 relu; gelu); 2x(res(conv 4; conv 4)); conv 4",
        Way(every=3),
        "fp32",
    ),
    "residual blocks run again": (
        "in 2x9; 3x(res(conv 4 bn; relu)); conv 4; relu; head 2",
        Way(every=1),
        "fp32",
    ),
    "one of each": ("in 4x9; conv 4; res(bn; relu)", Way(every=1), "fp32"),
}


def kept(name: str, fields: dict[str, Any], way: Way) -> SavedActivations:
    family = FAMILIES.get(name)
    made: SavedActivations = resolve(family.saved_activations)(specs.made(family.spec, fields), way)
    return made


REPEATED = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13),
    reason="older torch may repeat keys of groups for each query head, and keep them so",
)
GROUPED = ("grouped keys", "windows")


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[REPEATED] * (case in GROUPED)) for case in CASES]
)
def test_closed_form_and_autograd_keep_the_same(case: str) -> None:
    held_to_a_run(*CASES[case])


@pytest.mark.parametrize("case", STACKS)
@pytest.mark.parametrize("batch", [1, 3])
def test_stacks_of_layers_keep_what_autograd_keeps(case: str, batch: int) -> None:
    sentence, way, dtype = STACKS[case]
    held_to_a_run("cnn", {"layers": sentence, "batch_size": batch}, way, dtype)


def held_to_a_run(name: str, fields: dict[str, Any], way: Way, dtype: str) -> None:
    family = FAMILIES.get(name)
    recompute = Recompute(every=way.every, core=way.selective)
    step = run_forward(
        unfolded(family.subject(specs.made(family.spec, fields))),
        Recipe(attention=way.attention, recompute=recompute),
        dtype=NUMBER_TYPES[dtype],
    )
    told = kept(name, fields, way)
    size = {"bf16": 2, "fp32": 4}[dtype]

    assert told.bytes(activation=size) == sum(each.bytes for each in step.saved)
    assert told.bytes(activation=size, inputs=False) == sum(
        each.bytes for each in step.saved if each.holds == "activation"
    )
    by_block = Counter[str]()
    for each in step.saved:
        inside = (path for path in told.paths if f"{each.path}.".startswith(f"{path}."))
        by_block[next(inside, "")] += each.bytes
    for path, block in zip(told.paths, told.blocks, strict=True):
        assert block.bytes(activation=size) == by_block[path], path


@pytest.mark.parametrize(
    ("s", "b", "h", "a", "t"),
    [(2048, 4, 6144, 64, 8), (2048, 1, 12288, 96, 8)],  # 22B and 175B of table 3
)
def test_published_activations_of_a_layer(s: int, b: int, h: int, a: int, t: int) -> None:
    """Korthikanti et al. 2022, table 2, with dropout, without statistics of norms."""
    spec = TransformerSpec(depth=2, d_model=h, heads=a, seq_len=s, batch_size=b)
    family = resolve(FAMILIES.get("transformer").saved_activations)

    def layer(t: int = 1, *, sequence: bool = False, **way: Any) -> int | None:
        block = family(spec, Way(dropout=True, **way)).blocks[1]
        found: int | None = block.bytes(
            activation=2, tensor_parallel=t, sequence_parallel=sequence, minor=False
        )
        return found

    sbh, scores = s * b * h, 5 * a * s * s * b
    assert layer(attention="math") == 34 * sbh + scores
    assert layer(t, attention="math") == 10 * sbh + 24 * sbh // t + scores // t
    assert layer(t, sequence=True, attention="math") == (34 * sbh + scores) // t
    assert layer(t, sequence=True, attention="math", selective=True) == 34 * sbh // t
    assert layer(t, sequence=True) == 34 * sbh // t
    assert layer(every=1) == 2 * sbh


def test_heads_that_cards_do_not_divide_are_rounded_up() -> None:
    # 2 key heads on 4 cards: each has one, with the keys and the values of 2 x 7 positions of 4.
    told = kept("transformer", {**SMALL, "kv_heads": 2}, FLASH)
    (keys,) = (each for each in told.blocks[0].tensors if each.what == "attn.k")

    assert keys.bytes(activation=2, tensor_parallel=4) == 2 * 2 * 7 * 1 * 4
    assert keys.bytes(activation=2) == 2 * 2 * 7 * 2 * 4


def test_how_a_group_norm_reads_channels_that_lie_last_is_unknown() -> None:
    assert kept("cnn", {"layers": "in 2x9; conv 4; gn2; ln"}, FLASH).bytes(activation=4)
    assert "group norm" in kept("cnn", {"layers": "in 2x9; conv 4 ln; gn2"}, FLASH).unknown


def test_which_blocks_of_a_network_without_any_run_again_is_unknown() -> None:
    told = kept("lenet", {}, FULL)

    assert told.bytes(activation=4) is None
    assert "run again" in told.unknown


def test_what_nobody_tells_is_unknown() -> None:
    told = kept("transformer", {**SMALL, "mixer": "gated-delta"}, FLASH)

    assert told.bytes(activation=2) is None
    assert "gated-delta" in told.unknown


def test_blocks_that_are_alike_are_one() -> None:
    told = kept("transformer", {**SMALL, "depth": 10_000}, FLASH)

    assert len({id(block) for block in told.blocks}) == 1
    assert len(told.paths) == 10_000
