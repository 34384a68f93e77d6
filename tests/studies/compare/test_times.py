"""Times are compared on one machine alone, and where they can be told apart."""

from __future__ import annotations

from typing import Any

import pytest

import archscope
from archscope.analyses.time.rows import CONDITIONS, PASSES, ConditionRow, PassRow, Totals
from archscope.errors import ThresholdError
from archscope.results import Environment, InputShape, Report

MACHINE = Environment(
    archscope="0.1.0", python="3.11", torch="2.13.0", fvcore=None, platform="any", device="cpu"
)


def timed(title: str, median: float, spread: float, device: str = "H100") -> Report:
    row = PassRow(
        stage="forward", median_s=median, p5_s=median - spread, p95_s=median + spread,
        iqr_s=spread, samples=100, items_per_s=None, macs=None, flops_per_s=None,
        peak_share=None, peak_bytes=None,
    )  # fmt: skip
    totals: Any = Totals(
        device="cuda:0", macs=None, item=None, items=None, complete=True, interrupted=False
    )
    condition = ConditionRow(name="device name", value=device, unit="", unknown=None)
    return Report(
        command="time", title=title, config={}, environment=MACHINE,
        sections=(PASSES.filled([row], totals=totals), CONDITIONS.filled([condition])),
        inputs=(InputShape(name="0", shape=(1, 8), dtype="float32"),),
    )  # fmt: skip


BEFORE = timed("before", 0.010, 0.001)


@pytest.mark.parametrize(
    ("after", "said", "holds"),
    [
        (timed("after", 0.0105, 0.001), "most samples of both overlap", True),
        (timed("after", 0.0130, 0.001), "", False),
        (timed("after", 0.0070, 0.001), "", True),
        (timed("after", 0.0101, 0.001, "H200"), "device name H100 and H200", False),
    ],
)
def test_a_time_fails_only_where_it_is_longer_for_certain(
    after: Report, said: str, holds: bool
) -> None:
    (row,) = archscope.compare(BEFORE, after).section("totals").rows

    assert said in row.why
    assert bool(row.why) == bool(said)
    assert (row.difference == (None,)) == bool(said)
    if holds:
        archscope.compare(BEFORE, after, fail_on="latency:+0")
        return
    with pytest.raises(ThresholdError, match="latency"):
        archscope.compare(BEFORE, after, fail_on="latency:+0")
