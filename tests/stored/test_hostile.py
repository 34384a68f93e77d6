"""A sample of `python benchmarks/hostile_files.py`: damaged files are answered or refused."""

from __future__ import annotations

import random
import sys
from collections import Counter
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "hostile_files.py"


@pytest.fixture(scope="module")
def hostile() -> ModuleType:
    spec = util.spec_from_file_location("hostile_files", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("form", ["safetensors", "index", "pt", "gguf"])
def test_damaged_files_bring_no_traceback(
    hostile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "addaudithook", lambda hook: None)  # a hook is for good
    draw, watch = random.Random(5), hostile.Watch()
    path = hostile.FORMS[form][0](tmp_path)
    found = Counter[str]()
    for _ in range(40):
        target = path.with_name(f"damaged{''.join(path.suffixes)}")
        target.write_bytes(hostile.damaged(form, path.read_bytes(), draw))
        outcome, said = hostile.outcome(target, watch)
        assert outcome in ("answered", "refused"), said
        found[outcome] += 1
    assert found["refused"] > 10, "files are damaged indeed"


def test_the_benchmark_would_notice(
    hostile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    watch = hostile.Watch.__new__(hostile.Watch)
    watch.on, watch.seen = False, []
    assert hostile.outcome(tmp_path / "none.pt", watch)[0] == "refused"
    monkeypatch.setattr(hostile.archscope, "params", lambda name: 1 / 0)
    assert hostile.outcome(tmp_path, watch)[0] == "traceback"
    (tmp_path / hostile.MARK).touch()
    assert hostile.outcome(tmp_path, watch)[0] == "execution"
    watch.on = True
    watch._hook("os.system", (b"true",))
    watch._hook("open", ("x", "w", hostile.os.O_WRONLY))
    watch._hook("open", ("x", "r", hostile.os.O_RDONLY))
    assert len(watch.seen) == 2
