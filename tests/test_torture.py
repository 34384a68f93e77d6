"""A few of the command lines and altered files of `make torture`, and that it would notice."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commands
import files
import pytest
import running
from furnished import furnish
from running import Trial, outcomes

from archscope.cli import _main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with what command lines name, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    furnish(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("trials", "count"), [(commands.trials, 25), (files.trials, 40)])
def test_nothing_is_found(trials: Any, count: int, folder: Path) -> None:
    tried = list(trials(count, random.Random(5)))

    found = {(each.command, each.about): running.ran(each)["problems"] for each in tried}

    assert len(tried) == count
    assert {key: problems for key, problems in found.items() if problems} == {}


def fails(error: BaseException) -> Callable[[], None]:
    """Return what raises an error."""

    def failing() -> None:
        raise error

    return failing


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        (fails(ValueError("no such luck")), "unforeseen ValueError: no such luck"),
        (fails(SystemExit(7)), "exit code 7"),
        (fails(SystemExit(1)), "fails without a word"),
        (lambda: print("\x1b[31m"), "stdout has '\\x1b'"),
        (lambda: os.environ.update(TORTURED="1"), "the environment is changed"),
    ],
)
def test_it_would_notice(
    does: Callable[[], None], problem: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORTURED", "0")
    monkeypatch.setattr(_main.group, "main", lambda *args, **kwargs: does())

    assert problem in running.ran(Trial(command=("params",)))["problems"]


def test_a_process_that_dies_is_told_and_the_rest_goes_on(folder: Path) -> None:
    deadly = Trial(command=("list",), before=lambda: os._exit(3))
    fine = Trial(command=("list",))

    first, second = outcomes([deadly, fine], str(folder))

    assert first.problems == ("the process died",)
    assert (second.code, second.problems) == (0, ())
