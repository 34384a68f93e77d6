"""What scaling laws say of a network, at the edges of what they are of."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archscope

TOKENS = torch.zeros(1, 4, dtype=torch.int64)


@pytest.mark.parametrize("settings", [{}, {"tokens": "1M"}, {"compute": "1e21"}])
def test_of_a_table_alone_no_law_tells(settings: dict[str, str]) -> None:
    report = archscope.scaling(nn.Embedding(10, 4), TOKENS, **settings)

    assert report.totals.n_all == 40
    for law in report.section("laws").rows:
        assert law.optimal_tokens is None or law.parameters == 40


def test_tokens_of_no_parameter_are_unknown() -> None:
    report = archscope.scaling(nn.Identity(), torch.ones(1), tokens="1M")

    rows = report.section("meanings").rows
    assert {row.parameters: row.tokens_per_parameter for row in rows} == {0: None}
