"""Lower bounds on a card that is not here: bytes, intensity, what binds; nothing runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import archscope
from archscope.errors import UsageError
from archscope.hardware import named
from archscope.results import Report

H100 = named("h100")
ROWS, WIDTH = 4096, 1024


def bounds(report: Report) -> dict[str, Any]:
    return {row.path: row for row in report.section("bounds").rows}


def two_layers() -> Report:
    """Return the bounds of a wide product and an activation, in bf16 on an H100."""
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(WIDTH, WIDTH, bias=False), nn.ReLU())
        x = torch.empty(ROWS, WIDTH)
    return archscope.time(model, x, gpu="h100", dtype="bf16")


def test_a_module_is_bound_by_the_longer_of_its_arithmetic_and_its_bytes() -> None:
    rows = bounds(two_layers())
    linear, relu = rows["0"], rows["1"]

    # in and out 4096 x 1024 each, weights 1024 x 1024, two bytes each though the model holds four
    assert linear.bytes_moved == 2 * (2 * ROWS * WIDTH + WIDTH * WIDTH)
    assert linear.macs == ROWS * WIDTH * WIDTH
    # 2 x 4096 x 2^20 / 18.9 MB = 455 FLOPs per byte, above the ridge of 989.5 / 3.35 = 295
    assert linear.intensity == pytest.approx(2 * linear.macs / linear.bytes_moved)
    assert linear.binds == "compute"
    assert linear.bound_s == pytest.approx(2 * linear.macs / 989.5e12)
    assert relu.binds == "memory"
    assert relu.bound_s == pytest.approx(2 * 2 * ROWS * WIDTH / 3.35e12)
    assert rows[""].bound_s == pytest.approx(linear.bound_s + relu.bound_s)
    assert rows[""].own_bound_s == 0
    assert (rows[""].own_binds, rows[""].own_intensity) == (None, None)


def test_the_whole_is_bounded_module_by_module_and_fused() -> None:
    report = two_layers()
    totals = report.totals

    assert totals.bound_s == pytest.approx(bounds(report)[""].bound_s)
    # fused: what lies between the two never leaves the chip
    assert totals.fused_bytes == 2 * (2 * ROWS * WIDTH + WIDTH * WIDTH)
    assert totals.fused_s == pytest.approx(2 * totals.macs / 989.5e12)
    assert totals.fused_binds == "compute"
    assert totals.complete
    assert "nothing was run" in report.title
    assert any("lower bounds, not forecasts" in note.text for note in report.notes)
    assert any("h100-pcie" in note.text for note in report.notes)


SMALL: dict[str, Any] = {"d_model": 32, "heads": 2, "vocab_size": 64, "seq_len": 8}


def test_blocks_that_repeat_count_each_time_and_their_weights_too() -> None:
    def asked(**fields: Any) -> Report:
        return archscope.time("transformer", **SMALL, **fields, gpu="a100", dtype="fp16")

    one, many = (asked(depth=depth) for depth in (1, 50))
    block = bounds(one)["blocks.0"]

    assert bounds(many)["blocks.49"].bytes_moved == block.bytes_moved
    assert many.totals.bytes_moved - one.totals.bytes_moved == 49 * block.bytes_moved
    # norms 2 x 64, attention 4 x 32 x 32 + 4 x 32, MLP 2 x 32 x 128 + 160, two bytes each
    weights = 2 * (128 + 4 * 1024 + 128 + 2 * 4096 + 160)
    assert many.totals.fused_bytes - one.totals.fused_bytes == 49 * weights


def test_a_trillion_parameters_are_bounded_on_shapes() -> None:
    fields: dict[str, Any] = {"depth": 128, "d_model": 25_600, "heads": 160, "seq_len": 2048}
    report = archscope.time("transformer", **fields, gpu="b200", dtype="bf16")

    # MACs at 2.25 PFLOP/s, two FLOPs each: hardly anything is bound by memory
    assert report.totals.bound_s == pytest.approx(2 * report.totals.macs / 2.25e15, rel=0.05)
    assert report.totals.bound_s >= report.totals.fused_s


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"gpu": "h10"}, "Did you mean 'h100'"),
        ({"gpu": "t4", "dtype": "bf16"}, "no cited peak in bf16; --dtype can be fp32, fp16"),
        ({"gpu": "h100", "dtype": "int3"}, "'int3' is not a number type"),
        ({"gpu": "h100", "step": "train"}, "--gpu runs nothing, so --pass"),
        ({"gpu": "h100", "device": "cpu"}, "--gpu runs nothing, so --device"),
    ],
)
def test_what_cannot_be_bounded_is_refused_before_anything_is_built(
    asked: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        archscope.time("transformer", d_model=10**6, **asked)
