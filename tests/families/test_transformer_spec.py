"""What a Transformer's spec says, refuses and derives; without torch."""

from __future__ import annotations

from typing import Any

import pytest

from archscope import specs
from archscope.errors import SpecError
from archscope.families.transformer import FAMILY, kinds
from archscope.families.transformer.spec import TransformerSpec

PAIR = {"arch": "encoder-decoder"}
CONVOLVED = {"mixer": "dilated-conv"}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"heads": 7}, "heads: 7 does not divide d_model 768. Nearest: 6, 8."),
    ({"depth": 0}, "depth: 0 is not in the range 1<=x<=10000."),
    ({"arch": "decodr"}, "arch: 'decodr' is not one of 'decoder', 'encoder', 'encoder-decoder'."),
    ({"kv_heads": 5}, "kv_heads: 5 does not divide heads 12. Nearest: 4, 6."),
    ({"kv_heads": 24}, "kv_heads: 24 does not divide heads 12. Nearest: 12."),
    ({**PAIR, **CONVOLVED, "heads": 7}, "heads: 7 does not divide d_model 768. Nearest: 6, 8."),
    (
        {"arch": "encoder", "attention": "window", "window": 256},
        "window: 256 is even, but a window to both sides is centred on the query. "
        "Nearest: 255, 257.",
    ),
    (
        {**PAIR, "attention": "window", "window": 4},
        "window: 4 is even, but a window to both sides is centred on the query. Nearest: 3, 5.",
    ),
    (
        {"causal": False, "attention": "dilated-window", "window": 8},
        "window: 8 is even, but a window to both sides is centred on the query. Nearest: 7, 9.",
    ),
    ({"window": 256}, "window: 256 needs attention window or dilated-window."),
    (
        {"attention": "window", "window_dilation": 2},
        "window_dilation: 2 needs attention dilated-window.",
    ),
    ({"max_positions": 512}, "max_positions: 512 is less than seq_len 1024. Give at least 1024."),
    (
        {**PAIR, "max_positions": 1024, "target_len": 2048},
        "max_positions: 1024 is less than target_len 2048. Give at least 2048.",
    ),
    (
        {"positions": "rotary", "max_positions": 2048},
        "max_positions: 2048 needs positions learned.",
    ),
    (
        {"positions": "rotary", "head_dim": 33},
        "positions: 'rotary' turns features in pairs, but a head has 33 features. "
        "Give an even head_dim.",
    ),
    (
        {"positions": "sinusoidal", "d_model": 9, "heads": 3},
        "positions: 'sinusoidal' needs an even d_model, not 9. Nearest: 8, 10.",
    ),
    (
        {**CONVOLVED, "positions": "rotary"},
        "positions: 'rotary' rotates queries and needs mixer attention.",
    ),
    ({**CONVOLVED, "attention": "window"}, "attention: 'window' needs mixer attention."),
    ({**CONVOLVED, "kv_heads": 4}, "kv_heads: 4 needs mixer attention."),
    ({**CONVOLVED, "head_dim": 64}, "head_dim: 64 needs mixer attention."),
    ({**CONVOLVED, "qk_norm": True}, "qk_norm: True needs mixer attention."),
    ({"qk_norm_across": True}, "qk_norm_across: True needs qk_norm."),
    ({**CONVOLVED, "qk_norm_across": True}, "qk_norm_across: True needs mixer attention."),
    ({**CONVOLVED, "qkv_bias": False}, "qkv_bias: False needs mixer attention."),
    ({"dilations": (1, 2)}, "dilations: '1,2' needs mixer dilated-conv."),
    ({"kernel_size": 3}, "kernel_size: 3 needs mixer dilated-conv."),
    (
        {**CONVOLVED, "dilations": ()},
        "dilations: () has no items. Give at least one, e.g. 1,2,4.",
    ),
    ({**CONVOLVED, "dilations": (1, 0)}, "dilations: 0 (item 2) is not in the range"),
    ({"experts": 8, "top_k": 9}, "top_k: 9 is more than experts 8. Give 1 to 8."),
    ({"top_k": 2}, "top_k: 2 needs ffn moe."),
    ({"decoder_depth": 6}, "decoder_depth: 6 needs arch encoder-decoder."),
    ({"target_len": 6}, "target_len: 6 needs arch encoder-decoder."),
    ({**PAIR, "causal": False}, "causal: False needs arch decoder or encoder."),
    ({**PAIR, "token_types": 2}, "token_types: 2 cannot be combined with arch encoder-decoder."),
    ({"attention": "full", "full_every": 2}, "full_every: 2 needs attention window or dilated"),
    ({"masked_window": True}, "masked_window: True needs attention window."),
    (
        {"attention": "window", "sinks": True},
        "sinks: True needs masked_window where attention has windows.",
    ),
    ({**CONVOLVED, "sinks": True}, "sinks: True needs mixer attention."),
    (
        {"arch": "encoder", "positions": "alibi"},
        "positions: 'alibi' needs causal attention.",
    ),
    (
        {"attention": "window", "positions": "alibi"},
        "positions: 'alibi' needs masked_window where attention has windows.",
    ),
    (
        {**CONVOLVED, "positions": "alibi"},
        "positions: 'alibi' is added to scores and needs mixer attention.",
    ),
    (
        {"attention": "chunk", "arch": "encoder"},
        "attention: 'chunk' sees only the past: it is for one stack that does, as arch decoder.",
    ),
    (
        {"attention": "chunk:64/13"},
        "full_every: 13 leaves no block of 12 that attends in full, and chunks never meet.",
    ),
    (
        {"attention": "chunk", "positions": "alibi"},
        "positions: 'alibi' cannot be combined with attention chunk.",
    ),
    ({**CONVOLVED, "attention": "chunk"}, "attention: 'chunk' needs mixer attention."),
    ({"chunk": 64}, "chunk: 64 needs attention chunk."),
    ({"rotary_dim": 8}, "rotary_dim: 8 needs positions rotary."),
    (
        {"positions": "rotary", "rotary_dim": 66},
        "rotary_dim: 66 is not an even number of the 64 features of a head.",
    ),
    ({"parallel": True, "norm_place": "post"}, "parallel: True needs norm_place pre."),
    ({**PAIR, "parallel": True}, "parallel: True cannot be combined with arch encoder-decoder."),
    ({"shared_norm": True}, "shared_norm: True needs parallel."),
    (
        {"shared_blocks": True, "attention": "window", "full_every": 2},
        "full_every: 2 makes blocks differ, but shared_blocks is set.",
    ),
    (
        {"shared_blocks": True, **CONVOLVED, "dilations": (1, 2)},
        "dilations: '1,2' makes blocks differ, but shared_blocks is set.",
    ),
    ({"embedding_dim": 8, "vocab_size": 0}, "embedding_dim: 8 needs vocab_size of 1 or more."),
    (
        {"positions": "sinusoidal", "embedding_dim": 9},
        "positions: 'sinusoidal' needs an even embedding_dim, not 9. Nearest: 8, 10.",
    ),
    ({"norm": "rmsnorm", "norm_bias": True}, "norm_bias: True needs norm layernorm."),
    ({**CONVOLVED, "attn_bias": True}, "attn_bias: True needs mixer attention."),
    ({"router_bias": True}, "router_bias: True needs ffn moe."),
    ({"head": "none", "head_bias": True}, "head_bias: True needs head lm."),
    (
        {"mixer": "gated-delta", "arch": "encoder"},
        "mixer: 'gated-delta' sees only the past: it is for one stack that does, as arch decoder.",
    ),
    (
        {**PAIR, "mixer": "lightning-attention"},
        "mixer: 'lightning-attention' sees only the past: it is for one stack",
    ),
    (
        {"mixer": "gated-delta", "delta_key_heads": 12},
        "delta_key_heads: 12 does not divide delta_heads 32. Nearest: 8, 16.",
    ),
    ({"mixer": "gated-delta", "heads": 8, "kv_heads": 4}, "kv_heads: 4 needs mixer attention."),
    ({"mixer": "lightning-attention", "kv_heads": 4}, "kv_heads: 4 needs mixer attention."),
    ({"output_gate": True, **CONVOLVED}, "output_gate: True needs mixer attention."),
    (
        {"mixer": "state-space-dual", "state_head_dim": 100},
        "state_head_dim: 100 does not divide the 1536 inner features. Nearest: 96, 128.",
    ),
    (
        {"mixer": "state-space-dual", "state_groups": 5},
        "state_groups: 5 does not divide the 24 heads. Nearest: 4, 6.",
    ),
    (
        {"experts": 8, "dense_ff": 64},
        "dense_ff: 64 needs dense blocks: dense_blocks of 1, or moe_every of 2, or more.",
    ),
    ({"experts": 8, "shared_gate": True}, "shared_gate: True needs shared_ff of 1 or more."),
    ({"shared_ff": 8}, "shared_ff: 8 needs ffn moe."),
    (
        {"experts": 8, "dense_blocks": 12},
        "dense_blocks: 12 leaves no experts to a depth of 12. Give 0 to 11.",
    ),
    (
        {"experts": 8, "dense_blocks": 1, "shared_blocks": True},
        "dense_blocks: 1 makes blocks differ, but shared_blocks is set.",
    ),
    ({"head": "mlm", "vocab_size": 0}, "head: 'mlm' scores tokens, but vocab_size is 0."),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_values_that_do_not_fit_are_refused_by_name(fields: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        specs.made(TransformerSpec, fields)
    assert str(caught.value).startswith(message)


def test_an_error_can_speak_in_flags() -> None:
    with pytest.raises(SpecError) as caught:
        TransformerSpec(heads=7)
    flags = caught.value.describe(lambda field: "--" + field.replace("_", "-"))
    assert flags == "7 does not divide --d-model 768. Nearest: 6, 8."


@pytest.mark.parametrize(
    "fields",
    [
        {"heads": 7, "head_dim": 64},
        {"heads": 7, **CONVOLVED},
        {**PAIR, **CONVOLVED, "kv_heads": 4},
        {"attention": "window", "window": 256},
        {"arch": "encoder", "attention": "window"},
        {"vocab_size": 0},
        {"experts": 1},
    ],
)
def test_values_that_fit_are_taken(fields: Any) -> None:
    specs.made(TransformerSpec, fields)


def test_a_spec_survives_text_and_json() -> None:
    spec = specs.made(TransformerSpec, {"depth": "24", "mixer": "dilated-conv", "dilations": "1/2"})
    assert spec == TransformerSpec(depth=24, mixer=(kinds.DilatedConv(dilations=(1, 2)),))
    back = {k: tuple(v) if isinstance(v, list) else v for k, v in specs.values(spec).items()}
    assert specs.made(TransformerSpec, back) == spec


def test_one_field_changes_one_thing() -> None:
    # 124,439,808 + 12 blocks x 7,087,872 = 209,494,272
    small, deep = (_parameters(TransformerSpec(depth=depth)) for depth in (12, 24))
    assert (small, deep) == (124_439_808, 209_494_272)
    assert deep - small == 12 * 7_087_872


def test_the_cost_of_a_subject_does_not_grow_with_depth() -> None:
    shallow, deep = (FAMILY.subject(TransformerSpec(depth=depth)) for depth in (2, 10_000))
    assert len(list(shallow.model.modules())) == len(list(deep.model.modules()))
    assert deep.repeats[0].copies[-1] == "blocks.9999"


def test_a_trillion_parameters_are_a_shape() -> None:
    # 12 d^2 + 13 d per block, x 128 blocks, d = 25,600
    spec = TransformerSpec(depth=128, d_model=25_600, heads=160)
    embeddings = (50_257 + 1024) * 25_600 + 2 * 25_600
    assert _parameters(spec) == 128 * (12 * 25_600**2 + 13 * 25_600) + embeddings > 10**12


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"depth": 24},
            "decoder · pre-LN · depth 24 · d_model 768 · 12 heads · d_ff 3072 · vocab 50,257 · "
            "seq 1024 · batch 1",
        ),
        (
            {
                "kv_heads": 4,
                "experts": 8,
                "activation": "swiglu",
                "norm": "rmsnorm",
                "bias": False,
                "tied": False,
                "positions": "rotary",
                "attention": "dilated-window",
            },
            "decoder · pre-RMSNorm · depth 12 · d_model 768 · 12 heads · GQA 4 kv heads · "
            "window 255 dilation 2 · d_ff 3072 · swiglu · MoE 8 experts top-2 · vocab 50,257 · "
            "untied · rotary positions · no bias · seq 1024 · batch 1",
        ),
        (
            {**PAIR, **CONVOLVED, "dilations": (1, 2, 4), "target_len": 9, "decoder_depth": 3},
            "encoder-decoder · pre-LN · depth 12 + 3 · d_model 768 · "
            "dilated-conv 1,2,4 repeated kernel 3 · d_ff 3072 · vocab 50,257 · "
            "seq 1024 to 9 · batch 1",
        ),
        (
            {
                "norm_place": "sandwich",
                "attention": "window",
                "window": 9,
                "full_every": 2,
                "masked_window": True,
                "sinks": True,
                "bias": False,
                "qkv_bias": True,
            },
            "decoder · sandwich-LN · depth 12 · d_model 768 · 12 heads · "
            "window 9 by mask but full every 2 · sinks · d_ff 3072 · vocab 50,257 · "
            "qkv bias only · seq 1024 · batch 1",
        ),
        (
            {
                "parallel": True,
                "shared_norm": True,
                "embedding_dim": 128,
                "shared_blocks": True,
                "attn_bias": False,
            },
            "decoder · pre-LN · depth 12 shared · d_model 768 · embeddings 128 · 12 heads · "
            "d_ff 3072 · vocab 50,257 · parallel, one norm · no attention bias · seq 1024 · "
            "batch 1",
        ),
        (
            {"arch": "encoder", "vocab_size": 0, "causal": True, "classes": 2},
            "encoder · pre-LN · depth 12 · d_model 768 · 12 heads · d_ff 3072 · features in · "
            "causal · 2 classes · seq 1024 · batch 1",
        ),
    ],
)
def test_a_spec_in_one_line(fields: Any, line: str) -> None:
    assert FAMILY.title(specs.made(TransformerSpec, fields)) == line


