"""The README's commands run, its tables are what the program prints, its code works."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from archscope.cli import main

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
TABLE = re.compile(r"<!-- archscope (?P<typed>.*?) -->\n```text\n(?P<shown>.*?)```\n", re.S)
Run = Callable[[str], str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    shutil.copytree(README.with_name("examples"), tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    def typed(line: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(line, comments=True))
        captured = capsys.readouterr()
        assert ended.value.code == 0, captured.err
        return captured.out

    return typed


def commands() -> list[str]:
    found = re.findall(r"^\$ archscope (.*)$", TEXT, re.M)
    return sorted({line.partition(" #")[0].strip() for line in found})


@pytest.mark.parametrize("typed", commands())
def test_a_command_of_the_readme_runs(typed: str, run: Run) -> None:
    assert run(typed) or " -o " in typed


def test_the_tables_of_the_readme_are_what_is_printed(
    run: Run, request: pytest.FixtureRequest
) -> None:
    def printed(found: re.Match[str]) -> str:
        return f"<!-- archscope {found['typed']} -->\n```text\n{run(found['typed'])}```\n"

    fresh = TABLE.sub(printed, TEXT)
    if request.config.getoption("--overwrite"):
        README.write_text(fresh, encoding="utf-8")
    else:
        assert fresh == TEXT
    assert TABLE.search(TEXT), "the README shows at least one table"


def test_the_code_of_the_readme_works(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.S)

    assert blocks
    for block in blocks:
        exec(block, {})
    assert "Conv2d" in capsys.readouterr().out
