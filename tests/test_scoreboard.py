"""What the scoreboard makes of answers, and its pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pages import Scores, as_html, as_json, as_markdown, better
from verdicts import Verdict, of_count

ANSWER: dict[str, Any] = {"case": "linear", "seconds": 0.5, "bytes": 8, "harm": []}


def verdict(tool: str = "other", case: str = "linear", **answer: Any) -> Verdict:
    given = {**ANSWER, "case": case, "params": 121, "unknown": [], **answer}
    return of_count(tool, given, macs=1000, params=121, published=False)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"macs": 1000.0}, "exact"),
        ({"macs": 1000.0, "unknown": ["add"]}, "exact"),
        ({"macs": 1250.0}, "adds more"),
        ({"macs": 1251.0}, "wrong"),
        ({"macs": 999.0}, "wrong"),
        ({"macs": 999.0, "unknown": ["sdpa"]}, "says unknown"),
        ({"macs": 0.0, "unknown": ["sdpa"]}, "says unknown"),
        ({"macs": None}, "says unknown"),
        ({"macs": 0.0}, "silent zero"),
        ({"crash": "TypeError: no"}, "crashed"),
    ],
)
def test_an_answer_is_worth_what_it_says_and_does_not_say(
    answer: dict[str, Any], kind: str
) -> None:
    assert verdict(**answer).kind == kind


def test_wrong_parameters_and_harm_are_told_apart() -> None:
    assert verdict(macs=1000.0, params=110).wrong_params
    assert not verdict(macs=1000.0, params=None).wrong_params
    assert verdict(macs=1000.0, harm=["hooks"]).harm == ("hooks",)


def test_where_another_is_better_stands_first() -> None:
    counts = (
        verdict("archscope", macs=0.0),
        verdict("other", macs=1000.0),
        verdict("archscope", "conv", macs=1000.0, seconds=0.25),
        verdict("other", "conv", crash="<b>|died"),
    )
    scores = Scores(counts=counts, fields=(), versions={"other": "1.2"})

    assert [each.case for each in better(counts)] == ["linear"]
    text = as_markdown(scores)
    assert text.index("linear: other is exact") < text.index("| tool |")
    assert "| other | 1.2 | 1 | 0 | 0 | 0 | 0 | 1 |" in text
    assert "<b>\\|died" in text
    assert len(json.loads(as_json(scores))["counts"]) == 4
    page = as_html(scores)
    assert "1 of 2" in page
    assert "<b>|died" not in page
    assert "http" not in page.replace("http-equiv", "")
