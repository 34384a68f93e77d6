"""The command under a page of times makes these times again, and not others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import archscope
from archscope.present.html.method import method
from archscope.results import Report

SMALL: dict[str, Any] = {"depth": 1, "channels": (4,), "input_size": 8}
QUICK: dict[str, Any] = {"device": "cpu", "warmup": 0, "runs": 1, "budget": 0.5}
TYPED = "--device cpu"


def command(report: Report) -> str:
    return method(report, 1).command.whole


@pytest.mark.parametrize(
    ("asked", "typed"),
    [
        ({}, ""),
        ({"dtype": "bf16"}, " --dtype bf16"),
        ({"step": "train", "channels_last": True}, " --channels-last --pass train"),
        ({"per_layer": True, "autocast": "bf16"}, " --autocast bf16"),
    ],
)
def test_of_a_pass(asked: dict[str, Any], typed: str) -> None:
    made = command(archscope.time("cnn", **SMALL, **QUICK, **asked))

    layers = "--per-layer " if asked.get("per_layer") else ""
    fields = "archscope time cnn --depth 1 --channels 4 --input-size 8"
    assert made.startswith(f"{fields} {layers}{TYPED}{typed}")
    assert made.endswith("--warmup 0 --runs 1 --budget 0.5")


def test_of_a_page_of_everything() -> None:
    report = archscope.report("cnn", **SMALL, time=True, **QUICK)

    assert command(report).endswith("--time --device cpu --warmup 0 --runs 1 --budget 0.5")


def test_of_a_bound() -> None:
    report = archscope.time("cnn", **SMALL, gpu="h100", dtype="bf16")

    assert command(report).endswith("--input-size 8 --gpu h100 --dtype bf16")


def test_of_what_cannot_be_told_there_is_none() -> None:
    batches = archscope.time("cnn", **SMALL, **QUICK, batch_size=(1, 2))
    report = archscope.time("cnn", **SMALL, **QUICK)
    odd = [
        replace(each, rows=(replace(each.rows[0], flag="--device cpu; rm -rf /"),))
        if each.name == "conditions"
        else each
        for each in report.sections
    ]
    older = [each for each in report.sections if each.name != "conditions"]

    assert command(batches) == ""
    assert command(replace(report, sections=tuple(odd))) == ""
    assert command(replace(report, sections=tuple(older))) == ""
