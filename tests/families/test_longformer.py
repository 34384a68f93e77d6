"""Longformer on real tensors: windows, global tokens, padding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from archscope.families.longformer import FAMILY
from archscope.families.longformer.network import SlidingChunks
from archscope.families.longformer.spec import LongformerSpec
from archscope.theory.window import window

SMALL = {"d_model": 8, "heads": 2, "d_ff": 6, "vocab_size": 11, "window": 4, "max_positions": 40}


@pytest.mark.parametrize("few", [0, 1, 3])
@pytest.mark.parametrize(("length", "padded"), [(12, 12), (9, 12), (4, 4), (23, 24)])
def test_sliding_chunks_are_masked_dense_attention(few: int, length: int, padded: int) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, padded, 5).double() for _ in range(3))
    place = torch.arange(padded)
    seen = ((place[:, None] - place).abs() <= 2) | (place < few)
    dense = F.scaled_dot_product_attention(q, k, v, attn_mask=seen & (place < length))

    found = SlidingChunks(2, few)(q, k, v, length)

    torch.testing.assert_close(found[:, :, :length], dense[:, :, :length])


def _seen(**fields: Any) -> torch.Tensor:
    """Return which token (column) changes which output (row)."""
    torch.manual_seed(0)
    spec = LongformerSpec(**{**SMALL, **fields})
    network = FAMILY.network(spec).double()
    (tokens,) = FAMILY.inputs(spec).args
    before, pooled = network(tokens)
    length = spec.seq_len
    assert before.shape == (1, length, 8)
    assert pooled.shape == (1, 8)
    seen = torch.zeros(length, length, dtype=torch.bool)
    for place in range(length):
        changed = tokens.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        seen[:, place] = (network(changed)[0] != before).any(-1)[0]
    return seen


@pytest.mark.parametrize(("depth", "length"), [(1, 12), (2, 12), (2, 15)])
def test_a_token_sees_as_far_as_the_outline_says(depth: int, length: int) -> None:
    spec = LongformerSpec(**{**SMALL, "depth": depth, "seq_len": length})
    reach = window(FAMILY.outline(spec).layers).size // 2
    assert reach == 2 * depth  # half of a window of 4 for each block

    place = torch.arange(length)

    assert torch.equal(_seen(depth=depth, seq_len=length), (place[:, None] - place).abs() <= reach)


def test_more_padding_than_half_a_window_is_no_nan() -> None:
    # 5 tokens are padded to 20: the last of them have no token in reach.
    assert torch.equal(_seen(depth=2, seq_len=5, window=20), torch.ones(5, 5, dtype=torch.bool))
    spec = LongformerSpec(**{**SMALL, "depth": 2, "seq_len": 5, "window": 20})
    tokens, pooled = FAMILY.network(spec)(*FAMILY.inputs(spec).args)
    assert tokens.isfinite().all()
    assert pooled.isfinite().all()


def test_a_global_token_sees_all_and_is_seen_by_all() -> None:
    seen = _seen(depth=1, seq_len=14, global_tokens=2)
    assert seen[:2].all()
    assert seen[:, :2].all()
    assert not seen[8:, 3:5].any()
    assert _seen(depth=2, seq_len=14, global_tokens=1).all()
