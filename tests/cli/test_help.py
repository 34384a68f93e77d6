"""Help: examples first, a page at most, all of it where all is asked for; lists fit a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click
import pytest

from archscope import specs
from archscope.cli._group import summaries
from archscope.cli._help import ExplainedCommand
from archscope.cli._help_page import LINES
from archscope.families import FAMILIES

Run = Callable[..., Any]
COMMANDS = ["", *summaries(), "rf suggest", "params gpt2", "rf cnn", "sweep deepseek", "time vit"]


@pytest.fixture
def narrow(archscope: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what runs a command line in a terminal of 80 columns, and gives its lines."""
    monkeypatch.setenv("COLUMNS", "80")

    def lines(*words: str) -> list[str]:
        found = archscope(*words)
        assert found.code == 0, found.err
        said: list[str] = found.out.splitlines()
        return said

    return lines


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_a_page_with_examples_first(command: str, narrow: Callable[..., list[str]]) -> None:
    lines = narrow(*command.split(), "--help")

    assert len(lines) <= LINES
    assert max(map(len, lines)) <= 80
    headings = [line.strip() for line in lines if re.fullmatch(r" *[A-Z][^,]*:", line)]
    if "Examples:" in headings and command:
        assert headings[0] == "Examples:"
    assert "Examples:" in headings or command == "env"


@pytest.mark.parametrize("command", ["params", "sweep", "rf", "memory", "compare gpt2 resnet18"])
def test_all_of_it_is_every_flag_with_its_text(
    command: str, narrow: Callable[..., list[str]]
) -> None:
    lines = narrow(*command.split(), "--help-all")
    first = [line.split()[0] for line in lines if line.startswith("  -")]
    of = ("resnet", "transformer") if " " in command else ("cnn", "transformer")
    flags = {flag.flag for name in of for flag in specs.flags(FAMILIES.get(name).spec)}
    if command == "rf":  # without MODEL it is a bare stack
        flags = {"--convs-per-block", "--pool-stride", "--dilations"}

    assert flags <= set(first)
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "return_dict=false; repeatable." in text
    assert {"--input-shape", "--wide", "-h,"} <= set(first)


def test_what_its_help_leaves_out_is_a_flag_all_the_same(archscope: Run) -> None:
    assert "--router-bias" not in archscope("params", "--help").out
    assert archscope("params", "--ffn", "moe:2/1", "--router-bias", "--total").code == 0
    wrong = archscope("params", "--router-bais")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert "--router-bias" in wrong.err


def test_a_network_that_is_named_shows_what_it_sets(narrow: Callable[..., list[str]]) -> None:
    text = " ".join(" ".join(narrow("params", "resnet50", "--help")).split())

    assert "resnet50 --block bottleneck --blocks 3,4,6,3 " in text
    assert "--kernel-size" not in text


def test_a_command_of_a_hundred_options_is_a_page() -> None:
    options = [click.Option([f"--word-{n}"], help="What it is. " * 20) for n in range(100)]
    epilog = "\b\nExamples:\n" + "  many --word-1 'a b' --word-2 c\n" * 30 + "\nA word. " * 200
    command = ExplainedCommand("many", params=list(options), epilog=epilog, help="Many.")
    context = click.Context(command, info_name="many", terminal_width=80)
    lines = command.get_help(context).splitlines()

    assert len(lines) <= LINES
    assert lines[0].startswith("Usage: many")
    assert any(line.startswith("  --word-0 TEXT") for line in lines)
    assert "--word-99" in lines[-1]


@pytest.mark.parametrize(
    "name",
    ["transformer", "cnn", "swin", "stack", "presets", "measures", "formulas", "sentence", ""],
)
def test_a_list_fits_the_terminal_and_names_every_field(
    name: str, narrow: Callable[..., list[str]]
) -> None:
    lines = narrow("list", *name.split())

    assert max(map(len, lines)) <= 80
    if name in FAMILIES.names():
        listed = [line.split()[0] for line in lines if line.startswith("  --")]
        assert listed == [flag.flag for flag in specs.flags(FAMILIES.get(name).spec)]


def test_a_list_says_what_a_field_may_be(archscope: Run) -> None:
    lines = {line.split()[0]: line for line in archscope("list", "transformer").out.splitlines()}

    assert lines["--depth"].split()[1:4] == ["12", "integer", "1..10000"]
    assert lines["--norm"].split()[1:3] == ["layernorm", "layernorm|rmsnorm"]
