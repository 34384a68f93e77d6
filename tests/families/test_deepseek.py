"""DeepSeek on real tensors: who goes to which expert."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.families.deepseek import FAMILY
from archscope.families.deepseek.network import SharedAndRoutedExperts
from archscope.families.deepseek.spec import DeepSeekSpec

SMALL = {"depth": 3, "d_model": 12, "heads": 2, "kv_rank": 5, "nope_dim": 3, "rope_dim": 4,
         "value_dim": 6, "d_ff": 7, "expert_ff": 3, "experts": 5, "top_k": 2, "vocab_size": 11,
         "seq_len": 6}  # fmt: skip
VARIANTS: list[dict[str, Any]] = [
    {},
    {"q_rank": 4, "routing": "balanced", "shared_experts": 1},
    {"dense_blocks": 0, "shared_experts": 0, "batch_size": 2},
]


def _spec(**fields: Any) -> DeepSeekSpec:
    return DeepSeekSpec(**{**SMALL, **fields})


@pytest.mark.parametrize("fields", VARIANTS, ids=str)
def test_a_later_token_changes_no_earlier_score(fields: dict[str, Any]) -> None:
    torch.manual_seed(0)
    spec = _spec(**fields)
    network = FAMILY.network(spec).double()
    (tokens,) = FAMILY.inputs(spec).args
    before = network(tokens)
    assert before.shape == (spec.batch_size, 6, 11)
    for place in range(6):
        changed = tokens.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        after = network(changed)
        # Experts multiply their tokens at once, and how many there are decides on rounding.
        torch.testing.assert_close(after[:, :place], before[:, :place], rtol=1e-12, atol=1e-14)
        assert (after[:, place:] != before[:, place:]).any(-1).all()


def test_first_blocks_are_dense() -> None:
    network = FAMILY.network(_spec(dense_blocks=2))
    kinds = [isinstance(block.mlp, SharedAndRoutedExperts) for block in network.blocks]
    assert kinds == [False, False, True]


@pytest.mark.parametrize("routing", ["softmax", "balanced"])
def test_a_token_goes_to_its_best_experts_and_to_the_shared_one(routing: str) -> None:
    torch.manual_seed(0)
    layer = SharedAndRoutedExperts(_spec(routing=routing)).double()
    if layer.balance is not None:
        layer.balance.copy_(torch.tensor([0.0, 0.0, 9.0, 0.0, 0.0]))  # chosen by all, if it works
    x = torch.randn(1, 4, 12).double()

    found = layer(x)

    for place in range(4):
        token = x[0, place]
        logits = layer.router(token)
        if routing == "softmax":
            weights = logits.softmax(-1)
            chosen = weights.topk(2).indices.tolist()
        else:
            weights = logits.sigmoid()
            chosen = (weights + layer.balance).topk(2).indices.tolist()
            assert 2 in chosen
            weights = weights / weights[chosen].sum()
        expected = layer.shared(token)
        for expert in chosen:
            expected = expected + weights[expert] * _expert(layer, expert, token)
        torch.testing.assert_close(found[0, place], expected)


def _expert(layer: SharedAndRoutedExperts, number: int, x: Tensor) -> Tensor:
    gate, up, down = (getattr(layer.experts, name)[number] for name in ("gate", "up", "down"))
    return down @ (F.silu(gate @ x) * (up @ x))


def test_a_balancing_bias_is_no_parameter() -> None:
    layer = SharedAndRoutedExperts(_spec(routing="balanced"))
    assert isinstance(layer.balance, Tensor)
    assert not isinstance(layer.balance, nn.Parameter)
