"""Each claim of docs/textbooks.md: its commands print the lines and the figures that it states."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import archscope
from archscope.cli import main

TEXT = Path(__file__).parents[1].joinpath("docs", "textbooks.md").read_text(encoding="utf-8")
INTRODUCTION, *SECTIONS = re.split(r"^## ", TEXT, flags=re.M)
LEFT_OUT = "…"


def blocks(section: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", section, re.S)


def claims(section: str) -> list[tuple[str, list[str]]]:
    """Return each command of a section with the lines that are shown of what it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks(section, "console")).splitlines():
        if line.startswith("$ archscope "):
            found.append((line.removeprefix("$ archscope "), []))
        elif line != LEFT_OUT:
            found[-1][1].append(unaligned(line))
    return found


def unaligned(line: str) -> str:
    """Return a line of a table without what only sets its columns below others."""
    return " ".join(line.split())


def typed(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    # How long something takes is no figure of the page: that it can be asked is enough.
    words = shlex.split(command)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"] if words[0] == "time" else words)
    captured = capsys.readouterr()
    assert ended.value.code == 0, captured.err
    return captured.out + captured.err


@pytest.mark.parametrize("section", SECTIONS, ids=lambda text: text.partition("\n")[0])
def test_what_is_claimed_is_printed(
    section: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    everything = ""
    for command, shown in claims(section):
        printed = typed(command, capsys)
        lines = [unaligned(line) for line in printed.splitlines()]
        assert [line for line in lines if line in shown] == shown, command
        everything += printed
    for figure in re.findall(r"\*\*(.+?)\*\*", section):
        assert re.search(rf"(?<![\d,.]){re.escape(figure)}(?![\d,])", everything), figure


def test_the_code_of_the_page_holds() -> None:
    found = [block for section in SECTIONS for block in blocks(section, "python")]

    assert found
    for block in found:
        exec(block, {})


def test_mobilenet_v2_is_not_dilated() -> None:
    rows = archscope.rf("mobilenet_v2").section("rf.layers").rows

    assert {size for row in rows for size in row.dilation} == {1}
    assert sum(row.stride == (2, 2) for row in rows) == 5
