"""The chart of facts: how many are how far off."""

from __future__ import annotations

import json
from typing import Any

import archscope
from archscope.present.html.charts.facts import draw


def drawn(found: archscope.Report) -> list[list[dict[str, Any]]]:
    return [json.loads(json.dumps(each.figure))["data"] for each in draw([found])]


def test_facts_stand_by_how_far_off_they_are() -> None:
    found = archscope.facts("chinchilla*")
    (traces,) = drawn(found)
    rows = found.section("facts.facts").rows

    (held,) = traces
    assert held["name"] == "within tolerance"
    assert held["y"] == ["the same", "up to 0.1%", "up to 1.0%", "up to 5.0%", "more"]
    assert sum(held["x"]) == len(rows)
    assert held["x"][0] == sum(abs(row.error) < 1e-12 for row in rows)
    assert held["x"][3] == sum(0.01 < abs(row.error) <= 0.05 for row in rows)


def test_a_fact_alone_needs_no_picture() -> None:
    assert drawn(archscope.facts("chinchilla-t3-67B")) == []
