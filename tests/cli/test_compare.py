"""`archscope compare`: networks and files, flags that all share, limits, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
GOLDEN = Path(__file__).parents[1] / "golden"
SAVED = [
    str(Path(__file__).parents[2] / "reports" / name) for name in ("gpt2-12.json", "gpt2-24.json")
]
SMALL = ("--d-model", "32", "--heads", "2", "--seq-len", "16", "--vocab-size", "64")
DEPTHS = ("transformer:depth=2", "transformer:depth=4", *SMALL)
STUDENT, TEACHER = DEPTHS[:2]


@pytest.mark.parametrize("by", ["total", "module", "component"])
def test_golden(archscope: Run, by: str, request: pytest.FixtureRequest) -> None:
    done = archscope("compare", *DEPTHS, "--by", by)
    file = GOLDEN / f"compare-{by}.txt"
    if request.config.getoption("--overwrite"):
        file.write_text(done.out, encoding="utf-8")

    assert done.code == 0, done.err
    assert done.out == file.read_text(encoding="utf-8")


def test_saved_files_are_compared_without_building_anything(archscope: Run) -> None:
    done = archscope("compare", *SAVED, "--by", "module", "--only-changed", "-f", "csv")
    header, first, *rest = done.out.splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))

    assert (row["path"], row["copies_a"], row["copies_b"]) == ("blocks.0–23", "12", "24")
    assert row["params_difference_b"] == str(12 * 7_087_872)
    assert len(rest) == 7, "its parts; embeddings, the last norm and the head are the same"


NETS = """from torch import nn


class Good(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3)
        self.b = nn.Conv2d(8, 8, 3)

    def forward(self, x):
        return self.b(self.a(x))


class Bad(Good):
    def __init__(self):
        super().__init__()
        self.c = nn.Linear(7, 3)

    def forward(self, x):
        return self.c(super().forward(x))
