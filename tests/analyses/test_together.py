"""Networks timed in turns: what drifts cancels in their ratio, and its interval says how sure."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from archscope import time_together
from archscope.analyses.time.settings import Settings
from archscope.analyses.time.together import _sections
from archscope.errors import ArchscopeError, UsageError
from archscope.subject import Inputs, Subject
from archscope.timing.sampling import Samples
from archscope.timing.statistics import median_interval
from tests.analyses.test_time import measured

NAMES = ("a", "b")
SUBJECTS = {
    name: Subject(
        name=name, model=nn.Identity(), inputs=Inputs(args=(torch.ones(1),)), origin="memory"
    )
    for name in NAMES
}


def ratio(*turns: tuple[float, ...]) -> Any:
    samples = Samples(
        seconds=turns, warmup_runs=0, settled=True, budget_spent=False, interrupted=False
    )
    found = measured(
        samples=samples, device=torch.device("cpu"), card=None, settings=Settings(), stages=NAMES
    )
    return _sections(found, SUBJECTS, {"a": 10, "b": None})[0]


def test_drift_cancels_within_a_turn_and_between_turns() -> None:
    # A b b A of 1 s and 2 s on a machine that gets slower by a tenth of a second in each pass, and
    # by half from turn to turn.
    turns = [
        tuple(slower * (base + 0.1 * base * at) for at, base in enumerate((1.0, 2.0, 2.0, 1.0)))
        for slower in (1.5**number for number in range(8))
    ]
    first, second = ratio(*turns).rows

    assert first.ratio is None
    assert second.ratio == pytest.approx(2.0)
    assert (second.ratio_low, second.ratio_high) == (pytest.approx(2.0), pytest.approx(2.0))
    assert (first.samples, first.macs, second.flops_per_s) == (16, 10, None)


def test_turns_of_short_networks_are_told_by_how_many_make_a_sample() -> None:
    samples = Samples(
        seconds=((1.0, 2.0, 2.0, 1.0),) * 8, warmup_runs=0, settled=True, budget_spent=False,
        interrupted=False, runs_each=50,
    )  # fmt: skip
    found = measured(
        samples=samples, device=torch.device("cpu"), card=None, settings=Settings(), stages=NAMES
    )
    ratios, taken, _ = _sections(found, SUBJECTS, {"a": 10, "b": None})

    assert ratios.totals.turns == 8 * 50
    assert ratios.summary[0][0].startswith("400 turns, 50 to a sample, which is their mean, each")
    assert {row.runs_each for row in ratios.rows} == {row.runs for row in taken.rows} == {50}


def test_what_cannot_be_told_apart_is_said() -> None:
    turns = [(1.0, 1.0 + 0.01 * step, 1.0, 1.0) for step in range(-5, 6)]

    assert any("cannot be told apart" in note.text for note in ratio(*turns).notes)
    assert any("too few turns" in note.text for note in ratio(*turns[:3]).notes)


@pytest.mark.parametrize(
    ("samples", "below"),
    # P(fewer than so many of n lie below the median) <= 2.5%: 1/2^6 = 1.6%; of 10, 1.1%; of 100,
    # the normal approximation 50 - 1.96 * 5
    [(5, None), (6, 0), (10, 1), (100, 39)],
)
def test_the_interval_of_a_median(samples: int, below: int | None) -> None:
    found = median_interval([float(each) for each in range(samples)])

    assert found == (None if below is None else (below, samples - 1 - below))


def test_modules_and_names_are_timed_in_turns_and_stay_as_they_were() -> None:
    small, large = nn.Linear(4, 4).train(), nn.Linear(4, 8).train()
    quick = {"device": "cpu", "warmup": 1, "runs": 6, "budget": 5.0}

    report = time_together(small, large, args=(torch.ones(1, 4),), step="train", **quick)

    assert [row.network for row in report.section("ratios").rows] == ["Linear", "Linear (2)"]
    assert report.totals.stage == "training step"
    assert len(report.section("samples").rows) == 2 * 2 * 6
    assert small.training
    assert small.weight.grad is None


def test_one_network_alone_has_no_ratio() -> None:
    with pytest.raises(UsageError, match="give two or more"):
        time_together("cnn")
    with pytest.raises(UsageError, match="'per_layer' is not a setting of time"):
        time_together("cnn", "cnn", per_layer=True)


def test_networks_that_do_not_fit_beside_each_other() -> None:
    class Full(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not x.is_meta:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return x

    with pytest.raises(ArchscopeError, match="out of memory for 2 networks at once"):
        time_together(Full(), Full(), args=(torch.ones(1, 4),), device="cpu")
