"""Suggested dilations: full, minimal, and honest where there are none."""

from functools import cache
from itertools import combinations_with_replacement, product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archscope.errors import SpecError, UsageError
from archscope.theory.bits import spread
from archscope.theory.combs import combs
from archscope.theory.coverage import is_full
from archscope.theory.gridding import gridding
from archscope.theory.layers import Stack, conv, dilated, pool
from archscope.theory.replacement import find_replacement
from archscope.theory.suggest import Schedule, suggest
from tests.calls import calls


@cache
def full_reaches(kernel: int, layers: int, largest: int) -> dict[int, set[tuple[int, ...]]]:
    """All windows without a hole of that many layers, by trying every multiset of rates."""
    found: dict[int, set[tuple[int, ...]]] = {}
    inner: dict[tuple[int, ...], int] = {(): 1}
    for rates in combinations_with_replacement(range(1, largest + 1), layers):
        if rates[:-1] not in inner:
            seen = 1
            for rate in rates[:-1]:
                seen = spread(seen, kernel, rate)
            inner = {rates[:-1]: seen}
        seen = spread(inner[rates[:-1]], kernel, rates[-1])
        if not seen & seen + 1:
            found.setdefault(seen.bit_length(), set()).add(rates)
    return found


def assert_full(stack: Stack) -> None:
    seen, jump = 1, 1
    for layer in stack:
        seen = spread(seen, layer.kernel, layer.dilation * jump)
        jump *= layer.stride
    assert seen & seen + 1 == 0


@pytest.mark.parametrize(
    ("kernel", "layers", "largest"),
    [
        (2, 3, 10),
        (2, 4, 30),
        (3, 2, 40),
        (3, 3, 40),
        (3, 4, 30),
        (4, 3, 20),
        (5, 2, 40),
        (5, 3, 40),
    ],
)
def test_k_to_the_layers_is_the_furthest(kernel: int, layers: int, largest: int) -> None:
    found = full_reaches(kernel, layers, largest)
    furthest = max(found)
    assert furthest == kernel**layers
    assert found[furthest] == {tuple(kernel**power for power in range(layers))}
    # Every window 1 + (k - 1) n between 1 + (k - 1) L and k^L is reachable.
    shortest = 1 + (kernel - 1) * layers
    assert set(found) == set(range(shortest, furthest + 1, kernel - 1))


@pytest.mark.parametrize(("kernel", "step"), [(2, 9), (3, 6), (5, 5)])
def test_fewest_layers_for_every_target(kernel: int, step: int) -> None:
    # The search tries all rates up to 40; a layer more is needed only where none of it reaches.
    searched = {
        layers: max(full_reaches(kernel, layers, 40 if layers < 4 else 30))
        for layers in (1, 2, 3, 4)
    }
    for target in range(2, 128, step):
        found = suggest(target, kernel=kernel)
        for schedule in (found.fewest, found.smooth, found.pyramid):
            assert schedule is not None
            assert schedule.receptive_field >= target
            assert schedule.gridding.is_full
            assert_full(dilated(schedule.dilations, kernels=(kernel,)))
        layers = len(found.fewest.dilations)
        # No window longer than needed: the next smaller one misses the target.
        assert found.fewest.receptive_field < target + kernel - 1
        assert all(reach < target for few, reach in searched.items() if few < layers)
        # Beyond four layers: k^(L - 1) paths cannot see `target` positions.
        assert kernel ** (layers - 1) < target


def test_smooth_and_pyramid() -> None:
    found = suggest(63)
    assert found.fewest.dilations == (1, 3, 9, 18)
    assert found.smooth is not None
    assert found.pyramid is not None
    assert found.smooth.dilations == (1, 3, 9, 9, 9)
    assert found.smooth.ripple == pytest.approx(0, abs=1e-12)
    assert found.pyramid.gridding.coupling_depth == 1


@pytest.mark.parametrize("target", [9, 17, 31, 63, 127, 255])
def test_no_map_within_a_pyramid_is_gridded(target: int) -> None:
    pyramid = suggest(target).pyramid
    assert pyramid is not None
    stack = dilated(pyramid.dilations)
    assert pyramid.gridding.coupling_depth == 1
    for depth in range(1, len(stack) + 1):
        assert gridding(stack[:depth]).is_full
        assert gridding(stack[-depth:]).is_full


def test_a_long_search_is_little_work() -> None:
    assert calls(lambda: suggest(255, layers=6)) < 2_000_000
    assert calls(lambda: suggest(1023)) < 2_000_000
    assert calls(lambda: suggest(2**30)) < 1_000_000


def test_largest_dilation() -> None:
    found = suggest(63, max_dilation=4)
    schedules: tuple[Schedule | None, ...] = (found.fewest, found.smooth, found.pyramid)
    for schedule in schedules:
        assert schedule is not None
        assert max(schedule.dilations) <= 4
        assert schedule.receptive_field >= 63
        assert_full(dilated(schedule.dilations))
    # 1, 3 reach 9 positions; each 4 adds 8: (63 - 9) / 8 = 6.75, so 7 more.
    assert len(found.fewest.dilations) == 9


