"""Reformer on real tensors: axial positions, blocks that can be undone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

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
