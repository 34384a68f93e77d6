"""Names as people write them, and what is no name: one line, the nearest first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import archscope as package
from archscope.errors import ArchscopeError, UsageError
from archscope.loaders import spelt

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("Resnet50", "resnet50"),
        ("ResNet-50", "resnet50"),
        ("gpt-2", "gpt2"),
        ("GPT2:depth=3", "gpt2:depth=3"),
        ("CNN", "cnn"),
        ("BERT_base-uncased", "bert-base-uncased"),
        ("Transformer XL", "transformer-xl"),
        ("bert", "bert"),  # several begin so
        ("Resnet:build", "Resnet:build"),  # a function of a module
        ("", ""),
    ],
)
def test_a_name_is_found_whatever_its_case_and_hyphens(written: str, known: str) -> None:
    assert spelt(written) == known


def test_such_a_name_is_what_it_says(archscope: Run) -> None:
    exact = archscope("params", "resnet18", "--total", "-f", "json")
    found = archscope("params", "ResNet-18", "--total", "-f", "json")
    assert found.code == 0
    assert json.loads(found.out)["totals"] == json.loads(exact.out)["totals"]
    assert archscope("list", "ResNet-18").out.startswith("resnet18: a resnet")
    assert package.params("GPT-2", depth=2).totals == package.params("gpt2", depth=2).totals
    assert archscope("params", "Resnet-18", "--block", "bottleneck", "--total").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("params", "bert"), "no family or preset is called 'bert'. Did you mean 'bert-base-"),
        (
            ("params", "BERT_base"),
            "no family or preset is called 'BERT_base'. Did you mean 'bert-b",
        ),
        (("list", "LLAMA3"), "no family or preset is called 'LLAMA3'. Did you mean 'llama-3"),
        (("params", "Restnet_50"), "is called 'Restnet_50'. Did you mean 'resnet50'?"),
        (("params", "--D_Model", "64"), "No such option '--D_Model'. Did you mean '--d-model'?"),
        (("params", "--config", "x.toml"), "--config goes before the command"),
        (("params", "--tokens", "2T"), "no option --tokens; it belongs to plan and scaling"),
        (("rf", "--maximise", "rf"), "no option --maximise; it belongs to search"),
        (("list", "bert"), "no family or preset is called 'bert'. Did you mean 'bert-base-"),
        (("params", "x" * 300), f"no family or preset is called '{'x' * 59}…'"),
        (("params", f"{'x' * 300}.py:Net"), "cannot be read: File name too long"),
        (("params", f"hf:{'x' * 300}"), "cannot be read: File name too long"),
        (("report", f"{'x' * 300}.json"), "File name too long"),
        (("params", "folder"), "config.json names no model_type"),
        (("params", "folder/config.json"), "it is not a configuration of transformers"),
    ],
)
def test_what_is_no_name_is_one_line(
    archscope: Run,
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text("{}")
    ended = archscope(*arguments)

    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("rf", "llama-3.1-70b", "--unit=-1"),
        ("params", "llama-3.1-405b", "--teacher", "nobody"),
        ("report", "llama-3.1-70b", "nobody"),
        ("report", "llama-3.1-70b", "cnn", "-o", "two.json"),
    ],
)
def test_what_can_be_refused_before_a_network_is_built_is(
    archscope: Run, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "__init__", built.append)

    ended = archscope(*arguments)

    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert not built


def test_python_refuses_a_unit_at_once() -> None:
    with pytest.raises(UsageError, match="counted from 0"):
        package.receptive_field("llama-3.1-70b", unit=(-1,))


def nested(depth: int) -> nn.Module:
    model: nn.Module = nn.Linear(2, 2)
    for _ in range(depth - 1):
        model = nn.Sequential(model)
    return model


@pytest.mark.parametrize("verb", [package.params, package.receptive_field, package.report])
def test_modules_nested_deeper_than_python_calls_are_one_error(verb: Any) -> None:
    import torch

    with pytest.raises(ArchscopeError, match="are nested 3,000 deep"):
        verb(nested(3000), torch.zeros(1, 2))


def test_such_a_file_is_one_line(archscope: Run, tmp_path: Path) -> None:
    file = tmp_path / "deep.py"
    file.write_text(
        "from torch import nn\n\n"
        "def make():\n"
        "    model = nn.Linear(2, 2)\n"
        "    for _ in range(2999):\n"
        "        model = nn.Sequential(model)\n"
        "    return model\n"
    )
    for command in ("params", "rf", "report", "time", "audit"):
        ended = archscope(command, f"{file}:make", "--input-shape", "1,2")
        assert ended.code == 1
        assert ended.err.count("\n") == 1
        assert "nested 3,000 deep" in ended.err


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
@pytest.mark.parametrize("before", [("params",), ("check", "-c"), ("params", "lenet", "-o")])
def test_what_no_shell_passes_is_one_line(
    archscope: Run, before: tuple[str, ...], text: str
) -> None:
    ended = archscope(*before, text)

    assert ended.code == 2
    assert (
        ended.err == f"Error: {text!r} contains characters that names cannot have; leave them out\n"
    )
