"""Times of modules by marks of hooks, which are gone afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from archscope.timing.layers import time_layers


class Work(nn.Module):
    """Takes as long as it is told."""

    def __init__(self, clock: Any, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def forward(self, x: Tensor) -> Tensor:
        self.clock.work(self.seconds)
        return x


class Block(nn.Module):
    """Does 1 s itself, calls `a` twice and `b` once."""

    def __init__(self, clock: Any, a: float, b: float) -> None:
        super().__init__()
        self.clock = clock
        self.a, self.b = Work(clock, a), Work(clock, b)

    def forward(self, x: Tensor) -> Tensor:
        self.clock.work(1.0)
        return self.b(self.a(self.a(x)))


def hooks() -> int:
    return len(torch_module._global_forward_hooks) + len(torch_module._global_forward_pre_hooks)


@pytest.mark.parametrize("kind", ["clock", "queue"])
def test_each_module_gets_its_own_time(kind: str, request: pytest.FixtureRequest) -> None:
    each = request.getfixturevalue(kind)
    model = nn.Sequential(Block(each, 2.0, 0.5), Work(each, 4.0))

    found = time_layers(model, lambda: model(torch.ones(1)), each, runs=3)

    # rel: on a queue the first launch comes before the first work
    assert found.own_s == pytest.approx(
        {"": 0.0, "0": 1.0, "0.a": 4.0, "0.b": 0.5, "1": 4.0}, abs=1e-5
    )
    assert found.calls == {"": 1, "0": 1, "0.a": 2, "0.b": 1, "1": 1}
    assert found.runs == 3
    assert found.total_s == pytest.approx(9.5, abs=1e-5)
    assert hooks() == 0


def test_a_time_is_the_median_of_passes_and_the_first_is_left_out(clock: Any) -> None:
    work = Work(clock, 0.0)
    model = nn.Sequential(work)
    times = iter([9.0, 1.0, 3.0, 2.0])

    def call() -> None:
        work.seconds = next(times)
        model(torch.ones(1))

    assert time_layers(model, call, clock, runs=3).own_s["0"] == 2.0


def test_hooks_are_gone_after_an_error_too(clock: Any) -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("half-way")

    model = nn.Sequential(nn.Identity(), Fails())
    with pytest.raises(ValueError, match="half-way"):
        time_layers(model, lambda: model(torch.ones(1)), clock, runs=1)
    assert hooks() == 0


def test_an_error_that_the_model_catches_costs_no_other_module_its_time(clock: Any) -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            clock.work(1.0)
            raise ValueError

    class Tries(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fails, self.works = Fails(), Work(clock, 2.0)

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.fails(x)
            except ValueError:
                return self.works(x)

    model = Tries()
    found = time_layers(model, lambda: model(torch.ones(1)), clock, runs=1)

    assert found.own_s == pytest.approx({"": 1.0, "works": 2.0})


def test_an_interrupt_keeps_the_passes_that_were_complete(clock: Any) -> None:
    runs = [0]

    class Stops(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            runs[0] += 1
            if runs[0] == 4:
                raise KeyboardInterrupt
            clock.work(1.0)
            return x

    model = nn.Sequential(Stops())
    found = time_layers(model, lambda: model(torch.ones(1)), clock, runs=10)

    assert found.interrupted
    assert found.runs == 2  # the first of three is not measured
    assert found.own_s["0"] == 1.0
    assert hooks() == 0


def test_small_kernels_are_timed_behind_queued_work_and_not_as_the_host(queue: Any) -> None:
    class Launches(nn.Module):
        def __init__(self, seconds: float, launch: float) -> None:
            super().__init__()
            self.seconds, self.launch = seconds, launch

        def forward(self, x: Tensor) -> Tensor:
            queue.work(self.seconds, launch=self.launch)
            return x

    model = nn.Sequential(*(Launches(0.001, 0.1) for _ in range(9)), Launches(1.0, 0.001))

    def times(**asked: Any) -> dict[str, float]:
        return time_layers(model, lambda: model(torch.ones(1)), queue, runs=3, **asked).own_s

    # from an empty queue each would take the 0.1 s that the host needs to ask for it
    assert times()["5"] == pytest.approx(0.1)
    found = times(ahead=lambda: queue.work(0.25))
    assert [found[str(number)] for number in range(10)] == pytest.approx([*[0.001] * 9, 1.0])
