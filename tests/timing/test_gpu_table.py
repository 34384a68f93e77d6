"""The script that fills tables on a card runs, in small, on a CPU."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import archscope
from archscope.saved import read

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_table.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_question_is_a_report_that_is_read_back(tmp_path: Path) -> None:
    table = script()
    assert (table.DEPTHS, table.DILATIONS) == ((6, 12, 24, 48), (1, 2, 4))
    table.DEPTHS, table.BATCHES = (1,), (1, 2)
    arguments = ["--device", "cpu", "--dtype", "fp32", "--small", "--output", str(tmp_path)]

    assert table.main(arguments) == tmp_path
    found = {path.stem: read(path) for path in tmp_path.glob("*.json")}

    assert set(found) == {
        *("transformer-1", "transformer-1-train", "decode", "batches", "cnn", "dilations"),
    }
    assert found["transformer-1"].config["depth"] == 1
    paths = [row.path for row in found["transformer-1"].section("layers").rows]
    assert "blocks.0.attn.qkv" in paths
    assert found["transformer-1-train"].section("passes").rows[-1].stage == "training step"
    dilated = found["dilations"].section("ratios").rows
    assert len({row.macs for row in dilated}) == 1, "they differ in nothing else"
    assert [row.network.split(",")[0] for row in dilated][2] == "cnn:dilations=4/4/4"
    told = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "# Times on CPU, 1 thread" in told
    assert "--small" in told


def test_one_failure_loses_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    table, calls = script(), []

    def fails_once(*args: Any, **asked: Any) -> str:
        calls.append(asked)
        if len(calls) == 2:
            raise RuntimeError("the card is gone")
        return "a report"

    monkeypatch.setattr(table.archscope, "time", fails_once)
    monkeypatch.setattr(table.archscope, "time_together", fails_once)
    found = {name: (report, said) for name, report, said in table.measure({}, small=True)}

    assert found.pop("transformer-6-train") == (None, "RuntimeError: the card is gone")
    assert len(found) == 11
    assert set(found.values()) == {("a report", "")}
    assert archscope.time is fails_once
