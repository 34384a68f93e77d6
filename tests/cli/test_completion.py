"""What a shell is offered: names, fields, values; as bash asks for it, and as zsh does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Offer = Callable[..., list[str]]


@pytest.fixture
def offered(archscope: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Return what completes the last word of a line, as bash asks for it."""

    def complete(line: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        monkeypatch.setenv("_ARCHSCOPE_COMPLETE", f"{shell}_complete")
        found = archscope()
        assert found.err == ""
        said: list[str] = found.out.splitlines()
        return said

    return complete


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("archscope mem", "plain,memory"),  # an analysis without a command of its own
        ("archscope params bert-b", "plain,bert-base-uncased"),
        ("archscope params ResNet-1", "plain,resnet18"),
        ("archscope compare resnet50 swin_", "plain,swin_t"),
        ("archscope params tinybert-4L-312 --teacher bert-b", "plain,bert-base-uncased"),
        ("archscope rf sugg", "plain,suggest"),
        ("archscope params ./ne", "file,./ne"),
        ("archscope params my_net", "file,my_net"),
        ("archscope params -o numb", "file,numb"),
        ("archscope params --out", "plain,--output"),
        ("archscope params -f js", "plain,json"),
        ("archscope params resnet50 --blo", "plain,--block"),
        ("archscope params resnet50 --block b", "plain,basic"),
        ("archscope params gpt2 --mixer attention,d", "plain,attention,dilated-conv"),
        ("archscope params cnn:causal=yes,dil", "plain,cnn:causal=yes,dilations="),
        ("archscope params cnn:conv=depthwise-", "plain,cnn:conv=depthwise-separable"),
        ("archscope memory --optimizer ad", "plain,adamw"),
        ("archscope rf --assert cov", "plain,coverage"),
        ("archscope sweep cnn --pareto params,r", "plain,params,rf"),
        ("archscope sweep cnn --zip depth,chan", "plain,depth,channels"),
        ("archscope search cnn --minimise mac", "plain,macs"),
        ("archscope time gpt2 --gpu h2", "plain,h200"),
        ("archscope list mea", "plain,measures"),
        ("archscope list gpt2-x", "plain,gpt2-xl"),
        # What is wrong so far is no error while somebody types.
        ("archscope params nobody:dep=x --dept", "plain,--depth"),
    ],
)
def test_a_word_goes_on(line: str, first: str, offered: Offer) -> None:
    assert offered(line)[0] == first


def test_zsh_is_told_what_a_family_is(offered: Offer) -> None:
    kind, name, said, *_ = offered("archscope params wavene", "zsh")

    assert (kind, name) == ("plain", "wavenet")
    assert said.startswith("WaveNet: ")


def test_the_line_of_the_readme_does_it_in_bash(tmp_path: Path) -> None:
    text = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^eval .*bash_source.*$", text, re.M)
    program = tmp_path / "archscope"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m archscope "$@"\n')
    program.chmod(0o755)
    script = f"""
{line}
COMP_WORDS=(archscope params resnet50 --block b) COMP_CWORD=4
_archscope_completion archscope
printf '%s\\n' "${{COMPREPLY[@]}}"
complete -p archscope
"""
    ended = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
    )

    assert ended.stdout.splitlines()[:2] == ["basic", "bottleneck"], ended.stderr
    assert "_archscope_completion archscope" in ended.stdout