def test_every_field_has_help() -> None:
    assert all(field.help for field in specs.fields(FAMILY.spec))


def _parameters(spec: TransformerSpec) -> int:
    built = FAMILY.subject(spec)
    total = sum(p.numel() for p in built.model.parameters())
    for repeat in built.repeats:
        block = built.model.get_submodule(repeat.path)
        total += (len(repeat.copies) - 1) * sum(p.numel() for p in block.parameters())
    return total


KINDS = [
    ("attention", "full"),
    ("attention", "window:512"),
    ("attention", "window:4096/masked_window/full_every=2"),
    ("attention", "window:full_every=2"),
    ("attention", "dilated-window:255/4"),
    ("ffn", "moe:8/2"),
    ("ffn", "moe:64/8/2"),
    ("ffn", "moe:moe_every=2"),
    ("ffn", "moe:16/router_bias"),
    ("positions", "rotary:16"),
    ("mixer", "dilated-conv:7"),
    ("mixer", "dilated-conv:3/1/2/4"),
    ("mixer", "dilated-conv:kernel_size=3/5/7"),
    ("mixer", "attention,dilated-conv:5/2/depthwise"),
    ("norm", "layernorm:norm_bias=no"),
    ("arch", "encoder-decoder:6"),
]


@pytest.mark.parametrize(("field", "text"), KINDS)
def test_a_kind_is_written_as_it_is_typed(field: str, text: str) -> None:
    spec = specs.made(TransformerSpec, {field: text})
    written = specs.values(spec)[field]

    assert (",".join(written) if isinstance(written, list) else written) == text


