"""Runs a command line as a user would, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from archscope.cli import main


class Result(NamedTuple):
    """What a command line ended with: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def rows(self, address: str) -> list[dict[str, Any]]:
        """Return the rows of a section, where it was asked for as JSON."""
        found: list[dict[str, Any]] = json.loads(self.out)["sections"][address]["rows"]
        return found


@pytest.fixture
def archscope(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Return what runs `archscope ...` as if no terminal had said how wide it is."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run
