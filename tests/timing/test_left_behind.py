"""Work that goes on after a pass has returned is told: no clock of ours sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch

from archscope.analyses.time import measure
from archscope.timing import clocks
from archscope.timing.clocks import clock_for
from archscope.timing.left_behind import LEAST_SECONDS, left_behind
from tests.timing.conftest import FakeClock

CARD = torch.device("cuda", 0)


class TwoStreams(FakeClock):
    """A card with a second stream, which a mark in the first does not see."""

    side_s: float = 0.0

    def rest(self, mark: Any, devices: Iterable[torch.device]) -> float:
        return max(self.side_s - self.device_s, 0.0)


def test_work_on_a_stream_that_nobody_waits_for_is_found() -> None:
    clock = TwoStreams(queued=True)

    def run() -> None:
        clock.work(0.002)
        clock.side_s = clock.device_s + 0.003

    assert left_behind([run], clock, CARD) == pytest.approx(0.003)


@pytest.mark.parametrize("rests", [(0.0, 0.0, 0.0), (0.5, 0.5, LEAST_SECONDS / 2), (9e-3, 4e-3, 0)])
def test_a_host_that_is_held_up_now_and_then_leaves_nothing_behind(rests: Any) -> None:
    clock, left = FakeClock(queued=True), list(rests)
    clock.rest = lambda mark, devices: left.pop(0)  # type: ignore[attr-defined]

    assert left_behind([lambda: clock.work(0.1)], clock, CARD) is None


def test_devices_where_outputs_lie_are_waited_for_too() -> None:
    clock, asked = FakeClock(queued=True), []
    clock.rest = lambda mark, devices: asked.append(devices) or 0.0  # type: ignore[attr-defined]

    left_behind([lambda: {"x": torch.ones(1, device="meta")}], clock, torch.device("meta", 1))

    assert asked == [{torch.device("meta"), torch.device("meta", 1)}]


def test_a_device_that_cannot_tell_says_nothing() -> None:
    clock = FakeClock(queued=True)

    def refuses(mark: Any, devices: Any) -> float:
        raise RuntimeError("this backend does not synchronise events")

    clock.rest = refuses  # type: ignore[attr-defined]
    assert left_behind([lambda: clock.work(0.1)], clock, CARD) is None


def test_a_network_on_the_cpu_that_calls_a_card_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    clock = clock_for(torch.device("cpu"))

    assert clock.rest(clock.mark(), ()) == 0.0, "there is no accelerator"
    monkeypatch.setattr(clocks, "accelerator", lambda: "cuda")
    assert clock.rest(clock.mark(), ()) == 0.0, "nobody has used it"
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: waited.append(True))
    assert clock.rest(clock.mark(), ()) > 0
    assert waited == [True]


def test_it_is_asked_of_every_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    import archscope

    monkeypatch.setattr(measure, "left_behind", lambda runs, clock, device: 0.0042)
    report = archscope.time(
        torch.nn.Linear(2, 2), torch.ones(1, 2), device="cpu", warmup=0, runs=1, budget=1.0
    )

    warned = [note.text for note in report.notes if note.level == "warning"]
    assert any("returns before its work is done: 4.2 ms go on after it" in text for text in warned)
