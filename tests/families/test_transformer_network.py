"""Transformers on real tensors: shapes, causality, shared weights; and folded as unfolded."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope import specs
from archscope.families.transformer import FAMILY
from archscope.families.transformer.spec import TransformerSpec

SMALL: dict[str, Any] = {"depth": 3, "d_model": 16, "heads": 4, "vocab_size": 11, "seq_len": 9}
MIXING: list[dict[str, Any]] = [
    {},
    {"attention": "window", "window": 3},
    {"attention": "dilated-window", "window": 3, "window_dilation": 2},
    {"mixer": "dilated-conv", "dilations": (1, 2), "kernel_size": 3},
]
MIXING_BY_MASK: list[dict[str, Any]] = [
    {"attention": "window", "window": 3, "masked_window": True, "full_every": 2},
    {"sinks": True, "kv_heads": 2},
    {"sinks": True, "attention": "window", "window": 3, "masked_window": True},
    {"attention": "chunk:4/2", "kv_heads": 2},
]
MIXING_OTHERWISE: list[dict[str, Any]] = [
    {"mixer": "linear-attention", "kv_heads": 2},
    {"mixer": "state-space:4/1/2", "bias": False},
    {"mixer": "attention,dilated-conv:3/2/depthwise", "depth": 3},
]
MIXING_THE_PAST: list[dict[str, Any]] = [
    {"mixer": "gated-delta:2/1/3/4/2,attention:output_gate"},
    {"mixer": "state-space-dual:4/1/2/4/2/4,lightning-attention", "bias": False},
]
GRID = [
    {
        "arch": arch,
        "norm_place": place,
        "norm": norm,
        "activation": activation,
        "positions": positions,
        "experts": experts,
        **mixing,
    }
    for arch, place, norm, (activation, experts), positions, mixing in product(
        ("decoder", "encoder", "encoder-decoder"),
        ("pre", "post"),
        ("layernorm", "rmsnorm"),
        (("relu", 0), ("swiglu", 3)),
        ("learned", "sinusoidal", "rotary", "none"),
        MIXING,
    )
    if not (positions == "rotary" and "mixer" in mixing)
]
VARIANTS: list[dict[str, Any]] = [
    {},
    {"tied": False},
    {"arch": "encoder-decoder", "decoder_depth": 2, "target_len": 5},
    {"arch": "encoder-decoder", "tied": False, "embedding_norm": True, "classes": 2},
    {"arch": "encoder", "head": "mlm", "pooler": True, "classes": 2, "token_types": 2},
    {"arch": "encoder", "head": "mlm", "tied": False, "bias": False},
    {"experts": 4, "top_k": 1, "activation": "geglu", "kv_heads": 2, "qk_norm": True},
    {"mixer": "dilated-conv", "dilations": (1, 2, 1, 4), "depth": 9},
    {"vocab_size": 0, "positions": "sinusoidal", "norm_place": "post", "final_norm": True},
    {"norm_place": "sandwich", "attention": "window", "window": 3, "full_every": 2},
    {"parallel": True, "shared_norm": True, "head_bias": True, "attn_bias": False},
    {"parallel": True, "positions": "alibi", "embedding_norm": True, "norm_bias": False},
    {"arch": "encoder-decoder", "embedding_dim": 6, "norm_place": "sandwich", "tied": False},
    {"arch": "encoder", "embedding_dim": 6, "head": "mlm", "token_types": 2, "depth": 1},
    {
        **{"attention": "window", "window": 3, "masked_window": True, "full_every": 2},
        **{"sinks": True, "experts": 4, "router_bias": True, "kv_heads": 2, "depth": 5},
        **{"positions": "rotary", "rotary_dim": 2},
    },
    {"arch": "encoder-decoder", "mixer": "state-space,linear-attention", "depth": 4},
    {"arch": "encoder", "mixer": "dilated-conv:3/1/2/depthwise,attention", "depth": 8},
    {"ffn": "moe:4/2/2", "depth": 5},
    {
        **{"mixer": "gated-delta:2/1/3/4/2,lightning-attention,attention:output_gate", "depth": 6},
        **{"ffn": "moe:4", "dense_blocks": 1, "dense_ff": 5, "shared_ff": 3, "shared_gate": True},
    },
    {"qk_norm": True, "qk_norm_across": True, "kv_heads": 2, "norm": "rmsnorm"},
    {"mixer": "state-space-dual:4/1/2/4/2/4", "activation": "relu2", "state_conv_bias": False},
]


def _network(**fields: Any) -> nn.Module:
    torch.manual_seed(0)
    return FAMILY.network(specs.made(TransformerSpec, {**SMALL, **fields})).double().eval()


def _inputs(spec: TransformerSpec) -> tuple[Tensor, ...]:
    found = FAMILY.subject(spec).inputs
    assert found is not None
    return tuple(torch.zeros(x.shape, dtype=x.dtype) for x in found.args)


def test_every_combination_runs_and_returns_scores() -> None:
    for fields in GRID:
        depth = len(fields.get("dilations", (1,)))
        small = {**SMALL, "depth": depth, "d_model": 8, "heads": 2}
        spec = specs.made(TransformerSpec, {**small, **fields})
        texts = 2 if fields["arch"] == "encoder-decoder" else 1
        scores = FAMILY.network(spec)(*torch.zeros(texts, 1, 9, dtype=torch.long))
        assert scores.shape == (1, 9, 11), fields
        assert scores.isfinite().all(), fields


def test_modules_carry_the_names_of_the_table() -> None:
    names = [name for name, part in _network(depth=1).named_modules() if not list(part.children())]
    assert names == [
        "tok_emb",
        "pos_emb",
        "blocks.0.ln_1",
        "blocks.0.attn.qkv",
        "blocks.0.attn.sdpa",
        "blocks.0.attn.proj",
        "blocks.0.ln_2",
        "blocks.0.mlp.fc1",
        "blocks.0.mlp.fc2",
        "ln_f",
        "lm_head",
    ]


@pytest.mark.parametrize(
    "mixing",
    [*MIXING, *MIXING_BY_MASK, *MIXING_OTHERWISE, *MIXING_THE_PAST, {"parallel": True}],
)
@pytest.mark.parametrize("positions", ["learned", "none"])
@pytest.mark.parametrize("place", ["pre", "post"])
def test_a_decoder_never_sees_the_future(mixing: Any, positions: str, place: str) -> None:
    if "parallel" in mixing:
        place = "pre"
    model = _network(**mixing, positions=positions, norm_place=place)
    tokens = torch.arange(9)[None]
    before = model(tokens)
    for place_ in range(9):
        changed = tokens.clone()
        changed[0, place_] = 10
        after = model(changed)
        assert torch.equal(after[:, :place_], before[:, :place_])
        assert not torch.equal(after[:, place_], before[:, place_])


@pytest.mark.parametrize("mixing", [*MIXING, *MIXING_OTHERWISE])
def test_a_target_never_sees_its_future_and_always_its_source(mixing: Any) -> None:
    model = _network(**mixing, arch="encoder-decoder", target_len=5)
    source, target = torch.arange(9)[None], torch.arange(5)[None]
    before = model(source, target)
    for place in range(5):
        changed = target.clone()
        changed[0, place] = 10
        assert torch.equal(model(source, changed)[:, :place], before[:, :place])
    for place in range(9):
        changed = source.clone()
        changed[0, place] = 10
        assert (model(changed, target) != before).any(-1).all()


def test_an_encoder_sees_both_sides_and_a_causal_one_only_the_past() -> None:
    tokens = torch.arange(9)[None]
    changed = tokens.clone()
    changed[0, 8] = 10
    both, past = (_network(arch="encoder", causal=causal) for causal in (None, True))
    assert (both(tokens) != both(changed)).any(-1).all()
    assert torch.equal(past(tokens)[:, :8], past(changed)[:, :8])


@pytest.mark.parametrize(
    ("mixing", "reach"),
    [
        # 3 blocks of 3 keys, 1 apart: 3 x (3 - 1) = 6 back
        ({"attention": "window", "window": 3}, 6),
        ({"attention": "window", "window": 3, "masked_window": True}, 6),
        # 3 blocks of 3 taps, 1, 2 and 1 apart: (3 - 1) x (1 + 2 + 1) = 8 back
        ({"mixer": "dilated-conv", "dilations": (1, 2)}, 8),
    ],
)
def test_blocks_reach_as_far_back_as_their_windows_add_up_to(mixing: Any, reach: int) -> None:
    model = _network(**mixing, seq_len=20, positions="none")
    tokens = torch.arange(20)[None] % 10
    changed = tokens.clone()
    changed[0, 5] = 10
    moved = (model(tokens) != model(changed)).any(-1)[0]
    assert moved.nonzero().flatten().tolist() == list(range(5, 5 + reach + 1))


def test_a_block_of_full_attention_among_windows_sees_all_of_the_past() -> None:
    model = _network(attention="window", window=2, full_every=3, seq_len=20, positions="none")
    tokens = torch.arange(20)[None] % 10
    changed = tokens.clone()
    changed[0, 0] = 10
    moved = (model(tokens) != model(changed)).any(-1)[0]
    assert moved.all()  # blocks 0 and 1 reach 2 back, block 2 all the way


def test_a_query_sees_its_own_chunk_and_nothing_before_it() -> None:
    model = _network(attention="chunk:4/2", depth=2, positions="none", seq_len=10)
    block = model.blocks[0]
    x = torch.randn(1, 10, 16, dtype=torch.float64)
    found = block.attn(x)
    for start in (0, 4, 8):
        # Each chunk is attended to as if it stood alone.
        alone = block.attn(x[:, start : start + 4])
        torch.testing.assert_close(found[:, start : start + 4], alone)
    assert model.blocks[1].attn.sdpa.causal  # and the second block sees all of the past


def test_order_matters_to_a_decoder_with_alibi_in_every_block() -> None:
    model = _network(positions="alibi", depth=1)
    plain = _network(positions="none", depth=1)
    order = torch.tensor([3, 1, 4, 0, 5, 8, 2, 6, 7])
    last = [net(order[None])[0, -1] for net in (model, plain)]
    other = [net(order[[0, 4, 1, 2, 3, 5, 6, 7, 8]][None])[0, -1] for net in (model, plain)]
    # The last token sees the same tokens in another order: without positions it cannot tell.
    torch.testing.assert_close(last[1], other[1])
    assert not torch.allclose(last[0], other[0])


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "none"])
def test_order_matters_where_there_are_positions(positions: str) -> None:
    model = _network(arch="encoder", positions=positions)
    order = torch.tensor([3, 1, 4, 0, 5, 8, 2, 6, 7])
    one, other = model(order[None]), model(torch.arange(9)[None])[:, order]
    assert torch.allclose(one, other) == (positions == "none")


@pytest.mark.parametrize("place", ["pre", "post", "sandwich"])
def test_norms_stand_where_the_spec_says(place: str) -> None:
    block = _network(norm_place=place).blocks[0]
    with torch.no_grad():
        for number, norm in enumerate(part for n, part in block.named_modules() if "ln_" in n):
            norm.weight.fill_(number + 1.0)  # so that no norm could stand in another's place
    x = torch.randn(1, 9, 16, dtype=torch.float64)
    if place == "pre":
        between = x + block.attn(block.ln_1(x))
        expected = between + block.mlp(block.ln_2(between))
    elif place == "sandwich":
        between = x + block.ln_1_out(block.attn(block.ln_1(x)))
        expected = between + block.ln_2_out(block.mlp(block.ln_2(between)))
    else:
        between = block.ln_1(x + block.attn(x))
        expected = block.ln_2(between + block.mlp(between))
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("shared", [True, False])
def test_parallel_parts_read_the_same_input(shared: bool) -> None:
    block = _network(parallel=True, shared_norm=shared).blocks[0]
    x = torch.randn(1, 9, 16, dtype=torch.float64)
    second = block.ln_1 if shared else block.ln_2
    expected = x + block.attn(block.ln_1(x)) + block.mlp(second(x))
    torch.testing.assert_close(block(x), expected)


def test_shared_blocks_are_one_that_runs_depth_times() -> None:
    model = _network(shared_blocks=True, depth=3, positions="none", final_norm=False)
    block = model.blocks[0]
    assert len(model.blocks) == 1
    x = model.tok_emb(torch.arange(9)[None])
    expected = model.lm_head(block(block(block(x))))
    torch.testing.assert_close(model(torch.arange(9)[None]), expected)


def test_embeddings_are_projected_and_the_head_projects_back() -> None:
    model = _network(embedding_dim=6)
    assert model.tok_emb.weight.shape == (11, 6)
    assert model.proj_emb.weight.shape == (16, 6)
    assert model.lm_head.proj.weight.shape == (6, 16)
    assert model.lm_head.decoder.weight is model.tok_emb.weight
    assert model(torch.arange(9)[None]).shape == (1, 9, 11)


@pytest.mark.parametrize(
    ("fields", "biased"),
    [
        ({"bias": False}, set()),
        ({"bias": False, "norm_bias": True}, {"ln_1", "ln_2", "ln_f"}),
        ({"bias": False, "attn_bias": True}, {"qkv", "proj"}),
        ({"bias": False, "qkv_bias": True}, {"qkv"}),
        ({"attn_bias": False}, {"fc1", "fc2", "ln_1", "ln_2", "ln_f"}),
        ({"attn_bias": False, "qkv_bias": True}, {"qkv", "fc1", "fc2", "ln_1", "ln_2", "ln_f"}),
        ({"bias": False, "head_bias": True}, {"lm_head"}),
    ],
)
def test_biases_stand_where_the_spec_says(fields: Any, biased: set[str]) -> None:
    names = {name.split(".")[-2] for name, _ in _network(**fields).named_parameters()
             if name.endswith(".bias")}  # fmt: skip
    assert names == biased


@pytest.mark.parametrize("fields", VARIANTS)
def test_every_module_runs_once(fields: Any) -> None:
    built = FAMILY.subject(specs.made(TransformerSpec, {**SMALL, **fields}))
    parts = {n: m for n, m in built.model.named_modules() if not isinstance(m, nn.ModuleList)}
    calls = dict.fromkeys(parts, 0)

    def count(name: str) -> Any:
        def hook(*_: Any) -> None:
            calls[name] += 1

        return hook

    for name, module in parts.items():
        module.register_forward_hook(count(name))
    assert built.inputs is not None
    built.model(*built.inputs.args, **built.inputs.kwargs)
    both_sides = fields.get("arch") == "encoder-decoder" and fields.get("tied", True)
    assert calls == {name: 2 if name == "tok_emb" and both_sides else 1 for name in parts}


def test_tied_weights_are_one_parameter() -> None:
    assert (model := _network()).lm_head.weight is model.tok_emb.weight
    assert (model := _network(head="mlm")).lm_head.decoder.weight is model.tok_emb.weight
    assert (model := _network(tied=False)).lm_head.weight is not model.tok_emb.weight
    both = _network(arch="encoder-decoder")
    assert both.lm_head.weight is both.tok_emb.weight
    assert both.target_tok_emb is None


@pytest.mark.parametrize("fields", VARIANTS)
def test_folded_is_the_unfolded_network_with_copies_left_out(fields: Any) -> None:
    spec = specs.made(TransformerSpec, {**SMALL, **fields})
    whole, folded = FAMILY.network(spec), FAMILY.subject(spec)
    total = sum(p.numel() for p in whole.parameters())
    once = sum(p.numel() for p in folded.model.parameters())
    for repeat in folded.repeats:
        block = folded.model.get_submodule(repeat.path)
        once += (len(repeat.copies) - 1) * sum(p.numel() for p in block.parameters())
    assert once == total
    shapes = {name: p.shape for name, p in whole.state_dict().items()}
    assert {n: p.shape for n, p in folded.model.state_dict().items()}.items() <= shapes.items()
    blocks = {path for repeat in folded.repeats for path in repeat.copies}
    alone = {f"{s}.{n}" for s in ("blocks", "encoder", "decoder") for n in _children(folded, s)}
    assert blocks | alone == {
        f"{s}.{n}" for s in ("blocks", "encoder", "decoder") for n in _numbers(whole, s)
    }


def _children(folded: Any, stack: str) -> list[str]:
    return _numbers(folded.model, stack)


def _numbers(model: nn.Module, stack: str) -> list[str]:
    return [name for name, _ in getattr(model, stack, nn.Module()).named_children()]


@pytest.mark.parametrize("fields", VARIANTS)
def test_folded_and_unfolded_return_the_same_shapes(fields: Any) -> None:
    spec = specs.made(TransformerSpec, {**SMALL, **fields})
    folded = FAMILY.subject(spec)
    assert folded.inputs is not None
    with torch.device("meta"):
        whole = FAMILY.network(spec)
    results = [m(*folded.inputs.args, **folded.inputs.kwargs) for m in (folded.model, whole)]
    first, second = (r if isinstance(r, tuple) else (r,) for r in results)
    assert [x.shape for x in first] == [x.shape for x in second]
    assert all(p.is_meta for p in whole.parameters())


def test_a_token_classifier_scores_each_token() -> None:
    model = _network(arch="encoder", classes=3, classify="token", head="none")

    features, classes = model(torch.arange(9)[None])
    assert classes.shape == (1, 9, 3)
    torch.testing.assert_close(classes, model.pooled.classifier(features))
    counted = archscope.params("transformer", **SMALL, arch="encoder", classes=3, classify="token")
    row = next(row for row in counted.section("modules").rows if row.path == "pooled.classifier")
    assert row.own_macs == SMALL["seq_len"] * SMALL["d_model"] * 3


def test_the_pooled_position_is_one_that_sees_everything() -> None:
    tokens = torch.arange(9)[None]
    for fields, place in (({"arch": "encoder"}, 0), ({}, -1)):
        model = _network(**fields, classes=3, pooler=True, head="none")
        features, classes = model(tokens)
        assert features.shape == (1, 9, 16)
        expected = model.pooled.classifier(model.pooled.pooler(features[:, place]))
        torch.testing.assert_close(classes, expected)


def test_token_types_are_added() -> None:
    model = _network(arch="encoder", token_types=2)
    tokens, types = torch.arange(9)[None], torch.tensor([[0] * 8 + [1]])
    first = model(tokens, token_types=torch.zeros_like(types))
    assert not torch.equal(first, model(tokens, token_types=types))


def test_a_real_network_has_random_weights() -> None:
    for name, weights in _network(experts=3, positions="learned").named_parameters():
        if not name.endswith("bias") and "ln_" not in name:
            assert 0 < weights.std() < 2, name
