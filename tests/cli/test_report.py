"""`archscope report`: pages from networks and from saved results, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from archscope.cli import main
from tests.warm import Warm

SMALL = ["cnn", "--dilations", "2,2,2", "--channels", "4", "--input-size", "16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["report", *arguments])
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(code=ended.value.code, out=captured.out, err=captured.err)

    return command


def test_a_page_is_written_and_said(run: Run, tmp_path: Path) -> None:
    ended = run(*SMALL)

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines() == [
        "params ✓  flops ✓  rf ✓  time – (not asked for; --time)  train – (not asked for; --train)",
        "wrote report.html (1.9 MB, works offline)",
    ]
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_saved_results_give_the_same_page(run: Run, tmp_path: Path) -> None:
    assert run(*SMALL, "-o", "now.html", "-q") == Ended(code=0, out="", err="")
    assert run(*SMALL, "-o", "run.json", "-q").code == 0
    assert run("run.json", "-o", "later.html", "-q").code == 0

    assert (tmp_path / "now.html").read_bytes() == (tmp_path / "later.html").read_bytes()
    assert run("run.json", "-o", "-").out.encode() == (tmp_path / "now.html").read_bytes()


def test_several_stand_side_by_side(run: Run, tmp_path: Path) -> None:
    small = "channels=4,input_size=16"
    ended = run(
        f"cnn:dilations=2/2/2,{small}", f"cnn:dilations=1/2/3,{small}", "--title", "Two <b>"
    )

    assert ended.code == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>Two &lt;b&gt;</h1>" in page
    assert page.count('<table class="static" data-section="params.modules">') == 2


def test_what_is_left_out_is_said(run: Run, tmp_path: Path) -> None:
    ended = run(*SMALL, "--no-rf", "-o", "run.json")
    assert ended.err.rstrip().endswith("read back by archscope report)")
    assert (
        not run("run.json", "-o", "run.csv").err.rstrip().endswith("read back by archscope report)")
    )

    assert ended.err.startswith("params ✓  flops ✓  time –")
    sections = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["sections"]
    assert list(sections) == [
        *("params.modules", "params.components", "params.types"),
        *("params.operators", "params.depth"),
    ]


def test_a_time_is_taken_where_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    ended = run("cnn", "--depth", "1", "--channels", "4", "--input-size", "8", "--time")

    assert "time ✓" in ended.err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Time of each pass" in page
    assert "which says nothing about a GPU" in page


def test_plotly_goes_beside_the_page(run: Run, tmp_path: Path) -> None:
    ended = run(*SMALL, "--assets", "directory", "-o", "page.html")
    assert "works offline with plotly.min.js beside it" in ended.err
    before = (tmp_path / "plotly.min.js").stat().st_mtime_ns

    assert run(*SMALL, "--assets", "directory", "-o", "other.html").code == 0
    assert (tmp_path / "plotly.min.js").stat().st_mtime_ns == before
    assert "needs the network" in run(*SMALL, "--assets", "cdn").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "/no/such/x.html"], "directory '/no/such' does not exist"),
        (["-o", "."], "'.' is a directory; give a file"),
        (["-o", "-", "--assets", "directory"], "--assets directory needs a file"),
        (["-o", "-", "--open"], "--open needs a file"),
        (["none.json"], "'none.json' cannot be read: No such file or directory"),
        (["old.json"], "old.json: schema 3; this archscope reads 2. Upgrade archscope."),
        (["bad.json"], "bad.json: not JSON"),
        (["other.json"], "other.json: not a result of archscope"),
        (["old.json", "--depth", "3"], "--depth cannot change old.json: it holds a finished"),
        (["cnn:depth=1", "cnn:depth=2", "-o", "two.json"], "two.json holds one report"),
        (["cnn:depth=1,channels=1", "--gpu", "h10o"], "Did you mean 'h100'?"),
        (["transfomer"], "Did you mean 'transformer'?"),
    ],
)
def test_errors_are_one_line(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "old.json").write_text('{"tool": "archscope", "schema": 3}')
    (tmp_path / "bad.json").write_text("[")
    (tmp_path / "other.json").write_text("{}")
    ended = run(*arguments)

    assert ended.code == 2
    last = ended.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert said in last
    assert sorted(os.listdir(tmp_path)) == ["bad.json", "old.json", "other.json"]


def test_a_file_that_cannot_be_written_stays_as_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("old")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    ended = run(*SMALL, "-q")

    assert ended.code == 1
    assert ended.err == (
        "Error: 'report.html' cannot be written: No space left on device; it is as it was\n"
    )
    assert (tmp_path / "report.html").read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line(warm: Warm) -> None:
    done = warm.run("-m", "archscope", "report", *SMALL, "-o", "-", stdout="/dev/full")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_saved_report_needs_no_torch(run: Run, tmp_path: Path) -> None:
    assert run(*SMALL, "-o", "run.json", "-q").code == 0
    code = (
        "import sys\n"
        "from archscope.cli import main\n"
        "try:\n    main(['report', 'run.json', '-q'])\nexcept SystemExit as ended:\n"
        "    assert not ended.code\n"
        "print(*[name for name in ('torch', 'fvcore', 'pandas', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


def test_the_counted_part_is_shown_where_a_forward_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.first = torch.nn.Linear(4, 8)\n"
        "        self.second = torch.nn.Linear(4, 8)\n"
        "    def forward(self, x):\n"
        "        return self.second(self.first(x))\n"
    )
    ended = run("./net.py:Net", "--input-shape", "1,4")

    assert ended.code == 1
    assert "forward failed in second (Linear)" in ended.err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "second" in page


@pytest.mark.parametrize(
    "typed",
    [
        "transformer --depth 2 --d-model 24 --seq-len 8 --attention window:5/full_every=2",
        "cnn --kernel-size 3x5,1x2 --input-size 8x9 --no-bias",
        "'conv 4 k3; pool 2; 2x(conv 4 d1,2 res)' --input-size 8",
        "gpt2 --depth 1 --seq-len 8 --no-tied",
    ],
)
def test_the_command_on_a_page_makes_the_same_again(archscope: Any, typed: str) -> None:
    page = archscope("params", *shlex.split(typed), "-f", "html").out
    said = re.search(r"To reproduce: <code>archscope (params [^<]*)</code>", page)
    assert said

    again = json.loads(archscope(*shlex.split(unescape(said[1])), "-f", "json").out)
    first = json.loads(archscope("params", *shlex.split(typed), "-f", "json").out)

    assert (again["config"], again["title"]) == (first["config"], first["title"])
