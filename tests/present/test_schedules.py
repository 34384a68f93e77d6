"""The chart of suggested dilations: from where an output draws through each choice."""

from __future__ import annotations

import json
from typing import Any

import pytest

import archscope
from archscope.present.html.charts.schedules import draw


def drawn(target: int) -> list[dict[str, Any]]:
    report = archscope.suggest(target)
    return [json.loads(json.dumps(each.figure))["data"] for each in draw([report])]


def test_each_choice_is_a_line_over_its_receptive_field() -> None:
    (lines,) = drawn(9)

    assert [line["name"] for line in lines] == ["fewest: 1,3", "smooth: 1,1,2", "pyramid: 1,2,1"]
    for line in lines:
        assert line["x"] == list(range(-4, 5))
        assert sum(line["y"]) == pytest.approx(100)
    # 1,3: every position has one path of nine; 1,1,2: (1, 2, 3, 2, 1) five times, 2 apart
    assert set(lines[0]["y"]) == {100 / 9}
    assert [round(27 * share / 100) for share in lines[1]["y"]] == [1, 2, 4, 4, 5, 4, 4, 2, 1]


def test_what_is_too_wide_to_be_drawn_has_no_chart() -> None:
    assert drawn(5_000) == []
