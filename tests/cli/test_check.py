"""`check` and `lock`: budgets from a file, numbers in a file, and what CI shows of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from archscope.saved import read_text

ROOT = Path(__file__).parents[2]
NET = """from torch import nn


class Net(nn.Sequential):
    def __init__(self, width=4):
        super().__init__(nn.Conv1d(3, width, 3), nn.ReLU())
"""
BUDGETS = """[[budget]]
name = "wake"
model = "cnn"
spatial_dims = 1
input_size = 64
channels = 8
dilations = [1, 2, 4]
sample_rate = "1kHz"
max.params = 500
min.rf = "15ms"
assert = ["not causal"]

[[budget]]
model = "./net.py:Net"
inputs = "1,3,16"
model_arg.width = 5
max.params = 50
"""
# cnn: 3*8*3 + 8 and twice 8*8*3 + 8 parameters; 1 + 2*(1 + 2 + 4) = 15 positions at 1 kHz.
# net: 3*5*3 + 5 parameters.


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    Path("net.py").write_text(NET)
    Path("archscope.toml").write_text(BUDGETS)


def test_a_row_for_each_limit_with_what_is_left(archscope: Any) -> None:
    found = archscope("check")

    assert (found.code, found.err) == (0, "")
    lines = [line.split() for line in found.out.splitlines()]
    assert lines[3] == ["wake", "params", "480", "≤", "500", "+20", "+4.0%", "OK"]
    assert lines[4][:7] == ["wake", "rf", "15.0", "ms", "≥", "15.0", "ms"]
    assert lines[6] == ["./net.py:Net", "params", "50", "≤", "50", "0", "0.0%", "OK"]
    assert found.out.splitlines()[-2:] == ["4 limits: 4 held", "OK  every limit holds"]


def test_what_is_missed_is_said_on_stderr_with_exit_3(archscope: Any) -> None:
    Path("archscope.toml").write_text(BUDGETS.replace("500", "400"))

    found = archscope("check", "WAKE", "-f", "json")
    assert found.code == 3
    assert found.err == (
        "Error: wake: params is 480, and must be ≤ 400: 80 (20%) over; largest: blocks.1.conv "
        "41.7%, blocks.2.conv 41.7%, blocks.0.conv 16.7%\n"
    )
    row = found.rows("check.limits")[0]
    told = archscope("check", "WAKE")
    assert told.err == "Error: 3 limits: 2 held, 1 missed\n", "the table says the rest"
    assert f"WARNING  {found.err.removeprefix('Error: ')}" in told.out
    assert (row["actual"], row["limit"], row["room"], row["line"]) == (480, 400, -80, 9)
    assert read_text(found.out).totals.missed == 1


def test_networks_stand_beside_their_budgets(
    archscope: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)

    assert archscope("check", "./net.py:Net").code == 0
    assert archscope("lock", "-q").code == 0
    assert (tmp_path / "archscope.lock").is_file()
    assert Path.cwd() == inner
    assert archscope("check", "-c", str(tmp_path / "archscope.toml")).code == 0


def test_what_fails_is_a_row_and_all_others_are_checked(archscope: Any) -> None:
    text = BUDGETS.replace("./net.py:Net", "./gone.py:Net").replace("500", "400")
    text += '[[budget]]\nmodel = "./net.py:Net"\nmax = {params = 50, macs = 9}\nmin.rf = 3\n'
    Path("archscope.toml").write_text(text)

    found = archscope("check", "-f", "json")
    assert found.code == 1
    outcomes = [(row["measure"], row["outcome"]) for row in found.rows("check.limits")]
    assert outcomes[0] == ("params", "missed")
    assert outcomes[3:] == [("network", "failed"), ("params", "ok"), *[
        ("macs", "failed"), ("rf", "failed"),
    ]]  # fmt: skip
    assert "./gone.py:Net: it could not be checked: ./gone.py does not exist" in found.err
    assert "macs could not be checked: Net takes an input" in found.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "archscope.toml has no [[budget]]; write e.g.: [[budget]] model ="),
        ("[[budgets]]\n", "line 1: no command is called 'budgets'. Did you mean 'budget'?"),
        ('[[budget]]\nmodel = "resnet5O"\n', "line 2: no family or preset is called 'resnet5O'"),
        ('[[budget]]\nmodel = "cnn"\ndept = 3\n', "line 3: a budget has no key 'dept', nor has cn"),
        ('[[budget]]\nmodel = "cnn"\ndepth = 0\n', "line 3: depth: 0 is not in the range"),
        ('[[budget]]\nmodel = "cnn"\nparams.x = 1\n', "line 3: params has no setting 'x'"),
        ('[[budget]]\nmodel = "cnn"\nmethod = "f"\n', "line 3: --method is for a network of your"),
        ('[[budget]]\nmodel = "cnn"\nmax.params = "1MiB"\n', "line 3: max.params: '1MiB'"),
    ],
)
def test_a_broken_file_is_one_line_and_exit_2(archscope: Any, text: str, said: str) -> None:
    Path("archscope.toml").write_text(text)

    for command in ("check", "lock"):
        found = archscope(command)
        assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
        assert said in found.err


def test_a_file_that_is_named_has_its_defaults(archscope: Any) -> None:
    Path("sub").mkdir()
    Path("sub/a.toml").write_text(f'[check]\nformat = "csv"\nlock = "no.lock"\n{BUDGETS}')

    found = archscope("check", "-c", "sub/a.toml", "wake")
    assert (found.code, found.out.splitlines()[0][:12]) == (0, "budget,model")
    typed = archscope("check", "-c", "sub/a.toml", "wake", "-f", "md")
    assert typed.out.startswith("**check")
    Path("sub/a.toml").write_text(f'[check]\nformt = "csv"\n{BUDGETS}')
    wrong = archscope("check", "-c", "sub/a.toml")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err == (
        "Error: sub/a.toml, line 2: [check] has no option 'formt'. Did you mean 'format'?\n"
    )


def test_without_a_file_it_says_what_to_write(archscope: Any) -> None:
    Path("archscope.toml").unlink()

    found = archscope("check")
    assert found.code == 2
    assert "there is no archscope.toml" in found.err
    refused = archscope("check", "-c", "gone.toml")
    assert (refused.code, "'gone.toml' cannot be read" in refused.err) == (2, True)


def test_a_project_file_holds_budgets_and_other_commands_pass_them_by(archscope: Any) -> None:
    Path("archscope.toml").unlink()
    Path("pyproject.toml").write_text(BUDGETS.replace("[[budget", "[[tool.archscope.budget"))

    assert "pyproject.toml · 2 budgets" in archscope("check").out
    assert archscope("rf", "--dilations", "1", "--total").code == 0


def test_what_can_be_measured_is_listed(archscope: Any) -> None:
    listed = json.loads(archscope("list", "measures", "-f", "json").out)

    lines = archscope("list", "measures").out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == [
        e["name"] for e in listed
    ]
    assert {"params", "macs", "rf", "coverage", "latency"} <= {each["name"] for each in listed}
    assert all(each["help"] and each["dimensions"] for each in listed)


def test_every_format_tells_the_same(archscope: Any) -> None:
    Path("archscope.toml").write_text(BUDGETS.replace("500", "400"))

    report = read_text(archscope("check", "-f", "json").out)
    suites = ElementTree.fromstring(report.to("junit"))
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("4", "1", "0")
    case = suites.find("testsuite[@name='wake']/testcase[@name='params ≤ 400']")
    assert case is not None
    assert case[0].attrib["message"].startswith("Actual 480, Room -80, Of limit -20.0%; largest: ")
    assert "| wake | params | 480 | ≤ | 400 | -80 | -20.0% | FAIL |" in report.to("md")
    assert len(report.to("csv").splitlines()) == 5
    assert '<section id="check">' in report.to("html")


def test_a_job_has_a_summary_and_marks_lines(
    archscope: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = BUDGETS.replace("500", "400").replace('"wake"', '"50%: a,b"')
    Path("archscope.toml").write_text(text)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path.parent))

    found = archscope("check", "-f", "json")

    assert found.code == 3
    assert json.loads(found.out)["totals"]["missed"] == 1, "stdout holds the result alone"
    command, end = found.err.splitlines()
    where = f"file={tmp_path.name}/archscope.toml,line=9,title=50%25%3A a%2Cb"
    assert command.startswith(f"::error {where}::params is 480, and must be ≤ 400: 80 (20%25) over")
    assert end == "Error: 4 limits: 3 held, 1 missed"
    assert summary.read_text().startswith("before\n**check · archscope.toml · 2 budgets**\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert "summary" in archscope("check").err


def test_growth_is_over_the_lock_file(archscope: Any) -> None:
    grown = BUDGETS.replace("max.params = 50\n", 'max.params = 99\ngrow.params = "+1%"\n')
    Path("archscope.toml").write_text(grown)
    first = archscope("check")
    assert (first.code, "1 new" in first.out) == (0, True)
    assert "growth is not limited yet" in first.out

    assert archscope("lock").err == "wrote archscope.lock, 2 networks\n"
    assert archscope("lock", "-o", "-").out == Path("archscope.lock").read_text()
    assert archscope("check").code == 0
    assert archscope("lock", "--check").code == 0

    Path("archscope.toml").write_text(grown.replace("width = 5", "width = 6"))
    found = archscope("check", "-f", "json")
    assert found.code == 3
    # 1% over 50 is 50.5: whole parameters; 3*6*3 + 6 = 60
    assert "params is 60, was 50, and must be ≤ 50: 10 (20%) over" in found.err
    stale = archscope("lock", "--check")
    assert stale.code == 3
    assert "./net.py:Net: params 50 is now 60 (+20%)" in stale.err
    assert stale.err.splitlines()[-1].endswith("is stale; archscope lock writes it anew")

    Path("archscope.toml").write_text(grown.replace("1,3,16", "1,3,32"))
    other = archscope("check", "-f", "csv")
    assert other.code == 3
    assert "not comparable, because its input was 0: float32 1×3×16, and is 0: float32 1×3×32" in (
        other.err
    )


def test_a_lock_file_holds_numbers_alone(archscope: Any) -> None:
    archscope("lock")
    document = json.loads(Path("archscope.lock").read_text())

    # 14 outputs of 3*3 products for each of 5 channels; parameters are of four bytes
    assert document["budgets"]["./net.py:Net"] == {
        "convention": "fvcore",
        "inputs": ["0: float32 1×3×16"],
        "numbers": {"flops": 630, "macs": 630, "params": 50, "trainable": 50, "weights": 200},
    }
    numbers = document["budgets"]["wake"]["numbers"]
    assert (numbers["rf"], numbers["causal"]) == (15, False)
    assert document.keys() == {"archscope lock", "budgets"}


def test_a_lock_file_that_cannot_be_is_one_line(archscope: Any) -> None:
    missing = archscope("lock", "--check")
    assert (missing.code, missing.err) == (
        *(3, "Error: there is no archscope.lock; archscope lock writes it\n"),
    )
    assert archscope("lock", "--check", "-o", "-").code == 2
    for arguments in (["check", "--lock", "."], ["lock", "-o", "."]):
        found = archscope(*arguments)
        assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
    Path("archscope.toml").write_text(BUDGETS.replace("1,3,16", "1,7,16"))
    failed = archscope("lock")
    assert failed.code == 1
    assert "./net.py:Net: forward failed in 0" in failed.err
    assert not Path("archscope.lock").exists(), "half of it would be a wrong one"


def test_a_receptive_field_alone_needs_no_torch() -> None:
    text = BUDGETS.partition("[[budget]]\nmodel =")[0].replace("max.params = 500\n", "")
    Path("archscope.toml").write_text(text)
    code = (
        "import contextlib, sys; from archscope.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['check'])\n"
        "print(sorted({'torch', 'pandas', 'fvcore'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""
