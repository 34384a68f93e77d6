"""What is there for CI is what the command line takes, and its own budgets are kept."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from archscope.cli import main
from tests.documents import understood

ROOT = Path(__file__).parents[1]
CI = ROOT / "examples" / "ci"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION = yaml.safe_load((CI / "action.yml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((CI / "workflow.yml").read_text(encoding="utf-8"))


def asked(command: str) -> None:
    """Raise where the command line does not understand a command, its variables put in."""
    given = command.replace('"$CONFIG"', str(CI / "archscope.toml"))
    understood(re.sub(r"\$\{\w+:\+(.*?)\}|\$\w+", r"\1", given))


def commands(steps: list[dict[str, Any]]) -> list[str]:
    return [line for step in steps for line in step.get("run", "").splitlines() if line]


def test_hooks_are_commands() -> None:
    for hook in HOOKS:
        assert {"id", "name", "entry", "language"} <= hook.keys()
        assert hook["pass_filenames"] is False, "files are no arguments of these"
        assert re.search(hook["files"], "archscope.toml")
        asked(hook["entry"])


def test_steps_are_commands() -> None:
    ours = commands(ACTION["runs"]["steps"])
    theirs = commands(WORKFLOW["jobs"]["budgets"]["steps"])

    assert ACTION["runs"]["using"] == "composite"
    assert all(step["shell"] == "bash" for step in ACTION["runs"]["steps"])
    found = [line for line in (*ours, *theirs) if line.startswith("archscope ")]
    assert len(found) == 4
    for line in found:
        asked(line)


def test_no_input_is_pasted_into_a_script() -> None:
    for line in (
        *commands(ACTION["runs"]["steps"]),
        *commands(WORKFLOW["jobs"]["budgets"]["steps"]),
    ):
        assert "${{" not in line, "what a caller gives would be run"


def test_the_workflow_needs_no_rights() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("command", [["check"], ["lock", "--check"]])
def test_the_budgets_of_the_example_are_kept(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert len(tomllib.loads((CI / "archscope.toml").read_text())["budget"]) == 3
    with pytest.raises(SystemExit) as ended:
        main([*command, "-c", str(CI / "archscope.toml")])

    assert ended.value.code == 0, capsys.readouterr()
