"""Runs a command line as a user would, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from archscope.cli import main


class Result(NamedTuple):
    """What a command line ended with: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


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