def test_prefix_is_kept_and_filled() -> None:
    prefix = dilated((2, 2))
    found = suggest(31, prefix=prefix).fewest
    assert_full((*prefix, *dilated(found.dilations)))
    # 1 and 2, 2 reach 11 positions; 31 needs a sum of 15 - 4 = 11 in two layers.
    assert sum(found.dilations) == 11
    assert len(found.dilations) == 2


@pytest.mark.parametrize("rates", [(2, 2), (3,), (4, 1), (5, 1, 7)])
def test_fewest_layers_behind_a_prefix(rates: tuple[int, ...]) -> None:
    # Every set of up to two new rates from 1 to 40, behind the prefix, bit by bit.
    furthest = {}
    for layers in (1, 2):
        full = [1]
        for new in combinations_with_replacement(range(1, 41), layers):
            seen = 1
            for rate in (*rates, *new):
                seen = spread(seen, 3, rate)
            if not seen & seen + 1:
                full.append(seen.bit_length())
        furthest[layers] = max(full)
    for target in range(3 + 2 * sum(rates), 83, 2):  # all windows are odd
        dilations = suggest(target, prefix=dilated(rates)).fewest.dilations
        assert all(furthest[n] < target for n in furthest if n < len(dilations))


def test_stride() -> None:
    found = suggest(100, stride=4).fewest
    assert_full((pool(4), *dilated(found.dilations)))
    # 4 + 2 * 4 * D >= 100: D = 12 and R = 100.
    assert (sum(found.dilations), found.receptive_field) == (12, 100)


def test_out_of_reach() -> None:
    with pytest.raises(
        UsageError, match=r"5 layers of kernel 3 reach at most 243 positions \(3\^5\)"
    ):
        suggest(255, layers=5)
    with pytest.raises(UsageError, match="dilations up to 2 reach at most 11 positions"):
        # 1 + 2 * (1 + 2 + 2) = 11
        suggest(31, layers=3, max_dilation=2)


def test_a_stride_that_skips_inputs_cannot_be_filled() -> None:
    with pytest.raises(UsageError, match="stride 2, but its units see only 1 position in a row"):
        suggest(31, prefix=(conv(1, stride=2),))


def test_nothing_to_add() -> None:
    with pytest.raises(UsageError, match="nothing to add"):
        suggest(5, prefix=dilated((1, 2)))


@pytest.mark.parametrize(("field", "value"), [("kernel", 1), ("layers", 0), ("max_dilation", 0)])
def test_bad_numbers(field: str, value: int) -> None:
    with pytest.raises(SpecError, match=f"{field}: {value}"):
        suggest(31, **{field: value})  # type: ignore[arg-type]


def test_replacement() -> None:
    found = find_replacement(dilated((2, 2, 2)))
    assert found.dilations == (1, 2, 3)
    assert found.reason == ""


def test_replacement_that_does_not_exist() -> None:
    found = find_replacement(dilated((2, 4, 8)))
    assert found.dilations is None
    assert "at most 27 positions (3^3)" in found.reason
    assert (found.offer, found.offer_hull) == ((1, 3, 9), 27)


@pytest.mark.parametrize("rates", list(combinations_with_replacement(range(1, 8), 3)))
def test_replacement_against_search(rates: tuple[int, ...]) -> None:
    stack = dilated(rates)
    hull = 1 + 2 * sum(rates)
    found = find_replacement(stack)
    if gridding(stack).is_full:
        assert "already" in found.reason
    elif found.dilations is None:
        assert hull > 27
    else:
        other = dilated(found.dilations)
        assert (len(other), gridding(other).hull) == (3, hull)
        assert_full(other)


def test_replacement_behind_a_stride() -> None:
    # Pooling by 2 covers 2 positions, so the next rate may be at most one map position.
    found = find_replacement((pool(2), *dilated((2, 2))))
    assert found.dilations == (1, 1, 3)
    blind = find_replacement((conv(1, stride=2), *dilated((1,))))
    assert blind.dilations is None
    assert blind.offer is None
    assert "no dilation behind it" in blind.reason


def test_a_replacement_for_more_layers_than_can_be_compared() -> None:
    for dilations in ([2] * 400, [3] * 350, [2, 4] * 160):
        found = find_replacement(dilated(dilations))
        assert found.dilations is not None
        assert len(found.dilations) == len(dilations)
        assert sum(found.dilations) == sum(dilations)
        assert is_full(combs(dilated(found.dilations)))


@pytest.mark.parametrize("options", [{}, {"max_dilation": 64}])
def test_a_prefix_that_steps_over_more_than_the_target_ends(options: dict[str, int]) -> None:
    # The comb of rate 1,024 joins once 1,024 positions in a row are seen: 2 * 512 + 1 are the
    # least that layers of 3 taps give, by dilations that sum to 512.
    found = suggest(31, prefix=dilated((1024,), kernels=(3,)), **options)

    assert sum(found.fewest.dilations) == 512 or options == {}
    assert sum(found.fewest.dilations) >= 512
    assert found.fewest.gridding.is_full
    assert found.smooth is not None
    assert found.smooth.gridding.is_full


