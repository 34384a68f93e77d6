"""XLNet on real tensors."""

from __future__ import annotations

import torch
from torch import nn

from archscope.families.xlnet import FAMILY
from archscope.families.xlnet.spec import XlnetSpec

SMALL = XlnetSpec(depth=2, d_model=8, heads=2, d_ff=6, vocab_size=11, seq_len=5)


def _network() -> nn.Module:
    torch.manual_seed(0)
    network = FAMILY.network(SMALL).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    return network


def test_every_token_sees_every_token() -> None:
    network = _network()
    (tokens,) = FAMILY.inputs(SMALL).args
    before = network(tokens)
    assert before.shape == (1, 5, 8)
    for place in range(5):
        changed = tokens.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        assert (network(changed) != before).any(-1).all()


def test_only_distances_count_so_that_a_shift_of_the_text_changes_nothing() -> None:
    network = _network()
    network.blocks = network.blocks[:1]
    same = torch.full((1, 5), 3)
    other = same.clone()
    other[:, 2] = 4
    # Seen from the middle, one token before and one after are not the same.
    mirrored = network(other)[0]
    assert not torch.allclose(mirrored[1], mirrored[3])
    assert torch.allclose(network(same)[0, 0], network(same)[0, 4])  # nothing else to tell apart


def test_segments_are_told_apart_but_have_no_names() -> None:
    network = _network()
    (tokens,) = FAMILY.inputs(SMALL).args
    segment = torch.tensor([[0, 0, 1, 1, 1]])
    assert not torch.allclose(network(tokens, segment), network(tokens, segment * 0))
    torch.testing.assert_close(network(tokens, segment), network(tokens, 1 - segment))
