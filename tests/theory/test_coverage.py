"""The exact criterion, and all closed forms that rest on it, against their definitions."""

from itertools import combinations_with_replacement, pairwise
from math import gcd
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archscope.theory.bits import spread
from archscope.theory.combs import Comb, combs
from archscope.theory.coverage import find_cause, is_full
from archscope.theory.gridding import gridding
from archscope.theory.layers import Layer, Stack, dilated
from archscope.theory.paths import path_counts, paths
from archscope.theory.support import find_support


def stacks() -> st.SearchStrategy[Stack]:
    layer = st.builds(
        Layer,
        kernel=st.sampled_from((1, 2, 3, 3, 4, 5, 7)),
        stride=st.sampled_from((1, 1, 1, 2, 3)),
        dilation=st.sampled_from((1, 1, 2, 3, 4, 5, 6, 8, 9, 12, 20, 40)),
    )
    return st.lists(layer, max_size=5).map(tuple)


@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
def test_criterion_on_all_multisets(kernel: int) -> None:
    # Multisets of 2 to 5 rates from 1..6: 21 + 56 + 126 + 252 = 455.
    tried = 0
    for layers in range(2, 6):
        for rates in combinations_with_replacement(range(1, 7), layers):
            seen = 1
            for rate in rates:
                seen = spread(seen, kernel, rate)
            is_solid = seen & seen + 1 == 0
            assert is_full(combs(dilated(rates, kernels=(kernel,)))) == is_solid, rates
            tried += 1
    assert tried == 455


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(stacks())
def test_every_metric_by_its_definition(brute_force: Any, stack: Stack) -> None:
    counts, jump = brute_force.count_paths(stack)
    seen, hull = set(counts), max(counts) + 1
    assume(len(seen) <= 400)
    apart = {b - a for a in seen for b in seen if b > a}
    shifted = {position + jump for position in seen}
    runs = brute_force.runs(seen)
    gaps = [after[0] - before[1] - 1 for before, after in pairwise(runs)]
    row = gridding(stack)
    assert (row.hull, row.touched, row.is_full) == (hull, len(seen), len(seen) == hull)
    assert row.max_gap == max(gaps, default=0)
    assert row.solid_core == brute_force.solid_core(seen)
    assert row.streams == gcd(*(distance // jump for distance in apart if distance % jump == 0))
    assert row.adjacent_overlap == len(seen & shifted) / len(seen | shifted)
    assert row.input_use == len({position % jump for position in seen}) / jump
    assert path_counts(stack) == tuple(counts[position] for position in range(hull))


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(stacks())
def test_path_metrics_by_their_definition(brute_force: Any, stack: Stack) -> None:
    counts, _ = brute_force.count_paths(stack)
    hull, total = max(counts) + 1, counts.total()
    assume(hull <= 2000)
    found = paths(stack)
    assert (found.total, found.largest) == (total, max(counts.values()))
    assert found.smallest == min(counts.values())
    mean = sum(position * number for position, number in counts.items()) / total
    variance = sum((at - mean) ** 2 * number for at, number in counts.items()) / total
    assert found.sd == pytest.approx(variance**0.5)
    width = hull
    while width > 2 and 20 * _mass(counts, hull, width - 2) >= 19 * total:
        width -= 2
    assert found.width_95 == width


def _mass(counts: dict[int, int], hull: int, width: int) -> int:
    first = (hull - width) // 2
    return sum(counts.get(at, 0) for at in range(first, first + width))


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(stacks())
def test_coupling_depth_by_its_definition(brute_force: Any, stack: Stack) -> None:
    expected = None
    for depth in range(len(stack), 0, -1):
        counts, jump = brute_force.count_paths(stack[len(stack) - depth :])
        assume(len(counts) <= 400)
        if any(position + jump in counts for position in counts):
            expected = depth
    assert gridding(stack).coupling_depth == expected


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(stacks(), st.integers(-5, 400))
def test_membership_and_overlap(brute_force: Any, stack: Stack, shift: int) -> None:
    counts, _ = brute_force.count_paths(stack)
    assume(len(counts) <= 1000)
    support = find_support(combs(stack))
    assert support is not None
    assert support.mask() == sum(1 << position for position in counts)
    assert support.contains(shift) == (shift in counts)
    assert support.overlap(shift) == sum(position + shift in counts for position in counts)


def test_cause_of_a_common_factor() -> None:
    cause = find_cause(combs(dilated((2, 4, 8))))
    assert cause is not None
    assert (cause.layer, cause.rate, cause.reach, cause.common_rate) == (0, 2, 1, 2)


def test_cause_of_a_step_too_far() -> None:
    # Rates 1 and 2 reach 1 + 2 + 4 = 7 positions; 9 steps over 2.
    cause = find_cause(combs(dilated((9, 2, 1))))
    assert cause is not None
    assert (cause.layer, cause.rate, cause.reach, cause.common_rate) == (0, 9, 7, 1)


@pytest.mark.parametrize(
    ("dilations", "period"),
    [((1, 2, 4), None), ((1, 2, 9), 9), ((2, 2, 2), 2), ((6, 12, 18), 6), ((2, 3), None)],
)
def test_hole_period(dilations: tuple[int, ...], period: int | None) -> None:
    assert gridding(dilated(dilations)).hole_period == period


def test_a_set_beyond_the_limit_is_unknown_and_never_wrong() -> None:
    row = gridding(dilated((5, 7, 11, 1000)), limit=10)
    assert row.touched is None
    assert row.coverage is None
    assert "touched" in row.unknown
    assert "10 bits" in row.reason
    # 1 + 2 * (5 + 7 + 11 + 1000); what has a closed form stays known.
    assert (row.hull, row.is_full, row.streams) == (2047, False, 1)


def test_one_tap_adds_nothing() -> None:
    assert combs((Layer(), Layer(stride=2), Layer(kernel=3))) == (Comb(taps=3, rate=2, layer=2),)


def test_a_step_finer_than_the_edge_fills_holes_of_it() -> None:
    rates, seen = (7, 9, 5, 9, 4, 4), 1
    for rate in rates:
        seen = spread(seen, 5, rate)

    found = find_support(combs(dilated(rates, kernels=(5,))))

    assert found is not None
    assert found.mask() == seen