def new_layers(
    dilations: tuple[int, ...], kernels: tuple[int, ...], strides: tuple[int, ...], convs: int
) -> Stack:
    """The blocks that a suggestion stands for, written out."""
    found = []
    for number, dilation in enumerate(dilations):
        kernel = kernels[min(number, len(kernels) - 1)]
        stride = strides[number] if number < len(strides) else 1
        found += [
            conv(kernel, dilation=dilation, stride=1 if turn else stride) for turn in range(convs)
        ]
    return tuple(found)


@given(
    target=st.integers(2, 40),
    kernels=st.lists(st.integers(2, 4), min_size=1, max_size=3).map(tuple),
    strides=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    convs=st.integers(1, 2),
    prefix=st.lists(st.integers(1, 6), max_size=2),
    most=st.integers(1, 5),
)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_no_fewer_layers_do(
    target: int,
    kernels: tuple[int, ...],
    strides: tuple[int, ...],
    convs: int,
    prefix: list[int],
    most: int,
) -> None:
    front = dilated(prefix) if prefix else ()
    settings: dict[str, Any] = {"strides": strides, "convs": convs, "max_dilation": most}
    least = max(len(kernels) if len(kernels) > 1 else 1, len(strides))

    def reaching(layers: int) -> list[tuple[int, ...]]:
        """Every choice of so many dilations that misses nothing and reaches the target.

        A layer that strides has dilation 1.
        """
        choices = [
            (1,) if number < len(strides) and strides[number] > 1 else range(1, most + 1)
            for number in range(layers)
        ]
        found = []
        for dilations in product(*choices):
            seen, jump = 1, 1
            for layer in (*front, *new_layers(dilations, kernels, strides, convs)):
                seen = spread(seen, layer.kernel, layer.dilation * jump)
                jump *= layer.stride
            if not seen & seen + 1 and seen.bit_length() >= target:
                found.append(dilations)
        return found

    try:
        found = suggest(target, kernel=kernels, prefix=front, **settings)
    except UsageError as error:
        assume("nothing to add" not in str(error))
        assert not any(reaching(layers) for layers in range(least, 5))
        return
    count = len(found.fewest.dilations)
    assert found.is_fewest
    assert not any(reaching(layers) for layers in range(least, min(count, 5)))
    for schedule in (found.fewest, found.smooth, found.pyramid):
        if schedule is not None:
            stack = (*front, *new_layers(schedule.dilations, kernels, strides, convs))
            assert_full(stack)
            assert gridding(stack).hull == schedule.receptive_field >= target
            assert max(schedule.dilations) <= most
    if count <= 4:
        assert found.fewest.dilations in reaching(count)


def test_a_level_of_two_convolutions() -> None:
    # Two of 3 taps at one dilation see 5 positions of it: 1, 5, 25 reach 125.
    found = suggest(125, convs=2)

    assert found.fewest.dilations == (1, 5, 25)
    assert len(found.fewest.layers) == 6


def test_a_strided_front() -> None:
    # 7, then 3 at jump 2: 7 + 4 = 11; at jump 4 the rates 4 * 2, 4 * 6, ... : 11 + 16 = 27.
    found = suggest(27, kernel=(7, 3), strides=(2, 2)).fewest

    assert (found.dilations, found.receptive_field) == ((1, 1, 2), 27)
    with pytest.raises(UsageError, match="stride 4, but its units see only 3 positions in a row"):
        suggest(27, strides=(4,))


SILLY: list[dict[str, Any]] = [
    {"target": 31, "prefix": dilated((1024,))},
    {"target": 2**31, "kernel": 2, "max_dilation": 1},
    {"target": 2**31, "kernel": tuple(range(2, 22)), "max_dilation": 24},
    {"target": 3, "kernel": tuple(range(2, 11)), "layers": 500, "max_dilation": 3},
    {"target": 100, "strides": (65_536,), "kernel": 65_536},
    {"target": 2**31, "strides": (2,) * 20},
    {"target": 31, "prefix": dilated((2**31,)), "convs": 2},
    {"target": 255, "prefix": dilated((7,) * 300), "stride": 8},
]


@pytest.mark.parametrize("asked", SILLY)
def test_every_search_ends_soon(asked: dict[str, Any]) -> None:
    said, found = "", None

    def search() -> None:
        nonlocal said, found
        try:
            found = suggest(**asked)
        except UsageError as error:
            said = str(error)

    assert calls(search) < 2_000_000
    if found is None:
        assert "without a hole" in said or "no dilation fills holes" in said
    else:
        assert found.fewest.gridding.is_full
        assert found.fewest.receptive_field >= asked["target"]
