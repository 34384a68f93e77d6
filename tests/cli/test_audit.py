"""`archscope audit` as a user types it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from archscope.cli import main
from tests.warm import Warm

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL = ("--depth", "2", "--d-model", "32", "--heads", "4", "--vocab-size", "50", "--seq-len", "8")


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def archscope(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.delenv("COLUMNS", raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else 0, captured.out, captured.err)

    yield run
    torch.set_num_threads(threads)


def test_a_family_side_by_side(archscope: Run) -> None:
    found = archscope("audit", *SMALL, "-f", "json")
    params = json.loads(archscope("params", *SMALL, "--total", "-f", "json").out)

    document = json.loads(found.out)
    assert found.code == 0
    assert found.err == ""
    ours, fvcore, counter, *others = json.loads(found.out)["sections"]["audit.tools"]["rows"]
    assert ours["params"] == params["totals"]["trainable"]
    assert ours["macs"] == params["totals"]["macs"] == document["totals"]["our_macs"]
    fused = 2 * 2 * 8 * 8 * 32  # two blocks; scores and values of 8 tokens, width 32
    norms = 5 * 5 * 8 * 32  # five norms, five for each element
    assert fvcore["macs"] == ours["macs"] - fused + norms
    assert counter["tool"] == "FlopCounterMode"
    assert {r["tool"] for r in others} == {"torchinfo", "thop", "ptflops", "calflops"}
    for other in others:
        if find_spec(other["tool"]) is None:
            assert other["state"] == f"not installed: pip install {other['tool']}"
            assert other["macs"] is None
        else:
            assert other["version"]
    amounts = [
        r["amount"]
        for r in document["sections"]["audit.differences"]["rows"]
        if r["tool"] == "fvcore"
    ]
    assert sorted(amounts) == [-fused, norms]


def test_the_table_says_why(archscope: Run) -> None:
    found = archscope("audit", *SMALL)

    lines = found.out.splitlines()
    assert any(line.startswith("archscope") and "100.0%" in line for line in lines)
    assert any("fvcore differs" in line for line in lines)
    assert any("fused attention is not counted" in line for line in lines)
    assert any("layer_norm is added as work (5 modules, the first" in line for line in lines)


def test_rows_by_difference(archscope: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(
        archscope("audit", *SMALL, "--by", "difference", "-f", "csv").out
    )))  # fmt: skip

    assert {"tool", "quantity", "amount", "reason", "explained"} <= set(rows[0])
    assert all(row["explained"] == "True" for row in rows if row["tool"] == "fvcore")


def test_a_file_of_the_users(archscope: Run) -> None:
    file = Path(__file__).parents[1] / "loaders" / "networks" / "tied_weights.py"

    found = archscope("audit", f"{file}:Language", "--input-shape", "1,7", "-f", "json")

    ours = json.loads(found.out)["sections"]["audit.tools"]["rows"][0]
    assert (ours["params"], ours["macs"]) == (100 * 8 + 64, 7 * (64 + 8 * 100))


def test_a_missing_input_is_asked_for(archscope: Run) -> None:
    file = Path(__file__).parents[1] / "loaders" / "networks" / "tied_weights.py"

    found = archscope("audit", str(file))

    assert found.code == 2
    assert found.err == (
        "Error: Language takes tokens; give --input-shape, e.g. --input-shape tokens:int64:1,128\n"
    )


def test_a_forward_that_raises_is_one_line(archscope: Run) -> None:
    file = Path(__file__).parents[1] / "loaders" / "networks" / "forward_raises.py"

    found = archscope("audit", f"{file}:Broken", "--input-shape", "1,3,8,8")

    assert found.code == 1
    assert found.err.startswith("Error: forward failed in decoder: KeyError:")


def test_torchs_own_counter_imports_no_compiler(warm: Warm) -> None:
    code = """if True:
        import sys
        from torch import nn, zeros
        from archscope.counting.others.torch import count
        from archscope.subject import Inputs
        assert count(nn.Linear(3, 2), Inputs(args=(zeros(4, 3),))).macs == 4 * 3 * 2
        assert "torch._dynamo" not in sys.modules
    """
    done = warm.run("-c", code)

    assert done.returncode == 0, done.stderr
