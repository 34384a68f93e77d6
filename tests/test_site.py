"""The documentation holds together, without building it; what its pages show is what is printed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.documents import follow

DOCS = Path(__file__).parents[1] / "docs"


def test_the_tutorial_works_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delitem(sys.modules, "net", raising=False)

    follow((DOCS / "tutorial.md").read_text("utf-8"), tmp_path, capsys)

    assert (tmp_path / "report.html").is_file()
