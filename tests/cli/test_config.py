"""Defaults from a file and the environment: found, obeyed, and refused where they say nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[params]\ndpeth = 24\n", "line 2: [params] has no option 'dpeth'. Did you mean 'depth'?"),
        ("[rf]\ndepth = 3\n\n[params]\ndpeth = 1\n", "line 5: [params] has no option 'dpeth'."),
        ("[params]\ndepth = 2\n[parms]\n", "line 3: no command is called 'parms'. Did you mean 'p"),
        ("params = 1\n", "line 1: params is 1, not a table; write [params]"),
        (
            "[[params]]\ndepth = 2\n",
            "line 1: params is [{'depth': 2}], not a table; write [params]",
        ),
        ("strict = 0\n", "line 1: no command is called 'strict'."),
        ("[params\n", "is not TOML: "),
        ("[params]\ninputs = 0\n", "--inputs is for a network of your own"),
        ("[params]\ndepth = 0\n", "--depth' (from the configuration file): 0 is not in the range"),
    ],
)
def test_what_a_file_says_wrongly_is_one_line(archscope: Any, text: str, said: str) -> None:
    Path("archscope.toml").write_text(text)

    found = archscope("params")

    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
    assert said in found.err


def test_what_check_is_given_may_be_no_table(archscope: Any) -> None:
    Path("given.toml").write_text('[[check]]\nmodel = "resnet50"\n')

    found = archscope("check", "-c", "given.toml")

    assert found.code == 2
    assert found.err.startswith(
        "Error: given.toml, line 1: check is [{'model': 'resnet50'}], not a ta"
    )


def test_a_key_is_a_flag_without_its_dashes(archscope: Any) -> None:
    Path("archscope.toml").write_text(
        '[params]\nformat = "json"\ndepth = 2\nd-model = 24\nno_flops = true\n'
    )
    found = json.loads(archscope("params").out)

    assert (found["config"]["depth"], found["config"]["d_model"]) == (2, 24)
    assert found["totals"]["macs"] is None


def test_a_network_that_is_described_elsewhere_is_answered(
    archscope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("archscope.toml").write_text("[rf]\ndilations = [1, 2]\n")
    assert "dilations 1,2\n" in archscope("rf").out
    Path("archscope.toml").write_text("[rf]\ntop = 3\n")
    monkeypatch.setenv("DILATIONS", "1,2")  # it is no variable of ours
    assert archscope("rf").code == 2
    monkeypatch.setenv("ARCHSCOPE_RF_DILATIONS", "2,4")
    assert "dilations 2,4\n" in archscope("rf").out


def test_what_may_be_given_several_times_is_a_list_or_one(archscope: Any) -> None:
    Path("archscope.toml").write_text('[rf]\nassert = ["rf >= 3", "rf >= 99"]\n')
    assert archscope("rf", "--dilations", "1").code == 3
    Path("archscope.toml").write_text('[rf]\nassert = "rf >= 3"\n')
    assert archscope("rf", "--dilations", "1").code == 0


def test_the_nearest_file_upwards_counts(archscope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pyproject.toml").write_text("[tool.archscope.params]\ndepth = 2\n")
    inner = Path("a/b")
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text('[project]\nname = "mine"\n')  # says nothing of ours
    monkeypatch.chdir(inner)
    assert "depth 2" in archscope("params", "--total").out
    Path("archscope.toml").write_text("[params]\ndepth = 3\n")
    assert "depth 3" in archscope("params", "--total").out


def test_a_variable_is_called_like_its_flag(
    archscope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHSCOPE_ENV_FORMAT", "json")
    assert archscope("env").out.startswith("{")
    monkeypatch.setenv("ARCHSCOPE_ENV_FORMAT", "xml")
    assert "'--format' (from ARCHSCOPE_ENV_FORMAT): 'xml' is not" in archscope("env").err


def test_a_file_is_named_in_the_error_of_its_option(archscope: Any, tmp_path: Path) -> None:
    settings = tmp_path / "some.toml"
    settings.write_text('[params]\ntop = "abc"\n')

    said = archscope("--config", settings, "params").err

    assert "'--top' (from the configuration file): 'abc' is not a valid integer" in said


def test_a_variable_is_named_in_its_error(archscope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSCOPE_PARAMS_DEPTH", "abc")

    assert "'--depth' (from ARCHSCOPE_PARAMS_DEPTH): 'abc' is not an" in archscope("params").err
