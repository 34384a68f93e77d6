"""Every relation between the positions of two axes against what each output is meant to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from archscope.dependence.record.graph import View
from archscope.dependence.rules import window as rules_of_windows
from archscope.dependence.rules.window import _kinds_of_taps, _windows, adaptive_pool, pad
from archscope.dependence.sets import links as made
from archscope.dependence.sets import sets
from archscope.dependence.sets.algebra import LARGEST_WHOLE, NUMBERS, PRESENCE, Numbers
from archscope.dependence.sets.links import (
    Links,
    Taps,
    from_matrix,
    gather,
    parts,
    rolled,
    shifted,
    so_far,
    transposed_window,
    window,
)
from archscope.dependence.sets.sets import Sets
from archscope.dependence.sets.steps import Reduce, Take

Meant = list[list[int]]
"""The positions that each output reads, those beyond the border too."""
TRIES = 60


def some_window(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    """Return a window, what it reads of, what is meant, and whether the border cuts it short."""
    reads, size, kernel, stride, dilation = map(int, chance.integers(1, (9, 9, 6, 4, 4)))
    padding = int(chance.integers(0, 5))
    found = window(reads, size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    meant = [[o * stride - padding + t * dilation for t in range(kernel)] for o in range(size)]
    assert found.endless == (-padding, stride)
    return found, reads, meant, True


def some_taps(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    """Return a window some of whose taps are zero."""
    reads, size, kernel, stride, dilation = map(int, chance.integers(1, (9, 9, 6, 4, 4)))
    padding = int(chance.integers(0, 5))
    taps = np.unique(chance.integers(0, kernel, kernel))
    found = _windows(
        (reads, size), taps, transposed=False, stride=stride, padding=padding, dilation=dilation
    )
    meant = [[o * stride - padding + int(t) * dilation for t in taps] for o in range(size)]
    return found, reads, meant, True


def some_transposed(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    reads, size, kernel, stride, dilation = map(int, chance.integers(1, (6, 15, 5, 4, 3)))
    padding = int(chance.integers(0, 3))
    taps = np.unique(chance.integers(0, kernel, kernel))
    found = transposed_window(
        reads, size, taps=taps, stride=stride, padding=padding, dilation=dilation
    )
    steps = [[o + padding - t * dilation for t in taps] for o in range(size)]
    meant = [[step // stride for step in row if step % stride == 0] for row in steps]
    assert found.endless is None
    return found, reads, meant, True


def some_shift(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    reads, size = map(int, chance.integers(1, 9, 2))
    first, step = int(chance.integers(-4, 5)), int(chance.integers(1, 4))
    found = shifted(reads, size, first, step)
    assert found.endless == (first, step)
    return found, reads, [[first + o * step] for o in range(size)], True


def some_parts(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    reads = int(chance.integers(1, 12))
    size = int(chance.integers(1, 12))
    ends = [(o * reads // size, -(-(o + 1) * reads // size)) for o in range(size)]
    return parts(reads, size), reads, [list(range(*each)) for each in ends], False


def some_gather(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    reads, size = map(int, chance.integers(1, 9, 2))
    places = chance.integers(-1, reads, size)
    return gather(reads, places), reads, [[p] if p >= 0 else [] for p in places.tolist()], False


def some_matrix(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    size, reads = map(int, chance.integers(1, 9, 2))
    matrix = chance.random((size, reads)) > chance.choice([0.1, 0.5])
    return from_matrix(matrix), reads, [np.flatnonzero(row).tolist() for row in matrix], False


def some_prefixes(chance: np.random.Generator) -> tuple[Links, int, Meant, bool]:
    size, backward = int(chance.integers(1, 9)), bool(chance.integers(2))
    meant = [list(range(o, size) if backward else range(o + 1)) for o in range(size)]
    return so_far(size, backward=backward), size, meant, False


@pytest.mark.parametrize("taps", [0, 2, made.SPARSE_TAPS], ids="ranges {}".format)
@pytest.mark.parametrize(
    "some",
    [
        some_window,
        some_taps,
        some_transposed,
        some_shift,
        some_parts,
        some_gather,
        some_matrix,
        some_prefixes,
    ],
)
def test_a_relation_reads_what_is_meant(
    some: Callable[[np.random.Generator], tuple[Links, int, Meant, bool]],
    taps: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(made, "SPARSE_TAPS", taps)
    monkeypatch.setattr(made, "_KNOWN", {})
    chance = np.random.default_rng(taps)
    for _ in range(TRIES):
        found, reads, meant, has_border = some(chance)
        inside = [[at for at in row if 0 <= at < reads] for row in meant]
        matrix = np.array([[at in row for at in range(reads)] for row in inside])
        check(found, matrix)
        cut = [len(row) > len(kept) for row, kept in zip(meant, inside, strict=True)]
        marks = [False] * len(meant) if found.clipped is None else found.clipped.tolist()
        assert marks == (cut if has_border else [False] * len(meant))
        assert found.clipped is None or any(marks)


def check(found: Links, matrix: np.ndarray) -> None:
    chance = np.random.default_rng(0)
    for links, wanted in ((found, matrix), (found.transposed, matrix.T)):
        size, reads = wanted.shape
        assert (links.size, links.reads) == (size, reads)
        assert links.counts.tolist() == wanted.sum(axis=1).tolist()
        held = chance.random(reads) > 0.5
        assert links.reading(held).tolist() == (wanted & held).any(axis=1).tolist()
        algebra = Sets()
        sets_of = links.gathered(algebra.single(np.arange(reads)), algebra)
        bits = [sum(1 << at for at in np.flatnonzero(row).tolist()) for row in wanted]
        assert [algebra.bits(entry) for entry in sets_of.tolist()] == bits
        numbers, places = chance.random((3, 2)), chance.integers(0, 3, reads)
        np.testing.assert_allclose(
            links.gathered(numbers[places], NUMBERS), wanted @ numbers[places], atol=1e-12
        )
        assert (links.gathered(held, PRESENCE) == (wanted & held).any(axis=1)).all()
        spans = [np.ptp(np.flatnonzero(row)) + 1 for row in wanted if row.any()]
        assert links.span == max(spans, default=0)
        some = np.flatnonzero(chance.random(size) > 0.5)
        assert links.only(some).counts.tolist() == wanted[some].sum(axis=1).tolist()
        alone = all(row.sum() <= 1 for row in wanted)
        assert links.gathers is None or alone
        if isinstance(links, Taps) and links.is_identity:
            assert size == reads
            assert (wanted == np.eye(size)).all()


@pytest.mark.parametrize("shift", range(-5, 6))
def test_what_is_rolled_comes_round(shift: int) -> None:
    found = rolled(5, shift)

    assert isinstance(found, Taps)
    assert found.index[:, 0].tolist() == [(o - shift) % 5 for o in range(5)]
    # the shorter way round: what comes from the other end is beyond the border
    way = shift % 5 if shift % 5 <= 2 else shift % 5 - 5
    assert found.clipped is not None
    assert found.clipped.tolist() == [not 0 <= o - way < 5 for o in range(5)]


def test_what_is_rolled_half_way_round_comes_from_before() -> None:
    found = rolled(6, 3)

    assert found.clipped is not None
    assert found.clipped.tolist() == [True, True, True, False, False, False]


def test_the_identity_is_told_and_nothing_else_is() -> None:
    assert gather(3, [0, 1, 2]).is_identity
    for other in (gather(3, [0, 2, 1]), gather(3, [0, 1]), gather(4, [0, 1, 2]), rolled(3, 1)):
        assert not other.is_identity
    assert not so_far(1).is_identity


@pytest.mark.parametrize("largest", [1.0, LARGEST_WHOLE])
@pytest.mark.parametrize("whole", [True, False])
def test_numbers_over_ranges_are_their_sums(
    whole: bool, largest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archscope.dependence.sets.algebra.LARGEST_WHOLE", largest)
    chance = np.random.default_rng(0)
    for size in (1, 2, 3, 8, 13):
        numbers = chance.integers(0, 9, (size, 2)) / (1 if whole else 7)
        starts, stops = np.triu_indices(size + 1)
        found = Numbers().over_ranges(numbers, starts, stops)

        np.testing.assert_allclose(
            found, [numbers[a:b].sum(axis=0) for a, b in zip(starts, stops, strict=True)]
        )
        assert Numbers().over_ranges(numbers, starts[:0], stops[:0]).shape == (0, 2)


def test_what_lies_in_a_row_is_gathered_as_it_is_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, algebra, evenly = np.random.default_rng(0), Sets(), 0
    for make in (some_window, some_shift):
        for _ in range(TRIES):
            relation, reads, _, _ = make(chance)
            numbers = chance.random((reads, 2))
            gathered = []
            for long in (1, made.LONG):
                monkeypatch.setattr(made, "LONG", long)
                again = replace(relation)  # it remembers which outputs are even
                evenly += isinstance(again, Taps) and again._even is not None
                own = algebra.single(np.arange(reads))
                gathered.append((again.gathered(own, algebra), again.gathered(numbers, NUMBERS)))
            (sets_, sums), (others, other_sums) = gathered
            assert bits_of(algebra, sets_) == bits_of(algebra, others)
            np.testing.assert_allclose(sums, other_sums)
            monkeypatch.undo()
    assert evenly > TRIES / 2


@pytest.mark.parametrize("part", [1, 4, 1 << 16])
def test_windows_are_gathered_in_parts_of_any_size(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "PART", part)
    numbers = np.random.default_rng(0).random((9, 2))

    found = window(9, 4, kernel=3, stride=2).gathered(numbers, NUMBERS)

    assert (found == [numbers[at : at + 3].sum(axis=0) for at in (0, 2, 4, 6)]).all()


def test_numbers_that_differ_by_much_lose_no_digits() -> None:
    numbers = np.array([2.0**53, 0.5, 0.25])

    assert Numbers().over_ranges(numbers, np.array([1]), np.array([3])).tolist() == [0.75]
    large = np.array([2.0**53, 1.0, 1.0])  # 2**53 + 1 is no float64: running sums would lose it
    assert Numbers().over_ranges(large, np.array([1]), np.array([2])).tolist() == [1.0]
    assert Numbers().held(numbers - 0.25).tolist() == [True, True, False]


@pytest.mark.parametrize("many", [1, 2, sets.MANY])
def test_sets_are_united_and_compared_in_parts_of_any_size(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "MANY", many)
    chance, algebra = np.random.default_rng(0), Sets()
    single = algebra.single(np.arange(5))
    for _ in range(TRIES):
        one, two = (chance.integers(0, 32, chance.integers(1, 6)) for _ in range(2))
        two = np.resize(two, one.shape)
        a, b = (united(algebra, single, bits) for bits in (one, two))

        assert bits_of(algebra, algebra.unite(a, b)) == (one | two).tolist()
        assert bits_of(algebra, algebra.united(a, 0)) == [int(np.bitwise_or.reduce(one))]
        assert algebra.cover(a, b) == bool(((one | two) == one).all())
        assert algebra.cover(algebra.unite(a, b), b)
        assert algebra.cover(a[:, None], b) == all(x | y == x for x in one for y in two)


def united(algebra: Sets, single: np.ndarray, bits: np.ndarray) -> np.ndarray:
    found = np.zeros(bits.shape, dtype=np.int64)
    for at, one in enumerate(single):
        found = np.where(bits >> at & 1, algebra.unite(found, np.full_like(found, one)), found)
    return found


def bits_of(algebra: Sets, entries: np.ndarray) -> list[int]:
    return [algebra.bits(entry) for entry in entries.tolist()]


def test_a_matrix_with_more_rows_of_nothing_is_another() -> None:
    one, two = np.array([[True]]), np.array([[True], [False]])
    relations = from_matrix(one), from_matrix(two)

    assert [relation.size for relation in relations] == [1, 2]


def test_what_is_pooled_to_one_place_is_reduced() -> None:
    view = View(operator="adaptive_avg_pool2d", arguments={}, picked=None)
    whole, in_parts = adaptive_pool(view, (1, 3, 6, 8), (1, 3, 1, 4))

    assert whole == Reduce((2,), (6,))
    assert isinstance(in_parts, Take)
    assert in_parts.axis == 3


@pytest.mark.parametrize("operator", ["constant_pad_nd", "reflection_pad1d", "replication_pad1d"])
def test_a_border_moves_positions_whatever_stands_there(operator: str) -> None:
    stands = {"reflection_pad1d": "reflect", "replication_pad1d": "edge"}.get(operator)
    for left, right in ((2, 1), (0, 3), (4, 0)):
        view = View(operator=operator, arguments={"padding": [left, right]}, picked=None)
        (step,) = pad(view, (1, 3, 9), (1, 3, 9 + left + right))

        assert isinstance(step, Take)
        assert (step.axis, step.links.endless) == (2, (-left, 1))
        outside = [not 0 <= at < 9 for at in range(-left, 9 + right)]
        assert step.links.clipped is not None
        assert step.links.clipped.tolist() == outside
        reads = np.pad(np.arange(9), (left, right), stands or "constant").tolist()
        meant = [
            [] if stands is None and out else [at] for at, out in zip(reads, outside, strict=True)
        ]
        check(step.links, np.array([[at in row for at in range(9)] for row in meant]))


@pytest.mark.parametrize(("most", "reads"), [(2, [0b001, 0b100]), (1, [0b101, 0b101])])
def test_kernels_of_more_kinds_than_are_followed_are_taken_together(
    most: int, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_of_windows, "MOST_KINDS", most)
    kernels = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]])  # two outputs, one input
    told = [0, 0]
    for kept, product in _kinds_of_taps(kernels, False, 1):
        assert product is not None
        for output in np.flatnonzero([True, True] if kept is None else kept).tolist():
            told[output] |= sum(1 << int(tap) for tap in product[0])

    assert told == reads
