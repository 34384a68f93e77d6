"""Times in tables: spread in one cell, units that suit, blocks folded although they differ."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from archscope.analyses.time import rows
from archscope.analyses.time.analysis import CONVENTION
from archscope.analyses.time.rows import ConditionRow, LayerRow, PassRow, SampleRow, Totals
from archscope.analyses.time.summary import passes, taken
from archscope.present import _format
from archscope.present.json import render as to_json
from archscope.present.md import render as to_md
from archscope.present.table import render as to_table
from archscope.results import Environment, Note, Report, Section, View

GIB = 2**30


def row(stage: str, median: float, low: float, high: float, **known: Any) -> PassRow:
    plain: dict[str, Any] = dict.fromkeys(
        ("items_per_s", "macs", "flops_per_s", "peak_share", "peak_bytes")
    )
    return PassRow(
        stage=stage, median_s=median, p5_s=low, p95_s=high, iqr_s=1e-5, samples=100,
        **{**plain, **known},
    )  # fmt: skip


def layer(path: str, own_s: float, whole_s: float, **known: Any) -> LayerRow:
    plain: dict[str, Any] = {
        "type": "Linear" if known.get("own_macs") else "Block",
        "calls": 1, "bytes_moved": 2048, "macs": 500_000, "intensity": None, "roof": None,
        "whole_share": None, "own_bytes_moved": None, "own_macs": 0,
    }  # fmt: skip
    return LayerRow(path=path, time_s=whole_s, own_time_s=own_s, **{**plain, **known})


PASSES = (
    row(
        "forward", 0.00971, 0.00966, 0.00994,
        items_per_s=843_700.0, flops_per_s=415.7e12, peak_share=0.42, peak_bytes=int(1.91 * GIB),
    ),
    row(
        "backward", 0.0207, 0.0204, 0.0211,
        flops_per_s=389.9e12, peak_share=0.394, peak_bytes=int(11.4 * GIB),
    ),
    row("optimiser", 0.000812, 0.000795, 0.00103, peak_bytes=int(9.5 * GIB)),
)  # fmt: skip
CONDITIONS = {
    "device name": "NVIDIA H200", "number type": "bf16", "warm-up runs": 20, "runs": 100,
    "clock": "CUDA events", "dense peak": 989.5e12, "source of the peak": "https://example.com",
}  # fmt: skip


def report(**changes: Any) -> Report:
    totals = Totals(
        device="cuda:0", macs=2 * 10**12, item="token", items=8192, complete=True,
        interrupted=False,
    )  # fmt: skip
    conditions = tuple(
        ConditionRow(name=name, value=value, unit="", unknown=None)
        for name, value in CONDITIONS.items()
    )
    plain = Report(
        command="time",
        title="time · decoder · bf16 · NVIDIA H200 · eager",
        config={},
        environment=Environment(
            archscope="0.1.0", python="3.11", torch="2.13.0", fvcore=None, platform="any",
            device="cuda:0",
        ),
        sections=(
            rows.PASSES.filled(
                PASSES, totals=totals,
                notes=(Note(level="info", text="compute-bound"),),
                summary=tuple(taken(conditions)),
            ),
            rows.SAMPLES.filled([SampleRow(stage="forward", run=1, seconds=0.00971)]),
            rows.CONDITIONS.filled(conditions),
        ),
        convention=CONVENTION,
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)


def test_the_table() -> None:
    assert to_table(report(), View()).splitlines()[:8] == [
        "time · decoder · bf16 · NVIDIA H200 · eager",
        "Pass        Median         p5 … p95  Tokens/s  TFLOP/s*  of peak   Peak mem",
        "───────────────────────────────────────────────────────────────────────────",
        "forward    9.71 ms   9.66 … 9.94 ms   843.7 k     415.7    42.0%  1.910 GiB",
        "backward   20.7 ms   20.4 … 21.1 ms         –     389.9    39.4%  11.40 GiB",
        "optimiser   812 µs  0.795 … 1.03 ms         –         –        –  9.500 GiB",
        "20 warm-up + 100 timed runs on NVIDIA H200 · clock: CUDA events",
        "peak = 989.5 TFLOP/s dense bf16 (https://example.com)",
    ]


def test_what_nobody_knows_is_no_column() -> None:
    cpu = tuple(dataclasses.replace(each, peak_share=None, peak_bytes=None) for each in PASSES)
    plain = report()
    first = dataclasses.replace(plain.sections[0], rows=cpu)
    text = to_table(dataclasses.replace(plain, sections=(first, *plain.sections[1:])), View())

    heading = text.splitlines()[1]
    assert "peak" not in heading.lower()


def test_ascii() -> None:
    text = to_table(report(), View(ascii=True))

    assert text.isascii()
    assert "812 us" in text


def test_markdown_and_json_say_the_same() -> None:
    assert "415.7" in to_md(report(), View())
    assert '"median_s": 0.00971' in to_json(report(), View())


def layers() -> Section:
    """Two blocks that are alike and were not equally fast: 3 + 5 ms of `fc`, 1 + 1 ms outside."""
    found = [layer("", 0.002, 0.012, type="Net", bytes_moved=4096, macs=10**6)]
    for number, seconds in enumerate((0.003, 0.005)):
        found += [
            layer(f"blocks.{number}", 0.001, seconds + 0.001),
            layer(
                f"blocks.{number}.fc", seconds, seconds, own_macs=500_000, own_bytes_moved=2048,
                intensity=488.28, roof="compute",
            ),
        ]  # fmt: skip
    how = report().section("passes").summary
    return rows.LAYERS.filled(found, summary=(passes(PASSES), *how))


def test_blocks_that_are_alike_fold_and_their_times_add_up() -> None:
    plain = report()
    found = to_table(
        dataclasses.replace(plain, sections=(*plain.sections, layers())), View(by="layers")
    )

    lines = {line.split()[0]: line for line in found.splitlines() if line.split()}
    assert "×2" in lines["blocks.0–1"]
    assert "10.0 ms" in lines["blocks.0–1"], "1 + 3 and 1 + 5 ms"
    assert "83.3" in lines["blocks.0–1"], "of 12 ms"
    assert "8.00 ms" in next(line for line in found.splitlines() if "─ fc " in line)
    assert "12.0 ms" in lines["Total"]
    assert "compute" in found
    assert found.count("488.28") == 1


def test_unfolded_blocks_keep_their_own_times() -> None:
    plain = report()
    found = to_table(
        dataclasses.replace(plain, sections=(*plain.sections, layers())),
        View(by="layers", expand=True),
    )

    assert "4.00 ms" in found
    assert "6.00 ms" in found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1e-9, "1.00 ns"),
        (9.5e-10, "0.950 ns"),
        (0.0000123456, "12.3 µs"),
        (0.00099996, "1.00 ms"),
        (0.00971, "9.71 ms"),
        (12.345, "12.3 s"),
        (999.6, "1,000 s"),
        (86_400, "86,400 s"),
    ],
)
def test_seconds(seconds: float, text: str) -> None:
    assert _format.seconds(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.00966, 0.00994, "9.66 … 9.94 ms"),
        (0.000795, 0.00103, "0.795 … 1.03 ms"),
        (0.0000001, 2.0, "0.000000100 … 2.00 s"),
        (20.0, 30.0, "20.0 … 30.0 s"),
        (0.0, 0.5, "0 … 500 ms"),
    ],
)
def test_a_span_has_one_unit(low: float, high: float, text: str) -> None:
    assert _format.span(low, high) == text


def test_a_unit_suits_the_largest() -> None:
    assert _format.unit(415e12) == (1e12, "T")
    assert _format.unit(3e15) == (1e12, "T")
    assert _format.unit(9.9e8) == (1e6, "M")
    assert _format.unit(0.0) == (1.0, "")
    assert _format.in_unit(415.7e12, 1e12) == "415.7"
    assert _format.in_unit(0.5e12, 1e12) == "0.5000"