@pytest.mark.parametrize(
    ("composed", "flat"),
    [
        ({"attention": "window:512"}, {"attention": "window", "window": 512}),
        ({"ffn": "moe:8/2"}, {"experts": 8, "top_k": 2}),
        ({"ffn": "moe:16"}, {"experts": "16"}),
        ({"ffn": "dense"}, {"experts": 0}),
        ({"positions": "rotary:32"}, {"positions": "rotary", "rotary_dim": 32}),
        ({"mixer": "dilated-conv/7/1/2"}, {**CONVOLVED, "kernel_size": 7, "dilations": [1, 2]}),
        ({"arch": "encoder:causal"}, {"arch": "encoder", "causal": True}),
        ({"depth": 12}, {"target_len": None, "window": None, "causal": None, "top_k": None}),
        ({"norm_place": "pre:parallel/shared_norm"}, {"parallel": True, "shared_norm": True}),
    ],
)
def test_a_number_of_a_kind_is_a_flag_of_its_own_too(composed: Any, flat: Any) -> None:
    assert specs.made(TransformerSpec, composed) == specs.made(TransformerSpec, flat)


def test_what_is_said_later_changes_what_was_said_before() -> None:
    preset = {"attention": "window:4096/masked_window/full_every=2"}

    narrower = specs.made(TransformerSpec, preset, {"window": 512}).attention
    assert narrower == kinds.Window(window=512, masked_window=True, full_every=2)
    # The word alone keeps what both kinds have; a whole text says all anew.
    dilated = specs.made(TransformerSpec, preset, {"attention": "dilated-window"}).attention
    assert dilated == kinds.DilatedWindow(window=4096, full_every=2)
    anew = specs.made(TransformerSpec, preset, {"attention": "window:512"}).attention
    assert anew == kinds.Window(window=512)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("attention", "windw:3", "attention: 'windw' is not one of 'full', 'window', 'dilated-w"),
        ("attention", "window:x", "window: 'x' is not an integer."),
        ("attention", "window:0", "window: 0 is not in the range 1<=x<="),
        (
            "attention",
            "window:3/4/5",
            "attention: 'window:3/4/5' has too many numbers; it is windo",
        ),
        ("attention", "window:3,full", "attention: 'window:3,full' names 2 kinds; give one."),
        (
            "attention",
            "window:widht=3",
            "attention: 'window:widht=' is not a parameter of window; it h",
        ),
        ("ffn", "moe:8/9", "top_k: 9 is more than experts 8. Give 1 to 8."),
        ("mixer", "", "mixer: '' is not one of 'attention', 'dilated-conv'"),
        ("mixer", "attention,dilated", "mixer: 'attention:dilated' has too many numbers; it is a"),
        ("mixer", "dilated-conv:kernel_size=", "kernel_size: '' (item 1) is not an integer."),
    ],
)
def test_a_text_that_is_no_kind_is_refused_by_what_is_wrong(
    field: str, text: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        specs.made(TransformerSpec, {field: text})
    assert str(caught.value).startswith(message)


def test_mixers_take_turns_and_so_do_their_own_lists() -> None:
    spec = specs.made(
        TransformerSpec,
        {"depth": 8, "mixer": "attention,dilated-conv", "dilations": "1,2,4", "kernel_size": "3,5"},
    )
    mixers = [block.mixer for block in FAMILY.blocks(spec)]

    assert [mixer.word for mixer in mixers] == ["attention", "dilated-conv"] * 4
    assert [mixer.dilations for mixer in mixers[1::2]] == [(1,), (2,), (4,), (1,)]
    assert [mixer.kernel_size for mixer in mixers[1::2]] == [(3,), (5,), (3,), (5,)]


def test_experts_stand_in_every_so_many_blocks() -> None:
    spec = specs.made(TransformerSpec, {"depth": 6, "ffn": "moe:4/1/3"})

    assert [block.experts is not None for block in FAMILY.blocks(spec)] == [
        False, False, True, False, False, True,
    ]  # fmt: skip
