"""T5 and Switch on real tensors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.families.t5 import FAMILY
from archscope.families.t5.network import SwitchFeedForward
from archscope.families.t5.spec import T5Spec

SMALL = {"depth": 2, "d_model": 12, "heads": 2, "head_dim": 5, "d_ff": 7, "vocab_size": 11,
         "seq_len": 6, "target_len": 4}  # fmt: skip
VARIANTS: list[dict[str, Any]] = [
    {},
    {"activation": "geglu", "tied": False, "decoder_depth": 3},
    {"experts": 3, "batch_size": 2},
    {"experts": 2, "sparse_every": 1, "activation": "geglu"},
]


def _network(**fields: Any) -> tuple[nn.Module, tuple[Tensor, ...]]:
    torch.manual_seed(0)
    spec = T5Spec(**{**SMALL, **fields})
    network = FAMILY.network(spec).double().eval()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    return network, FAMILY.inputs(spec).args


@pytest.mark.parametrize("fields", VARIANTS, ids=str)
def test_it_returns_scores_for_the_target(fields: dict[str, Any]) -> None:
    network, args = _network(**fields)

    scores = network(*args)

    assert scores.shape == (fields.get("batch_size", 1), 4, 11)
    assert scores.isfinite().all()


@pytest.mark.parametrize("fields", VARIANTS, ids=str)
def test_a_later_token_of_the_target_changes_no_earlier_score(fields: dict[str, Any]) -> None:
    network, (source, target) = _network(**fields)
    before = network(source, target)
    for place in range(4):
        changed = target.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        after = network(source, changed)
        # Experts multiply their tokens at once, and how many there are decides on rounding.
        torch.testing.assert_close(after[:, :place], before[:, :place], rtol=1e-12, atol=1e-14)
        assert (after[:, place:] != before[:, place:]).any(-1).all()


def test_every_token_of_the_source_changes_every_score() -> None:
    network, (source, target) = _network()
    before = network(source, target)
    for place in range(6):
        changed = source.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        assert (network(changed, target) != before).any(-1).all()


def test_positions_matter_though_there_is_no_table_of_them() -> None:
    network, (source, target) = _network()
    swapped = source[:, [1, 0, 2, 3, 4, 5]]
    assert not torch.equal(source, swapped)
    assert not torch.allclose(network(source, target), network(swapped, target))


def test_a_tied_table_has_its_output_scaled_down() -> None:
    network, args = _network()
    scores = network(*args)
    with torch.no_grad():
        features = network.decoder(
            network.tok_emb(args[1]), network.encoder(network.tok_emb(args[0]))
        )
    torch.testing.assert_close(scores, features @ network.tok_emb.weight.T / 12**0.5)


def test_a_token_goes_through_its_best_expert_weighed_by_its_probability() -> None:
    torch.manual_seed(0)
    layer = SwitchFeedForward(T5Spec(**{**SMALL, "experts": 3})).double()
    x = torch.randn(2, 5, 12).double()

    found = layer(x)

    probability = layer.router(x).softmax(-1)
    for batch in range(2):
        for place in range(5):
            best = int(probability[batch, place].argmax())
            hidden = (layer.experts.up[best] @ x[batch, place]).relu()
            expected = layer.experts.down[best] @ hidden * probability[batch, place, best]
            torch.testing.assert_close(found[batch, place], expected)
    assert len(set(probability.argmax(-1).flatten().tolist())) > 1