"""


def test_one_whose_forward_fails_stands_beside_the_others(
    archscope: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nets.py").write_text(NETS)
    nets = ("./nets.py:Good", "./nets.py:Bad", "./nets.py:Good", "--input-shape", "1,3,16,16")
    done = archscope("compare", *nets, "--rf", "--fail-on", "params:+0", "-f", "json")
    rows = {row["measure"]: row for row in done.rows("compare.totals")}

    assert done.code == 1
    assert done.err.startswith("Error: Bad · ./nets.py: forward failed in c (Linear) with input")
    assert rows["params"]["value"] == [808, 832, 808]  # 3*8*9 + 8 and 8*8*9 + 8, with 7*3 + 3
    # 8*3*9 at 14*14 places and 8*8*9 at 12*12
    assert rows["macs"]["value"] == [125_280] * 3
    assert rows["macs"]["bound"] == ["exact", "at least", "exact"]
    modules = {row["path"]: row["change"] for row in done.rows("compare.modules")}
    assert modules == {"a": ["same", "same"], "b": ["same", "same"], "c": ["added", ""]}


def test_two_whose_forward_fails_are_one_line(
    archscope: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nets.py").write_text(NETS)
    nets = ("torch.nn:Linear(9, 2)", "./nets.py:Good", "./nets.py:Bad")
    done = archscope("compare", *nets, "--input-shape", "1,4,9,9")

    assert done.code == 1
    assert "\\x0a" not in done.err
    assert done.err.count("forward failed in a (Conv2d)") == 2
    (macs,) = [line for line in done.out.splitlines() if line.startswith("macs")]
    assert macs.split()[1:4] == ["648", "unknown", "unknown"]  # 36 rows of 9 x 2


def test_a_file_stands_beside_a_network(archscope: Run) -> None:
    done = archscope("compare", SAVED[0], "gpt2", "--no-rf", "-f", "json")
    rows = {row["measure"]: row for row in done.rows("compare.totals")}

    assert rows["params"]["difference"] == [0]
    assert json.loads(done.out)["config"] == {"networks": [SAVED[0], "gpt2"]}


@pytest.mark.parametrize("limit", ["params:+68%", "macs:+0", "back:-0"])
def test_a_limit_that_is_crossed_exits_3_behind_the_table(archscope: Run, limit: str) -> None:
    done = archscope("compare", *SAVED, "--fail-on", "weights:+70%", "--fail-on", limit)

    assert done.code == 3
    assert "Difference" in done.out
    (line,) = done.err.splitlines()
    assert line.startswith(f"Error: --fail-on {limit}: ")
    assert "--fail-on" not in done.out, "it is said once"
    alone = archscope("compare", *SAVED, "--fail-on", limit, "-f", "md").out
    assert f"--fail-on {limit}: " in alone, "a page that is read without stderr says it too"


def test_without_a_baseline_a_limit_is_a_note(archscope: Run, tmp_path: Path) -> None:
    missing = str(tmp_path / "base.json")
    done = archscope("compare", missing, SAVED[0], "--fail-on", "params:+0")

    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"no baseline: {missing} is not there")
    assert archscope("compare", missing, SAVED[0]).code == 2
    assert archscope("compare", SAVED[0], missing, "--fail-on", "params:+0").code == 2


def test_networks_of_ones_own_take_their_flags_and_families_theirs(
    archscope: Run, tmp_path: Path
) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n"
        "def make(width=8):\n"
        "    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU())\n"
    )
    done = archscope(
        "compare", f"{file}:make", f"{file}:make(width=16)", "cnn:depth=1",
        "--input-shape", "1,3,16,16", "--input-size", "16", "--channels", "8", "-f", "json",
    )  # fmt: skip
    rows = {row["measure"]: row for row in done.rows("compare.totals")}

    assert rows["params"]["value"] == [3 * 8 * 9 + 8, 3 * 16 * 9 + 16, 3 * 8 * 9 + 8]
    assert rows["macs"]["value"][0] == 14 * 14 * 8 * 27
    assert rows["macs"]["difference"] == [14 * 14 * 8 * 27, (16 * 16 - 14 * 14) * 8 * 27]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((SAVED[0],), "2 to 26 networks can be compared, not 1; name what it is compared with"),
        (("torch.nn:Linear(2, 2)",), "not 1"),  # before it is asked for inputs
        ((*SAVED, "--fail-on", "parms:+1%"), "'parms'. Did you mean 'params'? `archscope list mea"),
        (("gpt2", "gtp2-medium"), "Did you mean 'gpt2-medium'"),
        ((*SAVED, "--seq-len", "8"), "--seq-len"),
        (("gpt2", "gpt2-medium", "--sample-rate", "nan"), "sample rate 'nan': give positions"),
        ((*SAVED, "--sort", "params"), "--sort params is for parts of networks"),
        ((*SAVED, "--fail-on", "params"), "write e.g. params:+1%"),
        (("gpt2", "resnet18", "--seq-len", "8"), "--seq-len is not a field of resnet18"),
        (("gpt2", ""), "a MODEL is empty"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    archscope: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = archscope("compare", *arguments)

    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert said in line


def test_a_file_of_another_schema_is_refused(archscope: Run, tmp_path: Path) -> None:
    document = json.loads(Path(SAVED[0]).read_text(encoding="utf-8"))
    old = tmp_path / "old.json"
    old.write_text(json.dumps({**document, "schema": 3}), encoding="utf-8")
    done = archscope("compare", SAVED[0], str(old))

    assert done.code == 2
    assert "schema 3; this archscope reads 2. Upgrade archscope." in done.err


@pytest.mark.parametrize(
    "typed",
    [
        ("--teacher", "transformer:depth=2", "transformer:depth=1"),
        ("transformer:depth=1", "--teacher", "transformer:depth=2"),
        ("transformer:depth=2", "transformer:depth=1", "--teacher"),
    ],
)
def test_a_teacher_comes_first_wherever_it_is_typed(archscope: Run, typed: tuple[str, ...]) -> None:
    found = archscope("compare", *typed, *SMALL, "--by", "teaching", "-f", "json")

    rows = {row["measure"]: row for row in found.rows("compare.teaching")}
    assert rows["parameters"]["ratio"] > 1
    assert rows["distillation MACs"]["more"] > rows["distillation MACs"]["less"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ((STUDENT, TEACHER, "--by", "teaching"), "--by teaching needs --teacher"),
        ((STUDENT, "--teacher"), "2 to 26 networks can be compared, not 1"),
        ((STUDENT, "--teacher", "nobody"), "no family or preset is called 'nobody'"),
    ],
)
def test_a_teacher_that_is_not_there_is_one_line(
    archscope: Run, typed: tuple[str, ...], message: str
) -> None:
    found = archscope("compare", *typed)

    assert found.code == 2
    assert found.err.count("\n") == 1
    assert message in found.err


@pytest.mark.parametrize("networks", [2, 4, 6])
def test_any_number_of_one_network_fits_a_terminal(
    networks: int, archscope: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = archscope("compare", *["lenet5"] * networks, "--no-rf").out.splitlines()

    assert lines[0].startswith("lenet5 against lenet5 (2)")
    assert max(map(len, lines)) <= 80
