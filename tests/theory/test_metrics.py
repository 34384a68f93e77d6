"""Metrics of sets and of paths: by definition, and as the closed forms of a stack have them."""

from __future__ import annotations

import sys
from math import exp, gcd, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archscope.theory import metrics
from archscope.theory.combs import combs, jump
from archscope.theory.coupling import each_streams, find_streams
from archscope.theory.gridding import gridding
from archscope.theory.layers import Stack, dilated
from archscope.theory.paths import path_counts, paths
from archscope.theory.support import find_support

laws = settings(max_examples=50, deadline=None, derandomize=True, database=None)
sets = st.sets(st.integers(0, 40), min_size=1)
stacks = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 8)), min_size=1, max_size=5
)


def bits(positions: set[int]) -> int:
    return sum(1 << position for position in positions)


def stack_of(layers: list[tuple[int, int, int]]) -> Stack:
    kernels, strides, dilations = zip(*layers, strict=True)
    return dilated(dilations, kernels=kernels, strides=strides)


@laws
@given(sets, st.integers(1, 7))
def test_metrics_of_a_set_are_what_they_say(seen: set[int], step: int) -> None:
    mask, low, high = bits(seen), min(seen), max(seen)

    assert (metrics.first(mask), metrics.hull(mask)) == (low, high - low + 1)
    holes = [position not in seen for position in range(low, high + 1)]
    runs = "".join("x" if hole else " " for hole in holes).split()
    assert metrics.longest_gap(mask) == max(map(len, runs), default=0)
    other = {position + step for position in seen}
    assert metrics.overlap(mask, step) == len(seen & other) / len(seen | other)
    assert metrics.input_use(mask, step) == len({p % step for p in seen}) / step
    apart = [a - b for a in seen for b in seen if (a - b) % step == 0]
    assert metrics.streams(mask, step) == gcd(*apart) // step


@laws
@given(stacks)
def test_a_stack_in_closed_form_has_the_metrics_of_its_set(
    layers: list[tuple[int, int, int]],
) -> None:
    stack = stack_of(layers)
    support, row = find_support(combs(stack)), gridding(stack)
    assert support is not None
    mask, step = support.mask(), jump(stack)

    assert metrics.hull(mask) == row.hull
    assert metrics.longest_gap(mask) == row.max_gap
    assert metrics.solid_core(mask) == row.solid_core
    assert metrics.streams(mask, step) == row.streams
    assert metrics.input_use(mask, step) == row.input_use
    assert metrics.overlap(mask, step) == row.adjacent_overlap


@laws
@given(stacks)
def test_a_stack_in_closed_form_has_the_metrics_of_its_paths(
    layers: list[tuple[int, int, int]],
) -> None:
    stack = stack_of(layers)
    counts, row = path_counts(stack), paths(stack)
    assert counts is not None
    listed = [(position, number) for position, number in enumerate(counts) if number]

    assert metrics.standard_deviation(listed) == pytest.approx(row.sd)
    assert metrics.uniformity(listed, len(counts)) == pytest.approx(row.uniformity)
    held = metrics.held_width(listed)
    assert held == row.width_95
    middle = (len(counts) - 1) / 2
    inside = sum(number for position, number in listed if abs(position - middle) < held / 2)
    assert 20 * inside >= 19 * sum(counts)


@laws
@given(stacks)
def test_streams_of_every_depth(layers: list[tuple[int, int, int]]) -> None:
    stack = stack_of(layers)

    every = [find_streams(stack[:depth]) for depth in range(1, len(stack) + 1)]
    assert list(each_streams(stack)) == every


def test_paths_that_are_no_integers() -> None:
    shares = [(3, 0.25), (4, 0.5), (9, 0.25)]

    # 3/4 + 2 + 9/4 = 5; 4/4 + 1/2 + 16/4 = 5.5
    assert metrics.mean(shares) == 5
    assert metrics.standard_deviation(shares) == pytest.approx(sqrt(5.5))
    assert metrics.entropy(number for _, number in shares) == pytest.approx(1.5 * log(2))
    assert metrics.uniformity(shares, 7) == pytest.approx(exp(1.5 * log(2)) / 7)
    # Around 5: 4 to 6 hold a half, 3 to 7 three quarters, 1 to 9 all.
    assert [metrics.held_width(shares, share) for share in (0.5, 0.75, 0.95)] == [3, 5, 9]


@laws
@given(st.dictionaries(st.integers(0, 40), st.integers(1, 9), min_size=1))
def test_paths_as_arrays_have_the_metrics_of_pairs(known: dict[int, int]) -> None:
    pairs = sorted(known.items())
    columns = metrics.Columns(*map(np.array, zip(*pairs, strict=True)))

    assert metrics.mean(columns) == metrics.mean(pairs)
    assert metrics.standard_deviation(columns) == pytest.approx(metrics.standard_deviation(pairs))
    assert metrics.uniformity(columns, 41) == pytest.approx(metrics.uniformity(pairs, 41))
    assert metrics.held_width(columns) == metrics.held_width(pairs)


def test_the_middle_of_paths_is_not_moved_by_rounding() -> None:
    # (0 x 1 + 1 x 1 + 2 x 1 + 7 x 3) / 6 = 4; by shares, each rounded, it would be less.
    assert metrics.mean([(0, 1), (1, 1), (2, 1), (7, 3)]) == 4
    assert metrics.mean([(1, 1), (2, 3), (7, 1), (9, 5)]) == 5.9


def test_a_set_of_a_million_positions_has_its_metrics_at_once() -> None:
    seen = sum(1 << 6 * place for place in range(1 << 8))
    for power in range(8, 18):  # twice as many each time
        seen |= seen << (6 << power)
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        assert (metrics.streams(seen, 1), metrics.solid_core(seen)) == (6, 1)
    finally:
        sys.setprofile(None)
    assert calls < 1000
