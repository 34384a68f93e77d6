"""MobileBERT on real tensors: who sees whom, and what stands in a norm's place."""

from __future__ import annotations

import torch

from archscope.families.mobilebert import FAMILY
from archscope.families.mobilebert.network import ScaleAndShift
from archscope.families.mobilebert.spec import MobileBertSpec

SMALL = MobileBertSpec(
    depth=1, d_model=8, bottleneck=4, heads=2, feed_forwards=2, d_ff=6, embedding_dim=3,
    vocab_size=11, max_positions=7, seq_len=5,
)  # fmt: skip


def test_a_token_enters_with_both_of_its_neighbours() -> None:
    torch.manual_seed(0)
    network = FAMILY.network(SMALL).double()
    tokens = torch.tensor([[3, 1, 4, 1, 5]])
    entering = []
    network.proj_emb.register_forward_hook(lambda module, given, made: entering.append(given[0]))

    features, pooled = network(tokens, torch.zeros_like(tokens))

    assert (features.shape, pooled.shape) == ((1, 5, 8), (1, 8))
    words = network.tok_emb.weight
    expected = torch.cat((words[4], words[1], words[3]))  # the next, itself, the one before
    torch.testing.assert_close(entering[0][0, 1], expected)
    assert not entering[0][0, 0, 6:].any()  # before the first is nothing
    assert not entering[0][0, 4, :3].any()


def test_scaling_and_shifting_normalises_nothing() -> None:
    layer = ScaleAndShift(3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 2.0, 0.0]))
        layer.bias.fill_(1)
    assert layer(torch.tensor([[10.0, 20.0, 30.0]])).tolist() == [[11.0, 41.0, 1.0]]
