"""The README's commands run, its tables are what the program prints, its code works."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from archscope.cli import main
from archscope.studies.check.reading import read_budgets
from archscope.studies.check.source import Source

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
    """Return the commands whose answers the README does not show; those that it does run below."""
    found = re.findall(r"^\$ archscope (.*)$", TEXT, re.M)
    shown = {table["typed"] for table in TABLE.finditer(TEXT)}
    return sorted({line.partition(" #")[0].strip() for line in found} - shown)


@pytest.mark.parametrize("typed", commands())
def test_a_command_of_the_readme_runs(typed: str, run: Run) -> None:
    hurried = re.sub(r"--budget \d+", "--budget 0.05", typed)  # how long it may take is no matter
    # Nor is how deep that of a page is; test_gallery.py makes a report of each depth.
    hurried = re.sub(r"^report --depth \d+", "report --depth 2", hurried)

    assert run(hurried) or " -o " in typed


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


def test_the_answers_at_the_head_of_the_readme_are_what_is_printed(run: Run) -> None:
    block = re.findall(r"```console\n(.*?)```", TEXT, re.S)[0]
    for line in block.splitlines():
        command, _, told = line.removeprefix("$ archscope ").partition(" # ")
        printed = run(command)
        for number in re.findall(r"\d[\d,.]*\d|\d{2,}", told):
            assert number in printed.replace("/169", " of 169"), line


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_block_is_run_or_read(name: str) -> None:
    text = README.with_name(name).read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", README.with_name("Makefile").read_text("utf-8"), re.M)
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        lines = block.splitlines()
        if kind == "console":  # above each of `archscope` runs
            typed = [line.split() for line in lines]
            assert all(w[:2] == ["$", "archscope"] or w[1:2] == ["make"] for w in typed), lines
            assert {words[2] for words in typed if words[1] == "make"} <= {*targets}
        elif kind == "text":
            assert f"-->\n```text\n{block}" in text, "a table is made again by its command"
        elif kind == "toml":
            budgets = read_budgets(tomllib.loads(block)["budget"], Source(name=name, text=block))
            assert len(budgets) == block.count("[[budget]]")
        else:  # tests/cli/test_completion.py runs the line for bash
            assert kind == "python" or lines[0].startswith("eval "), kind


def test_the_demo_ends_with_a_line_to_type_and_a_page_to_open(run: Run) -> None:
    said = subprocess.run(
        ["make", "-n", "demo"], cwd=README.parent, capture_output=True, text=True, check=True
    ).stdout
    page, line = re.findall(r'^echo "The (?:page to open|line to type): +(.*)"$', said, re.M)

    made = page.removeprefix(f"file://{README.parent}/")
    assert f"-o {made}" in said
    activated, command = line.split(" && archscope ")
    assert activated == ". .venv/bin/activate"
    assert run(command)


def test_the_code_of_the_readme_works(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.S)

    assert blocks
    for block in blocks:
        exec(block, {})
    assert "Conv2d" in capsys.readouterr().out
