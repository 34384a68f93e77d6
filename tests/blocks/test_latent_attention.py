"""Latent attention on real tensors."""

from __future__ import annotations

import torch

from archscope.blocks.latent_attention import LatentAttention
from archscope.blocks.positions import rotate


def test_latent_attention_is_attention_with_keys_of_two_parts() -> None:
    """Hold it head by head against equations 9 to 19 of DeepSeek-V2."""
    torch.manual_seed(0)
    layer = LatentAttention(
        12, 2, q_rank=4, kv_rank=5, nope_dim=3, rope_dim=4, value_dim=6
    ).double()
    x = torch.randn(1, 6, 12).double()

    found = layer(x)

    latent, shared = layer.kv_down(x)[0, :, :5], layer.kv_down(x)[0, :, 5:]
    keys_and_values = layer.kv(layer.kv_norm(latent))
    queries = layer.q(layer.q_norm(layer.q_down(x)[0]))
    heads = []
    for head in range(2):
        query = queries[:, 7 * head : 7 * head + 7]
        key, value = keys_and_values[:, 9 * head : 9 * head + 9].split((3, 6), -1)
        content = query[:, :3] @ key.T
        place = rotate(query[:, 3:]) @ rotate(shared).T
        scores = (content + place) / 7**0.5
        future = torch.ones(6, 6).triu(1).bool()
        heads.append(scores.masked_fill(future, -torch.inf).softmax(-1) @ value)
    torch.testing.assert_close(found[0], layer.proj(torch.cat(heads, -1)))
