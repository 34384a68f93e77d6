"""Times of modules by marks, bytes by hooks; the hooks are gone afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from archscope.timing.layers import time_layers, traffic


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
    for measure in (
        lambda: time_layers(model, lambda: model(torch.ones(1)), clock, runs=1),
        lambda: traffic(model, lambda: model(torch.ones(1))),
    ):
        with pytest.raises(ValueError, match="half-way"):
            measure()
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


def test_bytes_are_inputs_outputs_and_weights_once() -> None:
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2).to(torch.float32))

    found = traffic(model, lambda: model(torch.randn(7, 3)))

    assert found == {
        "0": 4 * (7 * 3 + 7 * 5 + 3 * 5 + 5),
        "1": 4 * (7 * 5 + 7 * 5),
        "2": 4 * (7 * 5 + 7 * 2 + 5 * 2 + 2),
    }, "the container itself is left out: what lies between its modules is not seen"


def test_bytes_of_keywords_and_of_number_types() -> None:
    class Add(nn.Module):
        def forward(self, x: Tensor, *, y: Tensor) -> dict[str, Tensor]:
            return {"sum": x + y}

    model, x, y = Add(), torch.ones(4, dtype=torch.half), torch.ones(4, dtype=torch.half)

    assert traffic(model, lambda: model(x, y=y)) == {"": 2 * (4 + 4 + 4)}
    assert traffic(model, lambda: model(x, y=x)) == {"": 2 * (4 + 4)}, "read once"


def test_of_a_lookup_table_only_the_rows_that_are_read_count() -> None:
    model = nn.Embedding(1000, 8)
    words = torch.zeros(2, 3, dtype=torch.long)

    # words 8 x 6, rows read 4 x 48, output 4 x 48
    assert traffic(model, lambda: model(words)) == {"": 8 * 6 + 2 * 4 * 48}


def test_attention_that_uses_a_modules_weights_without_calling_it_is_one_module() -> None:
    model = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(1, 4, 8)

    assert set(traffic(model, lambda: model(x, x, x))) == {""}
