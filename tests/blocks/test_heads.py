"""What stands on the last block: one position's classes, or each one's."""

from __future__ import annotations

import torch

import archscope
from archscope.blocks.heads import PooledHead


def test_a_classifier_of_tokens_works_at_each_position() -> None:
    one, each = (
        PooledHead(8, 3, position=position, pooler=False, bias=True) for position in (0, None)
    )
    each.load_state_dict(one.state_dict())
    x = torch.randn(2, 5, 8)

    assert each(x).shape == (2, 5, 3)
    torch.testing.assert_close(each(x)[:, 0], one(x))
    # 2 sequences, of which one position or 5, from 8 features to 3 classes
    assert [archscope.params(head, x).totals.macs for head in (one, each)] == [48, 240]
    assert archscope.params(each, x).totals.trainable == 8 * 3 + 3
