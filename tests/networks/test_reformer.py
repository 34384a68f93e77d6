"""Reformer on real tensors: chunks, hashes, axial positions, blocks that can be undone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.blocks.chunked_attention import Chunks, HashedAttention, Hashing, LocalAttention
from archscope.families.reformer import FAMILY
from archscope.families.reformer.spec import ReformerSpec

SMALL = {"depth": 2, "hashed": (0, 1), "d_model": 8, "heads": 2, "head_dim": 3, "d_ff": 6,
         "local_chunk": 3, "lsh_chunk": 4, "buckets": (4,), "axial_shape": (4, 6),
         "axial_dims": (3, 5), "vocab_size": 11, "seq_len": 12}  # fmt: skip
VARIANTS: list[dict[str, Any]] = [
    {},
    {"hashes": 3, "seq_len": 20, "batch_size": 2},
    {"buckets": (2, 4), "hashed": (1,)},
    {"ff_chunk": 5},
    {"seq_len": 3},
    {"seq_len": 4, "local_chunk": 2},
]


def _spec(**fields: Any) -> ReformerSpec:
    return ReformerSpec(**{**SMALL, **fields})


def _network(spec: ReformerSpec) -> nn.Module:
    torch.manual_seed(0)
    return FAMILY.network(spec).double()


@pytest.mark.parametrize("fields", VARIANTS, ids=str)
def test_no_score_draws_on_a_later_token(fields: dict[str, Any]) -> None:
    spec = _spec(**fields)
    network, (tokens,) = _network(spec), FAMILY.inputs(spec).args
    kept: list[Tensor] = []
    network.tok_emb.register_forward_hook(lambda _m, _i, out: kept.append(out) or out)

    scores = network(tokens)

    assert scores.shape == (spec.batch_size, spec.seq_len, 11)
    assert scores.isfinite().all()
    for place in range(spec.seq_len):
        (slope,) = torch.autograd.grad(scores[:, place].sum(), kept[0], retain_graph=True)
        assert not slope[:, place + 1 :].any()
        assert slope[:, place].any()


def test_with_local_attention_alone_a_later_token_changes_nothing_before() -> None:
    spec = _spec(hashed=(0,))
    network, (tokens,) = _network(spec), FAMILY.inputs(spec).args
    before = network(tokens)
    for place in range(12):
        changed = tokens.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        after = network(changed)
        assert torch.equal(after[:, :place], before[:, :place])
        assert (after[:, place] != before[:, place]).any()


def test_local_attention_sees_its_chunk_and_the_one_before() -> None:
    torch.manual_seed(0)
    layer = LocalAttention(_spec()).double()
    x = torch.randn(1, 12, 8).double()
    before = layer(x)
    for key in range(12):
        changed = x.clone()
        changed[:, key] += 1
        seen = (layer(changed) != before).any(-1)[0]
        expected = [0 <= query // 3 - key // 3 <= 1 and query >= key for query in range(12)]
        assert seen.tolist() == expected


@pytest.mark.parametrize("hashes", [1, 2])
def test_hashed_attention_is_dense_attention_to_the_keys_that_it_meets(hashes: int) -> None:
    torch.manual_seed(0)
    layer = HashedAttention(_spec(hashes=hashes)).double()
    x = torch.randn(1, 12, 8).double()

    found = layer(x)

    qk, v = (f(x).view(12, 2, 3).transpose(0, 1) for f in (layer.qk, layer.v))
    buckets = layer.hashing(qk[None])[0].tolist()  # of 2 heads, each hash, 12 tokens
    expected = torch.zeros(12, 2, 3).double()
    for head in range(2):
        orders = [sorted(range(12), key=lambda token: (of[token], token)) for of in buckets[head]]
        chunks = [order[start : start + 4] for order in orders for start in (0, 4, 8)]
        for query in range(12):
            met = [
                key
                for number, chunk in enumerate(chunks)
                if query in chunk
                for key in (*chunks[number - 1], *chunk)
                if key < query
            ]
            keys = qk[head, met] / (qk[head, met].square().sum(-1, keepdim=True) + 1e-6).sqrt()
            weights = (keys @ qk[head, query]).softmax(0)
            expected[query, head] = weights @ v[head, met] if met else v[head, query]
    torch.testing.assert_close(found[0], layer.proj(expected.flatten(1)))


def test_a_token_that_meets_no_other_sees_itself() -> None:
    chunks = Chunks(2, shared=True)
    q = k = torch.ones(1, 1, 2, 3)
    v = torch.tensor([[[[1.0], [5.0]]]])

    out, _ = chunks(q, k, v, torch.arange(2)[None, None])

    assert out.flatten().tolist() == [1.0, 1.0]  # the first itself, the second the first


def test_vectors_that_point_the_same_way_share_a_bucket() -> None:
    torch.manual_seed(0)
    hashing = Hashing((8,), 2)
    x = torch.randn(1, 2, 5, 4)
    found = hashing(torch.cat((x, 3 * x, -x), 2))  # (1, 2, 2, 15)
    same, longer, opposite = found.split(5, -1)
    assert torch.equal(same, longer)
    assert torch.equal((same + 4) % 8, opposite)
    assert ((found >= 0) & (found < 8)).all()
    assert Hashing((2, 6), 1)(x).max() < 12


def test_a_feed_forward_in_chunks_answers_the_same() -> None:
    whole, chunked = _network(_spec()), _network(_spec(ff_chunk=5))
    tokens = FAMILY.inputs(_spec()).args[0]
    torch.testing.assert_close(whole(tokens), chunked(tokens))


def test_a_block_can_be_undone() -> None:
    block = _network(_spec()).blocks[0]
    x = torch.randn(1, 12, 8).double(), torch.randn(1, 12, 8).double()
    first, second = block(*x)
    back = second - block.mlp(block.ln_2(first))
    torch.testing.assert_close(back, x[1])
    torch.testing.assert_close(first - block.attn(block.ln_1(back)), x[0])


def test_a_position_is_a_row_and_a_column() -> None:
    positions = _network(_spec()).pos_emb
    found = positions(torch.zeros(1, 12))
    # 12 positions in rows of 6: position 8 is row 1, column 2
    expected = torch.cat((positions.row.weight[1], positions.column.weight[2]))
    assert torch.equal(found[8], expected)
