"""Attention within chunks, and the hashes that make them."""

from __future__ import annotations

import pytest
import torch

from archscope.blocks.chunked_attention import Chunks, HashedAttention, Hashing, LocalAttention


def test_local_attention_sees_its_chunk_and_the_one_before() -> None:
    torch.manual_seed(0)
    layer = LocalAttention(8, 2, 3, chunk=3).double()
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
    layer = HashedAttention(8, 2, 3, chunk=4, buckets=(4,), hashes=hashes).double()
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
