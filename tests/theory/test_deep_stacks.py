"""200 layers with dilations up to 2^20: by little work, without overflow."""

from random import Random

import pytest

from archscope.theory.gridding import Gridding, gridding
from archscope.theory.layers import Stack, dilated
from archscope.theory.paths import Paths, paths
from archscope.theory.window import windows
from tests.calls import calls

POWERS = [2**i for i in range(21)]
RANDOM = Random(0)
STACKS: dict[str, Stack] = {
    "cycles of 1 to 2^20": dilated([POWERS[i % 21] for i in range(200)]),
    "cycles of 2 to 2^20": dilated([POWERS[1 + i % 20] for i in range(200)]),
    "1, then 2^20": dilated([1] + [2**20] * 199),
    "random": dilated([RANDOM.randint(1, 2**20) for _ in range(200)]),
    "just below 2^20": dilated([2**20 - i for i in range(200)]),
}


def looked_at(stack: Stack) -> tuple[Gridding, Paths]:
    windows(stack)
    return gridding(stack), paths(stack)


@pytest.mark.parametrize("name", STACKS)
def test_answers_by_little_work(name: str) -> None:
    found: list[tuple[Gridding, Paths]] = []
    assert calls(lambda: found.append(looked_at(STACKS[name]))) < 1_000 * len(STACKS[name])
    ((row, counts),) = found
    assert row.hull == 1 + sum(layer.span for layer in STACKS[name])
    # 3^200 has 96 digits.
    assert counts.total == 3**200
    assert row.streams is not None
    assert (row.touched is None) == ("touched" in row.unknown)
    assert (counts.largest is None) == ("largest" in counts.unknown)


def test_full_cycles() -> None:
    row, counts = looked_at(STACKS["cycles of 1 to 2^20"])
    assert row.touched == row.hull
    assert (row.max_gap, row.streams, row.coverage) == (0, 1, 1.0)
    assert counts.largest is None
    assert "out of reach" in counts.reason


def test_every_second_position() -> None:
    row, _ = looked_at(STACKS["cycles of 2 to 2^20"])
    # All rates even, and halved they are full: (hull + 1) / 2 positions.
    assert row.touched == (row.hull + 1) // 2
    assert (row.max_gap, row.streams, row.coupling_depth) == (1, 2, None)


def test_a_comb_of_triples() -> None:
    row, counts = looked_at(STACKS["1, then 2^20"])
    # 199 layers of rate 2^20 see 2 * 199 + 1 = 399 places, each 3 positions wide.
    assert row.touched == 3 * 399
    assert row.max_gap == 2**20 - 3
    assert row.hole_period == 2**20
    assert counts.largest is not None
    # The central trinomial coefficient of 199, sum of 199! / (j! j! (199 - 2j)!).
    trinomial = 1
    term = 1
    for pairs in range(1, 100):
        term = term * (201 - 2 * pairs) * (200 - 2 * pairs) // pairs**2
        trinomial += term
    assert counts.largest == trinomial
