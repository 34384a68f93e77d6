"""Where results go when stdout is full, closed, or somebody who has gone; and `-o` for real."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archscope.cli._group import summaries
from tests.warm import Warm

Run = Callable[..., Any]
FAST = "rf --dilations 1,2"
"""A command that imports little."""


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `archscope` is this one."""
    line = line.replace("archscope", f"{sys.executable} -m archscope")
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True)


FULL, CLOSED = (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")


@pytest.mark.parametrize(
    ("where", "why", "command"),
    [
        (*nowhere, command)
        for nowhere in (FULL, CLOSED)
        for command in (FAST, "list", "list cnn -f json", "--help", "rf -h")
    ],
)
def test_stdout_that_takes_nothing_is_one_line(
    tmp_path: Path, command: str, where: str, why: str
) -> None:
    ended = shell(f"archscope {command} {where}", tmp_path)

    assert ended.returncode == 1
    assert ended.stderr == f"Error: stdout cannot be written: {why}\n"


def test_nor_is_it_more_where_torch_is_imported(warm: Warm) -> None:
    ended = warm.run("-m", "archscope", "env", stdout="/dev/full")

    assert ended.returncode == 1
    assert ended.stderr == "Error: stdout cannot be written: No space left on device\n"


@pytest.mark.parametrize("command", [FAST, "list", "--help"])
def test_a_reader_who_goes_ends_it_without_a_word(tmp_path: Path, command: str) -> None:
    ended = shell(f"archscope {command} | true; exit ${{PIPESTATUS[0]}}", tmp_path)

    assert ended.returncode in (0, 1)  # 0: all was written before the reader went
    assert ended.stderr == ""


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-"])
def test_notes_that_nobody_hears_change_nothing(tmp_path: Path, where: str) -> None:
    ended = shell(f"archscope {FAST} -o x.json {where}", tmp_path)

    assert ended.returncode == 0
    assert (tmp_path / "x.json").stat().st_size > 0


def test_a_file_is_written_where_stdout_is_closed(tmp_path: Path) -> None:
    ended = shell(f"archscope {FAST} -o x.json >&-", tmp_path)

    assert ended.returncode == 0
    assert (tmp_path / "x.json").read_text().startswith("{")


def test_an_error_is_told_where_stdout_is_closed(tmp_path: Path) -> None:
    ended = shell("archscope rf --dilations x >&-", tmp_path)

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1


def test_output_goes_through_a_pipe_of_a_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ended = shell(f"cat pipe > got.txt & archscope {FAST} -f json -o pipe && wait", tmp_path)

    size = (tmp_path / "got.txt").stat().st_size
    assert ended.stderr == f"wrote pipe, {size:,} bytes\n"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_output_is_added_to_what_stdout_holds(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("before\n")
    ended = shell(f"archscope {FAST} -q -f csv -o /dev/stdout >> log.txt", tmp_path)

    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert ended.returncode == 0
    assert lines[0] == "before"
    assert len(lines) == 4  # a heading and two layers


def test_output_goes_to_another_program(tmp_path: Path) -> None:
    ended = shell(f"archscope {FAST} -q -f csv -o >(cat > got.csv); sleep 0.2", tmp_path)

    assert ended.stderr == ""
    assert len((tmp_path / "got.csv").read_text().splitlines()) == 3


def test_a_page_to_a_full_device_is_one_line(warm: Warm) -> None:
    ended = warm.run(*shlex.split("-m archscope report cnn --depth 2 -q -o /dev/full"))

    assert ended.returncode == 1
    assert ended.stderr == "Error: '/dev/full' cannot be written: No space left on device\n"


ENDINGS = ".csv, .htm, .html, .json, .jsonl, .markdown, .md, .ndjson, .txt, .xml"


WRITERS = [
    command
    for command in ("rf suggest --target 9", *summaries())
    if command not in ("env", "list", "lock")  # these write no report to a file
]


@pytest.mark.parametrize("command", WRITERS)
def test_an_ending_of_no_format_is_refused(
    archscope: Callable[..., Any],
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, problem in {
        "x.PDF": f"'x.PDF': its suffix is not a known format; known are {ENDINGS}",
        "x" * 300 + ".json": "File name too long",
        "no/x.json": "directory 'no' does not exist",
        ".": "'.' is a directory",
    }.items():
        ended = archscope(*command.split(), *MODELS.get(command, ()), "-o", name)

        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert problem in ended.err
    assert os.listdir(tmp_path) == []


MODELS = {"compare": ("lenet5", "lenet5"), "search": ("cnn",), "sweep": ("cnn",), "rf": ("cnn",)}
"""What these ask for before they look at where the answer goes."""


@pytest.mark.parametrize("option", ["--store", "--show", "--parquet"])
def test_a_file_of_a_sweep_with_too_long_a_name_is_one_line(
    archscope: Callable[..., Any], option: str
) -> None:
    asked = () if option == "--show" else ("cnn", "--depth", "1,2")
    ended = archscope("sweep", *asked, option, "x" * 300)

    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "File name too long" in ended.err


def test_a_format_that_is_named_goes_into_any_file(
    archscope: Callable[..., Any], tmp_path: Path
) -> None:
    target = tmp_path / "numbers.dat"
    assert archscope("rf", "--dilations", "1,2", "-f", "csv", "-o", str(target)).code == 0
    assert len(target.read_text().splitlines()) == 3


def test_a_name_without_an_ending_is_a_table(archscope: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "numbers"
    assert archscope("rf", "--dilations", "1,2", "-o", str(target)).code == 0
    assert target.read_text().startswith("conv stack")


def test_colours_that_are_asked_for_go_into_a_pipe(
    archscope: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("rf", "--dilations", "1,2", "--color")
    always, never = (archscope(*asked, how).out for how in ("always", "never"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    forced = archscope(*asked, "auto").out

    assert forced == always
    assert always.startswith(f"\x1b[1m{never.partition(' ')[0]}")
    assert "\x1b" not in never
