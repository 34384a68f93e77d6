"""What scaling laws say of a network, at the edges of what they are of."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archscope
from archscope.analyses.scaling.settings import amount
from archscope.errors import UsageError

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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1e300", "'1e300' is out of range; write e.g. 1 or 25M"),
        ("-5", "'-5' is out of range"),
        ("1e99", "'1e99' is out of range; write at most 1e36"),
        ("many", "'many' is not a number such as 1 or 25M"),
    ],
)
def test_a_number_that_nobody_means_is_told_from_what_is_no_number(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        archscope.scaling(nn.Identity(), torch.ones(1), compute=text)


def test_what_an_amount_is_of_may_be_written_behind_it() -> None:
    assert amount("compute", "5.76e23 FLOPs") == amount("compute", "5.76e23")
    assert amount("tokens", "300B tokens") == 300 * 10**9
    with pytest.raises(UsageError, match="compute is not measured in 'tokens'"):
        amount("compute", "300 tokens")
