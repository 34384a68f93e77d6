"""`archscope rf` of networks of the user's own: the answer comes from the operators that run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import archscope as library

pytestmark = pytest.mark.usefixtures("few_sizes")

Run = Callable[..., Any]
NETWORK = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=2, dilation=2)
        self.second = nn.Conv2d(4, 4, 3, padding=2, dilation=2)

    def forward(self, x):
        return self.second(self.first(x))
"""


@pytest.fixture
def rf(archscope: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `archscope rf ./net.py:Net --input-shape 1,3,32,32 ...`."""
    (tmp_path / "net.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    return lambda *words: archscope("rf", "./net.py:Net", "--input-shape", "1,3,32,32", *words)


def test_a_row_for_each_module_that_looks_around(rf: Run) -> None:
    found = rf()

    assert found.code == 0
    # Two layers of kernel 3 and dilation 2: 1 + 2 * (2 + 2) = 9 positions, 5 of them reached.
    assert "second  Conv2d     3×3         2       1          5×5  9×9     1    25/81" in found.out
    assert "WARNING  Gridding" in found.out


def test_totals_have_a_number_for_each_axis(rf: Run) -> None:
    rows = [line.split() for line in rf("--total").out.splitlines()]
    assert ["Receptive", "field", "9×9"] in rows
    totals = json.loads(rf("--total", "-f", "json").out)["totals"]
    assert totals["receptive_field"] == [9, 9]
    assert totals["coverage"] == 25 / 81


def test_another_output_and_unit(rf: Run) -> None:
    assert "5×5" in rf("--of", "first").out
    rows = rf("--of", "first", "--unit", "0,7", "-f", "json").rows("rf.unit")
    # Unit 0 sees -2, 0, 2 of which two are there; unit 7 sees 5, 7 and 9.
    assert [(row["first"], row["last"], row["reached"]) for row in rows] == [(0, 2, 2), (5, 9, 3)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--of", "frist"),
            "no output or module that ran is called 'frist'. Did you mean 'first'?",
        ),
        (("--unit", "a,b"), "--unit 'a,b' is not a list of integers, e.g. 3,4"),
    ],
)
def test_what_cannot_be_is_one_line(rf: Run, words: tuple[str, ...], message: str) -> None:
    found = rf(*words)

    assert found.code == 2
    assert found.out == ""
    assert found.err == f"Error: {message}\n"


def test_a_missed_position_can_be_a_failure(rf: Run) -> None:
    assert rf("--strict").code == 3
    assert rf("--min-coverage", "30").code == 0
    assert rf("--min-coverage", "31").code == 3


def test_it_is_verified_by_running_it(rf: Run) -> None:
    assert "OK  verified: run with random weights" in rf("--verify").out


def test_the_effective_field_is_measured(rf: Run) -> None:
    found = rf("--erf", "2")

    assert found.code == 0
    assert "raw mass" in found.out
    assert "RepLKNet area" in found.out


NAMED = ("rf", "cnn", "--dilations", "1,2,4", "--input-size", "32")


def test_a_named_network_held_against_its_closed_form(archscope: Run) -> None:
    found = archscope(*NAMED, "--by", "module")

    assert found.code == 0
    assert "15×15" in found.out
    assert "INFO  the closed form and the operators that run agree in " in found.out
    # The old words and the new ones ask for the same.
    assert found.out == archscope(*NAMED, "--graph", "--by", "layer").out
    assert (
        archscope(*NAMED, "--by", "within").out == archscope(*NAMED, "--graph", "--by", "map").out
    )
    assert "agree in" not in archscope(*NAMED, "--by", "layer").out


@pytest.mark.usefixtures("wrong_tcn")
def test_a_wrong_outline_is_one_line_that_names_the_layer(archscope: Run) -> None:
    for flag in ("--graph", "--verify"):
        found = archscope("rf", "tcn", "--levels", "3", "--input-size", "99", flag)
        assert (found.code, found.out) == (1, "")
        # 1 + 2 * 6 of the first level, and 6 * 2 of the next; by the closed form 6 * 3.
        assert found.err == (
            "Error: the closed form and the network disagree: network.1.conv1 sees 31 by the "
            "closed form, 25 by the operators that run. No verdict; correct the family's outline, "
            "or report this\n"
        )
    assert archscope("rf", "tcn").code == 0, "alone, the outline is believed"


def test_the_library_takes_a_module_in_memory() -> None:
    model = nn.Sequential(nn.Conv1d(2, 3, 3, dilation=2), nn.ReLU(), nn.Conv1d(3, 1, 2))
    report = library.receptive_field(model, torch.zeros(1, 2, 40))

    assert report.totals.receptive_field == (6,)  # 1 + 2 * 2 + 1
    assert report.totals.reached == 6
    assert library.receptive_field(model, torch.zeros(1, 2, 40), output="0").totals.reached == 3
    with pytest.raises(library.ArchscopeError, match="only a module takes inputs"):
        library.receptive_field([1, 2], torch.zeros(1))
