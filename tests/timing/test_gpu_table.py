"""The script that fills a table on a card runs, in small, on a CPU."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import archscope

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_table.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_writes_every_depth_and_the_dilations_with_name_and_date(tmp_path: Path) -> None:
    table = script()
    assert (table.DEPTHS, table.DILATIONS) == ((6, 12, 24, 48), (1, 2, 4))
    table.DEPTHS = (1, 2)
    target = tmp_path / "table.json"

    assert target == table.main(
        ["--device", "cpu", "--dtype", "fp32", "--small", "--output", str(target)]
    )
    found = json.loads(target.read_text(encoding="utf-8"))

    assert found["device"] == "CPU, 1 thread"
    assert len(found["date"]) == len("2026-01-31")
    assert "--small" in found["command"]
    depths = [report["config"].get("depth") for report in found["reports"]]
    assert depths[:4] == [1, 1, 2, 2]
    assert found["reports"][-1]["config"]["dilations"] == [1, 2, 4]
    forward, train = found["reports"][:2]
    forward, train = forward["sections"], train["sections"]
    assert [row["stage"] for row in forward["time.passes"]["rows"]] == ["forward"]
    assert train["time.passes"]["rows"][-1]["stage"] == "training step"
    assert any(row["path"] == "blocks.0.attn.qkv" for row in forward["time.layers"]["rows"])


def test_one_failure_loses_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    table, real, calls = script(), archscope.time, []

    def fails_once(*args: Any, **asked: Any) -> Any:
        calls.append(asked)
        if len(calls) == 2:
            raise RuntimeError("the card is gone")
        return real(*args, **asked)

    monkeypatch.setattr(table.archscope, "time", fails_once)
    table.DEPTHS = (1,)
    settings = {"device": "cpu", "warmup": 0, "runs": 1, "budget": 5.0}
    found = table.table(settings, small=True, command=())

    assert len(found["reports"]) == 3
    (failure,) = found["failures"]
    assert failure["error"] == "RuntimeError: the card is gone"
    assert "train" in failure["asked"]
