"""`archscope memory` and `archscope train`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import archscope as library

SMALL = ("--depth", "2", "--d-model", "16", "--heads", "2", "--seq-len", "8", "--vocab-size", "32")


def test_the_command_line_says_what_the_library_says(archscope: Callable[..., Any]) -> None:
    fields = {"depth": 2, "d_model": 16, "heads": 2, "seq_len": 8, "vocab_size": 32}
    here = library.train("transformer", freeze="blocks.0", **fields)

    run = archscope("train", *SMALL, "--freeze", "blocks.0", "-f", "json")

    assert (run.code, run.err) == (0, "")
    found = [row["own_backward"] for row in run.rows("train.modules")]
    assert found == [row.own_backward for row in here.section("train.modules").rows]


@pytest.mark.parametrize("command", ["train", "params"])
def test_what_is_frozen_may_be_given_at_once_or_apart(
    archscope: Callable[..., Any], command: str
) -> None:
    both = (("--freeze", "blocks.0,lm_head"), ("--freeze", "blocks.0", "--freeze", "lm_head"))
    runs = [archscope(command, *SMALL, *each, "--total", "-f", "json") for each in both]

    assert [run.code for run in runs] == [0, 0]
    first, second = (json.loads(run.out)["totals"] for run in runs)
    assert first == second
    assert first["frozen"] > 0


def test_a_title_says_how_it_is_trained(archscope: Callable[..., Any]) -> None:
    run = archscope("memory", *SMALL, "--recompute", "full", "--optimizer", "sgd", "--by", "parts")

    assert run.code == 0
    assert "sgd · recompute full" in run.out.splitlines()[0]
    assert "saved activations" in run.out


def test_help_begins_with_what_it_is_and_has_examples(archscope: Callable[..., Any]) -> None:
    run = archscope("memory", "--help")

    assert "archscope memory gpt2 --batch-size 8 --dtype bf16" in run.out


def test_a_step_of_ones_own_network_runs_for_real(
    archscope: Callable[..., Any], tmp_path: Path
) -> None:
    net = tmp_path / "net.py"
    net.write_text("from torch import nn\n\ndef make():\n    return nn.Linear(4, 4)\n")

    run = archscope("memory", f"{net}:make", "--input-shape", "2,4", "--check", "-f", "json")

    saved, *_ = run.rows("memory.check")
    assert (run.code, saved["measured"]) == (0, 2 * 4 * 4)  # the input alone


@pytest.mark.parametrize(
    ("command", "by", "needs"),
    [
        ("memory", "check", "--check"),
        ("memory", "closed", "--explain"),
        ("kv", "check", "--verify"),
        ("kv", "guesses", "--acceptance and --guesses"),
        ("plan", "largest", "--max"),
    ],
)
def test_rows_that_are_there_when_asked_for_say_what_asks_for_them(
    archscope: Callable[..., Any], command: str, by: str, needs: str
) -> None:
    run = archscope(command, *SMALL, "--by", by)

    assert (run.code, run.err) == (2, f"Error: --by {by} needs {needs}\n")


def test_a_setting_that_is_none_is_one_line(archscope: Callable[..., Any]) -> None:
    run = archscope("memory", *SMALL, "--lora", "r=8,targets=nobody")

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("Error: lora: targets=nobody names no module.")
    assert len(run.err.splitlines()) == 1


def test_an_answer_without_totals_has_no_flag_for_them(archscope: Callable[..., Any]) -> None:
    run = archscope("finetune", *SMALL, "--total")

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("Error: archscope finetune has no option --total")
