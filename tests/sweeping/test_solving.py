"""The value of a field by which a measure comes nearest: held against trying every value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import archscope
from archscope.errors import ArchscopeError, UsageError
from archscope.sweeping.solving import Solve, solved

MEASURES: dict[str, Callable[[int], int | None]] = {
    "grows": lambda n: 3 * n * n + 7,
    "grows, every 12th": lambda n: None if n % 12 else n * n,
    "falls": lambda n: 10**6 // n,
    "steps": lambda n: n // 10 * 100 + 1,
    "flat": lambda n: 5,
}


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("target", [1, 50, 999, 4_000, 123_456, 10**9])
def test_it_is_the_nearest_of_all(name: str, target: int) -> None:
    measure = MEASURES[name]
    solve = Solve(
        field="x", measure="params", dimension="count", target=str(target), low=1, high=700
    )
    best = min(abs(n - target) for n in map(measure, range(1, 701)) if n is not None)
    found = solved(solve, measure)

    assert measure(found.point.value) == found.point.number
    assert abs(found.point.number - target) == best
    assert found.residual * target == found.point.number - target


def test_where_no_value_makes_a_network() -> None:
    solve = Solve(field="x", measure="params", dimension="count", target="5", low=1, high=9)
    with pytest.raises(ArchscopeError, match="no value of x gives a valid network"):
        solved(solve, lambda value: None)


def test_widths_of_equal_parameters() -> None:
    found = archscope.sweep(
        "transformer",
        depth=[2, 3],
        heads=4,
        vocab_size=50,
        seq_len=8,
        iso="params=10k",
        solve="d_model",
        measure="params",
    )
    rows = found.section("sweep.variants").rows

    for row in rows:
        assert row.d_model % 4 == 0
        assert row.residual == (row.params - 10_000) / 10_000
        near = [
            archscope.sweep(
                "transformer", depth=row.depth, heads=4, vocab_size=50, seq_len=8,
                d_model=row.d_model + step, measure="params",
            ).section("sweep.variants").rows[0].params
            for step in (-4, 4)
        ]  # fmt: skip
        assert all(abs(each - 10_000) >= abs(row.params - 10_000) for each in near)
    assert rows[0].model.endswith(f"--depth 2 --d-model {rows[0].d_model}")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"iso": "params=1M"}, "--iso params=124M --solve d_model"),
        ({"iso": "params=1M", "solve": "norm"}, "not a field that holds integers"),
        ({"iso": "params=0", "solve": "d_model"}, "greater than 0"),
        ({"iso": "latency=1ms", "solve": "d_model"}, "not a number that a field can be solved for"),
        ({"iso": "causal=1", "solve": "d_model"}, "not a number that a field can be solved for"),
        ({"iso": "rf=1s", "solve": "seq_len"}, "needs --sample-rate"),
        ({"iso": "params=1M", "solve": "depth"}, "also an axis"),
        ({"iso": "params=1M", "solve": "heads", "heads": 4}, "its value is also given"),
    ],
)
def test_what_cannot_be_solved_for(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        archscope.sweep("transformer", depth=[1, 2], **asked)


def test_a_network_of_ones_own_has_no_such_field() -> None:
    with pytest.raises(UsageError, match="a network of your own has none"):
        archscope.sweep(
            "torch.nn:Linear", model_arg={"in_features": [1, 2]}, iso="params=9", solve="bias"
        )


def test_a_field_that_changes_nothing_is_told() -> None:
    found = archscope.sweep(
        "transformer", depth=[1], d_model=8, vocab_size=9, seq_len=4,
        iso="params=100", solve="heads", measure="params",
    )  # fmt: skip
    row, note = found.section("sweep.variants").rows[0], found.notes[-1]

    assert (row.heads, note.level) == (1, "warning")
    assert note.text.endswith(f"the furthest is off by {row.params / 100 - 1:+,.0%}")
