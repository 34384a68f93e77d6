"""`archscope sweep`: axes as flags, what is shown of them, and where it is kept."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
STACK = ("sweep", "cnn", "--depth", "2:4", "--dilations", "1;1/2", "--measure", "rf")


def table(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


def test_every_combination_is_a_row(archscope: Run) -> None:
    done = archscope(*STACK, "-f", "csv")
    found = [(row["depth"], row["dilations"], row["rf"]) for row in table(done.out)]

    # 1 + 2·(1 + 1 + …), and 1 + 2·(1 + 2 + 1 + …)
    assert found == [
        *[("2", "1", "5x5"), ("2", "1,2", "7x7"), ("3", "1", "7x7"), ("3", "1,2", "9x9")],
        *[("4", "1", "9x9"), ("4", "1,2", "13x13")],
    ]
    assert (done.code, done.err) == (0, "")


def test_switches_are_axes_or_flags(archscope: Run) -> None:
    both = archscope("sweep", "--causal", "yes,no", "cnn", "--measure", "ahead", "-f", "csv")
    assert [(row["causal"], row["ahead"]) for row in table(both.out)] == [
        ("True", "0"),
        ("False", "3x3"),
    ]
    on = archscope("sweep", "--causal", "cnn", "--depth", "2,3", "--measure", "ahead", "-f", "csv")
    off = archscope(
        "sweep", "cnn", "--no-causal", "--depth", "2", "--measure", "ahead", "-f", "csv"
    )
    assert [row["ahead"] for row in table(on.out)] == ["0", "0"]
    assert table(off.out)[0]["model"] == "cnn --no-causal --depth 2"


def test_what_is_shown_of_them(archscope: Run) -> None:
    shown = archscope(*STACK, "--where", "rf >= 8", "--sort", "-rf", "--pareto", "rf,depth")
    lines = [line.split() for line in shown.out.splitlines() if line[:1].isdigit()]

    assert [line[2] for line in lines] == ["9×9", "9×9", "13×13"]
    assert [line[3] for line in lines] == ["yes", "–", "yes"]
    assert "rf >= 8: it holds of 3 of 6 variants, 3 are left out" in shown.out
    top = archscope(*STACK, "--sort", "rf", "--top", "1", "--group", "depth")
    assert top.out.splitlines()[3].split() == ["4", "2", "0", "9×9", "13×13"]


def test_they_are_grouped_by_a_field_that_is_no_axis(archscope: Run) -> None:
    shown = archscope("sweep", "cnn", "--depth", "3,4", "--channels", "4", "--input-size", "24",
                      "--group", "channels", "--measure", "params")  # fmt: skip

    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[3].split()[:3] == ["4", "2", "0"]


@pytest.mark.parametrize("flag", ["--limit", "--top"])
def test_more_than_there_ever_are_is_all(archscope: Run, flag: str) -> None:
    asked = ("sweep", "cnn", "--depth", "1,2", "--channels", "1", "--measure", "params")
    done = archscope(*asked, flag, "9" * 20, "-f", "csv")

    assert (done.code, len(table(done.out))) == (0, 2), done.err


def test_a_sweep_of_one_variant_says_how_there_are_more(archscope: Run) -> None:
    asked = ("sweep", "cnn", "--channels", "4,4", "--depth", "2", "--measure", "params")

    assert "no field has several values" in archscope(*asked).out
    assert "no field has several" not in archscope(*asked[:-3], "2,3", *asked[-2:]).out


def test_a_variant_that_cannot_be_is_a_row_that_says_why(archscope: Run) -> None:
    asked = ("sweep", "transformer", "--heads", "5,4", "--d-model", "64", "--measure", "rf")
    done = archscope(*asked, "-f", "csv")
    (first, second) = table(done.out)

    assert (first["status"], second["status"], second["rf"]) == ("failed", "done", "1024")
    assert first["reason"].startswith("invalid --heads: 5 does not divide --d-model 64.")
    assert (done.code, done.err) == (0, "1 variant of 2 failed\n")
    strict = archscope(*asked, "--strict", "-q")
    assert (strict.code, strict.err) == (3, "Error: --strict: 1 variant of 2 failed\n")


def test_a_sweep_of_which_nothing_can_be_measured_has_failed(archscope: Run) -> None:
    done = archscope("sweep", "examples/unet.py:UNet", "--model-arg", "wide=1,2", "-f", "csv")

    assert [row["status"] for row in table(done.out)] == ["failed", "failed"]
    assert (done.code, done.err) == (1, "Error: 2 variants of 2 failed\n")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--heads", "5,7"], "none of the 2 variants can be made: invalid --heads: 5 does"),
        (["--depth", "2", "--where", "rf >= 1s"], "rf in seconds needs --sample-rate"),
        (["--depth", "2", "--where", "widht > 1"], "there is no measure or field 'widht'"),
        (["--depth", "2", "--measure", "parms"], "Did you mean 'params'"),
        (["--depth", "2", "--measure", "train_days"], "which a sweep does not set; archscope plan"),
        (["--depth", "1:1000", "--d-model", "1:1001"], "1,001,000 variants are more"),
        (["--depth", "2", "--group", "width"], "there is no such field here"),
        (["--depth", "2", "--plot", "rf,depth"], "add -o FILE.html"),
        (["--depth", "2,3", "--zip", "depth,heads"], "8;16;32"),
        (["--dpeth", "2"], "--dpeth"),
        (["--memory-limit", "4 apples", "--depth", "2"], "memory limit"),
    ],
)  # fmt: skip
def test_what_is_refused_in_a_line(archscope: Run, flags: list[str], said: str) -> None:
    done = archscope("sweep", "transformer", *flags)

    assert said in done.err
    assert (done.code, done.err.count("\n"), done.out) == (2, 1, "")


def test_a_store_is_shown_and_gone_on_with(archscope: Run, tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    first = archscope(*STACK, "--store", store, "-f", "csv")
    shown = archscope("sweep", "--show", store, "-f", "csv")
    again = archscope("sweep", "cnn", "--depth", "2:5", "--dilations", "1;1/2", "--measure", "rf",
                      "--store", store, "-f", "csv")  # fmt: skip

    assert shown.out == first.out
    assert table(again.out)[:6] == table(first.out)
    assert len(table(again.out)) == 8
    last = archscope("sweep", "cnn", "--depth", "5,6", "--dilations", "1;1/2", "--measure", "rf",
                     "--store", store)  # fmt: skip
    assert ", 10 in the file" not in last.out
    assert "4 variants, 10 in the file\n" in archscope("sweep", "--show", store).out
    one = archscope("sweep", "--show", store, "--where", "depth == 5 and rf > 11x11")
    assert one.code == 2
    some = archscope("sweep", "--show", store, "--where", "depth == 5 and rf > 11", "-f", "csv")
    assert [row["rf"] for row in table(some.out)] == ["15x15"]
    for flags, said in (
        (["--where", "params < 3"], "params was not measured"),
        (["cnn"], "leave out all that would run"),
    ):
        done = archscope("sweep", "--show", store, *flags)
        assert (done.code, said in done.err) == (2, True)


def test_parquet_is_written_or_said_to_be_missing(archscope: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    done = archscope(*STACK, "--parquet", str(file), "-o", os.devnull, "-f", "csv")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        said = "Error: Parquet is written by the package pyarrow: pip install pyarrow\n"
        assert (done.code, done.err) == (2, said)
    else:
        import pandas

        assert list(pandas.read_parquet(file)["rf"][0]) == [5, 5]


def test_a_network_of_ones_own(archscope: Run, tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text(
        "from torch import nn\n\n\nclass Net(nn.Linear):\n"
        "    def __init__(self, width, bias=True):\n"
        "        super().__init__(width, width, bias)\n"
    )
    done = archscope("sweep", f"{net}:Net", "--model-arg", "width=2:4", "--model-arg", "bias=false",
                     "--measure", "params", "--where", "width > 2", "-f", "csv")  # fmt: skip

    assert [(row["width"], row["params"]) for row in table(done.out)] == [("3", "9"), ("4", "16")]
    assert table(done.out)[0]["model"].endswith(":Net --model-arg bias=false --model-arg width=3")
    fields = archscope("sweep", f"{net}:Net", "--depth", "2:3")
    assert "--depth is a field of a family" in fields.err
