"""`archscope plan`: a verdict with its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from archscope import plan

SMALL = ("--depth", "2", "--d-model", "32", "--heads", "4", "--seq-len", "16", "--vocab-size", "96")


def test_what_fits_ends_well(archscope: Callable[..., Any]) -> None:
    code, out, err = archscope("plan", *SMALL, "--card-memory", "1GiB")

    assert code == 0
    assert "Fits" in out
    assert "Error" not in err


def test_what_does_not_fit_ends_with_3_and_says_what_would_help(
    archscope: Callable[..., Any],
) -> None:
    code, out, err = archscope("plan", *SMALL, "--card-memory", "530kB", "--micro-batch", "2")

    assert code == 3
    assert "Does not fit" in out
    assert "Cheapest single change that makes it fit: --" in out
    assert err.splitlines()[-1].startswith("Error: does not fit: ")


@pytest.mark.parametrize("asked", ["gpu_memory <= 1kB", "train_days < 1"])
def test_a_claim_that_is_not_proven_ends_with_3(archscope: Callable[..., Any], asked: str) -> None:
    code, _, err = archscope("plan", *SMALL, "--assert", asked)

    assert code == 3
    assert asked in err


def test_an_error_speaks_in_flags(archscope: Callable[..., Any]) -> None:
    code, _, err = archscope("plan", *SMALL, "--tp", "3")

    assert code == 2
    assert "--tp" in err
    assert "does not divide" in err


@pytest.mark.parametrize("said", [("--memory", "40GiB"), ("--memory=40GiB",)])
def test_memory_is_a_cards_where_the_network_has_no_field_of_it(
    said: tuple[str, ...], archscope: Any
) -> None:
    other = archscope("plan", "gpt2", *said, "-f", "json")
    usual = archscope("plan", "gpt2", "--card-memory", "40GiB", "-f", "json")
    field = archscope("plan", "transformer-xl", "--memory", "40", "-f", "json")

    assert other.rows("plan.parts") == usual.rows("plan.parts")
    assert json.loads(other.out)["config"]["settings"] == {"card_memory": "40GiB"}
    assert json.loads(field.out)["config"]["memory"] == 40
    assert plan("gpt2", memory="40GiB").totals.limit == 40 * 2**30
