"""Transformer-XL on real tensors: causal, with a memory, and with adaptive tables."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.families.transformer_xl import FAMILY
from archscope.families.transformer_xl.spec import TransformerXlSpec
from archscope.theory.attention import with_memory

SMALL = {"depth": 2, "d_model": 8, "heads": 2, "d_ff": 6, "vocab_size": 11, "seq_len": 4,
         "memory": 3}  # fmt: skip


def _network(**fields: Any) -> tuple[nn.Module, TransformerXlSpec]:
    torch.manual_seed(0)
    spec = TransformerXlSpec(**{**SMALL, **fields})
    network = FAMILY.network(spec).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.5)
    return network, spec


def _remembered(before: Tensor | None, read: tuple[Tensor, ...], length: int) -> Tensor:
    """Return the next memory (L, B, M, D): the last of all that each block has read so far."""
    now = torch.stack(read)
    everything = now if before is None else torch.cat((before, now), 2)
    return everything[:, :, max(0, everything.shape[2] - length) :]


def _changed(x: Tensor, place: int) -> Tensor:
    """Return x (B, S, D) with one position changed; not by a constant, which a norm would undo."""
    x = x.clone()
    x[:, place] += torch.randn(x.shape[-1], generator=torch.Generator().manual_seed(1))
    return x


def test_a_later_token_changes_no_earlier_feature() -> None:
    network, _ = _network()
    x, memory = torch.randn(1, 4, 8).double(), torch.randn(2, 1, 3, 8).double()
    before, read = network(x, memory)
    assert before.shape == (1, 4, 8)
    assert [tuple(r.shape) for r in read] == [(1, 4, 8)] * 2
    for place in range(4):
        after, _ = network(_changed(x, place), memory)
        assert torch.equal(after[:, :place], before[:, :place])
        assert (after[:, place:] != before[:, place:]).any(-1).all()


def test_a_memory_of_everything_is_one_long_segment() -> None:
    network, _ = _network()
    x = torch.randn(2, 9, 8).double()
    whole, _ = network(x)
    memory, parts = None, []
    for segment in x.split(3, 1):
        out, read = network(segment, memory)
        memory = _remembered(memory, read, 9)
        parts.append(out)
    torch.testing.assert_close(torch.cat(parts, 1), whole)


@pytest.mark.parametrize(
    ("depth", "segment", "memory"), [(2, 3, 3), (2, 2, 3), (3, 3, 2), (1, 4, 4)]
)
def test_a_memory_reaches_as_far_as_the_theory_says(depth: int, segment: int, memory: int) -> None:
    network, _ = _network(depth=depth)
    length = 6 * segment
    x = torch.randn(1, length, 8).double()

    def first_of_last(x: Tensor) -> Tensor:
        held = None
        for part in x.split(segment, 1):
            out, read = network(part, held)
            held = _remembered(held, read, memory)
        return out[:, 0]

    before = first_of_last(x)
    reach = with_memory(depth, memory, segment=segment)
    for distance in range(length - segment + 1):
        after = first_of_last(_changed(x, length - segment - distance))
        assert torch.equal(after, before) == (distance > reach), distance


@pytest.mark.parametrize(
    "tables", [{}, {"cutoffs": (3, 7)}, {"cutoffs": (3, 7), "div_val": 2}], ids=str
)
def test_scores_are_probabilities_of_every_token(tables: dict[str, Any]) -> None:
    network, spec = _network(scores=True, memory=0, **tables)
    (tokens,) = FAMILY.inputs(spec).args

    scores, _ = network(tokens)

    assert scores.shape == (1, 4, 11)
    torch.testing.assert_close(scores.exp().sum(-1), torch.ones(1, 4).double())


def test_a_token_is_looked_up_in_the_table_of_its_cluster() -> None:
    network, _ = _network(cutoffs=(3, 7), div_val=2)
    table = network.tok_emb
    found = table(torch.arange(11)[None])[0]
    places = {0: (0, 0), 2: (0, 2), 3: (1, 0), 6: (1, 3), 7: (2, 0), 10: (2, 3)}
    for token, (cluster, row) in places.items():
        narrow = table.tables[cluster].weight[row]
        assert narrow.shape == (8 // 2**cluster,)
        torch.testing.assert_close(found[token], table.up[cluster].weight @ narrow * 8**0.5)


def test_the_scores_of_rare_tokens_are_those_of_their_cluster_and_within_it() -> None:
    network, _ = _network(cutoffs=(3, 7), div_val=2)
    head, x = network.head, torch.randn(1, 2, 8).double()
    found = head(x)[0, 0].exp()

    narrow = head.down[0](x)[0, 0]
    first = torch.cat(
        (head.scores[0].weight @ narrow + head.biases[0].bias, head.clusters(narrow))
    ).softmax(-1)
    torch.testing.assert_close(found[:3], first[:3])
    torch.testing.assert_close(found[3:7].sum(), first[3])
    torch.testing.assert_close(found[7:].sum(), first[4])
    assert head.scores[2].weight is network.tok_emb.tables[2].weight
    assert head.down[1].weight is network.tok_emb.up[1].weight
