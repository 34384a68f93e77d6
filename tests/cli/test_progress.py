"""What is being done is told on a terminal alone; a Ctrl-C keeps what is finished."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest

from archscope.cli import _progress
from archscope.progress import doing, silently
from archscope.saved import read


class Terminal(io.StringIO):
    """What stderr is where somebody looks."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return stderr as a terminal, on which all is told of at once."""
    stream = Terminal()
    monkeypatch.setattr(_progress, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setattr(_progress, "DELAY_S", 0.0)
    monkeypatch.setattr(_progress, "_EVERY_S", 0.002)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    return stream


def lines(stream: Terminal) -> list[str]:
    return stream.getvalue().split(_progress._CLEAR)


def test_it_is_drawn_until_something_is_said(terminal: Terminal) -> None:
    with _progress.shown(quiet=False):
        doing("counting \x1b[31m" + "x" * 100, done=0.5, left_s=3)
        sleep(0.05)
        _progress.hush()
        said = lines(terminal)
        sleep(0.02)
        assert lines(terminal) == said, "what is written now stays as it is"
        doing("more")
        sleep(0.05)

    assert "counting \\x1b[31mxxx" in said[1]
    assert all(len(line) <= 59 for line in said)
    assert "more · 0 s" in lines(terminal)[-2]
    assert lines(terminal)[-1] == "", "it leaves nothing behind"


def test_what_is_timed_is_not_disturbed(terminal: Terminal) -> None:
    with _progress.shown(quiet=False):
        doing("timing", done=0.25, left_s=3, still=True)
        sleep(0.05)
        said = lines(terminal)[1:]

    assert [line[2:] for line in said] == ["timing · 25% · 3 s left · 0 s"]


def test_many_of_a_kind_are_not_told_of_one_by_one(terminal: Terminal) -> None:
    with _progress.shown(quiet=False):
        doing("3 of 10 variants", still=True)
        with silently():
            doing("another", still=True)

    assert "another" not in terminal.getvalue()


@pytest.mark.parametrize("how", ["piped", "quiet", "dumb"])
def test_nothing_is_told_where_nobody_looks(
    how: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "piped":
        monkeypatch.setattr(Terminal, "isatty", lambda stream: False)
    elif how == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    with _progress.shown(quiet=how == "quiet"):
        doing("counting", still=True)

    assert terminal.getvalue() == ""


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("params cnn --depth 2 --total", "cnn: parameters and FLOPs"),
        ("sweep cnn --depth 1:2 --input-size 8", "1 of 2 variants · 50%"),
        ("search cnn --causal --depth 2:3 --channels 8 --kernel-size 2", "building variant 1 of"),
    ],
)
def test_each_command_tells_what_it_does(
    command: str,
    told: str,
    terminal: Terminal,
    archscope: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(_progress.Display, "__call__", lambda self, step: drawn.append(step))
    monkeypatch.setattr(_progress, "_EVERY_S", 10.0)
    archscope(*command.split())

    assert any(told in _progress._text(step) for step in drawn), drawn  # type: ignore[arg-type]


def interrupt(*args: Any, **options: Any) -> Any:
    raise KeyboardInterrupt


def test_an_interrupted_report_holds_what_was_told_until_then(
    archscope: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archscope.library._report.see_network", interrupt)
    target = tmp_path / "cnn.json"
    ended = archscope("report", "cnn", "--depth", "2", "-o", str(target))
    kept = read(target)

    assert ended.code == 130
    assert kept.totals.trainable == 64 * 3 * 9 + 64 + 64 * 64 * 9 + 64
    assert "rf: interrupted; this analysis and the following ones are missing" in [
        note.text for note in kept.notes
    ]


def test_an_interrupted_search_shows_what_it_found(
    archscope: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archscope.library._search._looked_at", interrupt)
    ended = archscope("search", "cnn", "--depth", "2:3", "--channels", "8", "--top", "1")

    assert ended.code == 130
    assert "params" in ended.out.lower()
    assert ended.err.endswith("Interrupted.\n")
