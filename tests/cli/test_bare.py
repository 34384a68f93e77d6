"""Flags without MODEL: one word means the same for every command, and the title says what it is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

import archscope as library
from archscope import loaders, specs
from archscope.analyses import ANALYSES, Analysis
from archscope.assertions import read_claims
from archscope.cli._group import group, summaries
from archscope.cli._model import ModelCommand, text_of
from archscope.families import FAMILIES
from archscope.subject import Request

DEPTH = ("--depth", "4")
DILATIONS = ("--dilations", "1,2,4")
BOTH = ("--depth", "3", *DILATIONS)
SMALL = {DEPTH: ("--d-model", "24", "--seq-len", "16"), DILATIONS: (), BOTH: ()}
TITLES = {
    DEPTH: "decoder · pre-LN · depth 4",
    DILATIONS: "dilations 1,2,4",
    BOTH: "dilations 1,2,4",
}


@pytest.mark.parametrize("command", ["params", "rf", "time", "report"])
@pytest.mark.parametrize("flags", [DEPTH, DILATIONS, BOTH], ids=" ".join)
def test_a_bare_flag_means_the_same_for_every_command(
    archscope: Any, tmp_path: Path, command: str, flags: tuple[str, ...]
) -> None:
    more = {
        "time": ("--device", "cpu", "--runs", "1", "--warmup", "0"),
        "report": ("-o", str(tmp_path / "report.md"), "-q"),
    }.get(command, ())
    small = ("--input-size", "16") if flags is not DEPTH else SMALL[flags]

    found = archscope(command, *flags, *small, *more)

    assert found.code == 0, found.err
    said = (tmp_path / "report.md").read_text() if command == "report" else found.out
    title = next(line for line in said.splitlines() if line.strip())
    assert TITLES[flags] in title
    assert ("cnn" in title or "conv stack" in title) == (flags is not DEPTH)


def test_the_library_understands_the_same_words() -> None:
    assert library.params(depth=24).totals.trainable == 209_494_272
    assert library.params(dilations=(1, 2, 4)).totals.trainable == 75_648
    assert library.rf(depth=2, seq_len=16).totals.reached == 16
    assert library.rf(dilations=[1, 2, 4]).totals.receptive_field == (15, 15)
    assert library.rf(attention="window:5", depth=2).totals.reached == 9


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("params --window 5", "--window': 5 needs --attention window or dilated-window."),
        ("rf --window 5", "--window': 5 needs --attention window or dilated-window."),
        ("params cnn --d-model 4", "--d-model is not a field of cnn but of transformer, "),
        ("params resnet50 --window 4", "not a field of resnet50 but of transformer, longformer"),
        ("params --stride-in conv1", "--stride-in is a field of resnet; "),
        (
            "params gpt2 --stem-channels 4",
            "--stem-channels is a field of densenet, resnet, shufflenet and others, not of gpt2",
        ),
        ("rf --branches 6;12 --channels 3", "--channels is not a field of a bare stack but of cnn"),
    ],
)
def test_a_field_of_another_family_says_whose_it_is(archscope: Any, typed: str, said: str) -> None:
    found = archscope(*typed.split())

    assert (found.code, found.out) == (2, "")
    assert said in found.err


ADVISED = (
    "params --stem-channels 4",
    "params resnet50 --window 4",
    "params cnn --d-model 4",
    "rf --branches 6;12 --channels 3",
    "params cnn:dilations",
    "params stack:dilations=1/2",
    "list nonsense",
    "params nonsense",
    "params cnn --input-shape 1,3",
    "rf suggest --target 31 --prefix 1,x",
)
_COMMAND = re.compile(r"`?(?:archscope )((?:params|rf|list|env|time|report)[^;`]*)")
_NAMED = re.compile(r"e\.g\. ((?:cnn|transformer):\S+)")


@pytest.mark.parametrize("typed", ADVISED)
def test_what_an_error_advises_runs(archscope: Any, typed: str) -> None:
    said = archscope(*typed.split()).err
    filled = said.replace(" ...", " 4")
    advice = [text.split(" names")[0].strip().rstrip(".") for text in _COMMAND.findall(filled)]
    advice += [f"params {text} --total" for text in _NAMED.findall(said)]

    assert advice or "1,2,4" in said
    for command in advice:
        assert archscope(*command.split()).code == 0, command


AXES = ("sweep", "search")
"""Commands whose fields may have several values."""
SCHEDULES = ("doubling", "furthest", "hdc")
"""Words for dilations that `search` chooses among."""


def one_value(axis: str) -> str:
    """Return one of an axis' values: the last alternative, the first of a range or of a list."""
    value = axis.rpartition(";")[2].partition(":")[0]
    return value if "/" in value else value.partition(",")[0]


def _examples() -> list[str]:
    """Return the commands that help shows, but for those of a file that is not there."""
    found = []
    for name in summaries():
        command = group.get_command(click.Context(group), name)
        assert command is not None
        texts = [(text or "").replace("\\\n", "") for text in (command.epilog, command.help)]
        found += [line for text in texts for line in re.findall(r"^ *archscope (.*)$", text, re.M)]
    return sorted({line for line in found if "./" not in line and "|" not in line})


@pytest.mark.parametrize("analysis", [*ANALYSES.each()], ids=lambda analysis: analysis.name)
def test_the_claims_that_help_shows_are_understood(analysis: Analysis) -> None:
    read = read_claims(analysis.claims, analysis.claimable())

    assert len(read) == len(analysis.claims)


@pytest.mark.parametrize("example", _examples())
def test_an_example_of_the_help_is_understood(example: str) -> None:
    name, *words = shlex.split(example)
    above = group.make_context("archscope", [name, *words])
    command = group.get_command(above, name)
    assert command is not None

    context = command.make_context(name, words, parent=above)

    named = context.params.get("model") or context.params.get("models") or ""
    if not isinstance(command, ModelCommand) or (name == "rf" and not named):
        return
    known = {flag.name for family in FAMILIES.all().values() for flag in specs.flags(family.spec)}
    given = {
        field: one_value(text_of(value)) if name in (*AXES, "time") else text_of(value)
        for field, value in context.params.items()
        if field in known and value is not None and value not in SCHEDULES
    }
    for each in (named,) if isinstance(named, str) else named or ("",):
        if not each.endswith(".json"):
            assert loaders.load(each, Request(fields=given)).name
