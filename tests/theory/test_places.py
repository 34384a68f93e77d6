"""Own places, look-back and look-ahead, tiles, sizes of inputs and buffers, of stacks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archscope.errors import UsageError
from archscope.theory.input_sizes import TriedEnoughError, input_sizes
from archscope.theory.layers import Stack, conv, linear, nearest, pool, sizes, transposed
from archscope.theory.output_places import jumps, outlook, stride_period
from archscope.theory.rates import milliseconds, read_rate
from archscope.theory.seen_positions import positions_seen
from archscope.theory.streaming import buffers
from archscope.theory.tiling import tiling
from archscope.theory.units import path_counts, seen_by
from archscope.theory.window import window

laws = settings(max_examples=40, deadline=None, derandomize=True, database=None)
downward = st.builds(
    lambda kernel, stride, dilation, padding: conv(
        kernel, stride=stride, dilation=dilation, padding=padding
    ),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["same", "causal", "valid"]),
) | st.builds(pool, st.integers(1, 3))
upward = (
    st.builds(nearest, st.integers(1, 3))
    | st.builds(linear, st.integers(1, 3))
    | st.builds(lambda k, s: transposed(k, stride=s), st.integers(1, 4), st.integers(1, 3))
)
stacks = st.lists(downward | upward, min_size=1, max_size=4).map(tuple)


@laws
@given(stacks, st.integers(-4, 9))
def test_positions_and_paths_are_those_of_a_walk_back(stack: Stack, unit: int) -> None:
    """As bits of one number, and as sums over a period, they are what ways one by one are."""
    ways = seen_by(stack, unit)
    seen, paths = positions_seen(stack, unit), path_counts(stack)

    bits = [seen.first + at for at in range(seen.bits.bit_length()) if seen.bits >> at & 1]
    assert bits == list(ways)
    assert seen.number == len(ways)
    assert seen.hull == ((min(ways), max(ways)) if ways else None)
    assert paths[unit % len(paths)] == sum(ways.values())


@pytest.mark.parametrize(
    ("stack", "behind", "ahead"),
    [
        # A strided causal kernel of 4: all padding first, and none.
        ((conv(4, stride=2, padding="causal"),), 3, 0),
        ((conv(4, stride=2, padding=0),), 0, 3),
        # wav2vec 2.0's encoder: 400 samples from its own place on.
        (
            tuple(
                conv(k, stride=s, padding=0)
                for k, s in ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))
            ),
            0,
            399,
        ),
        # Output 4q + r sees frames q - 1 and q, that is 4q - 4 to 4q + 7.
        ((conv(8, stride=4, padding=0), transposed(8, stride=4)), 7, 7),
        ((), 0, 0),
    ],
)
def test_look_back_and_look_ahead(stack: Stack, behind: int, ahead: int) -> None:
    seen = outlook(stack)

    assert (seen.behind, seen.ahead) == (behind, ahead)


@laws
@given(stacks)
def test_no_output_sees_beyond_look_back_and_look_ahead(stack: Stack) -> None:
    seen = outlook(stack)
    reached = []
    for unit in range(2 * len(seen.windows)):
        place = unit * seen.shift // len(seen.windows)
        positions = seen_by(stack, unit)
        reached += [(place - min(positions), max(positions) - place)] if positions else []

    assert seen.behind == max([0, *(behind for behind, _ in reached)])
    assert seen.ahead == max([0, *(ahead for _, ahead in reached)])


@pytest.mark.parametrize(
    ("stack", "given_size", "formula", "smallest"),
    [
        ((conv(3, padding=0),), 50, "n - 2", 3),
        ((conv(7, stride=2, padding=3),), 50, "ceil(n/2)", 1),
        # k 10 s 5, k 3 s 2, k 3 s 2 see 40 positions, and step by 20.
        (tuple(conv(k, stride=s, padding=0) for k, s in ((10, 5), (3, 2), (3, 2))), 400,
         "floor((n - 40)/20) + 1", 40),
        ((pool(2), transposed(2, stride=2)), 50, "2 floor(n/2)", 2),
        ((nearest(3),), 50, "3n", 1),
        ((conv(3, stride=2, padding=1), nearest(3)), 50, "3 ceil(n/2)", 1),
    ],
)  # fmt: skip
def test_sizes_are_told_by_a_formula(
    stack: Stack, given_size: int, formula: str, smallest: int
) -> None:
    found = input_sizes(of(stack), given_size, stride_period(jumps(stack)))

    assert (found.formula, found.smallest, found.multiple) == (formula, smallest, 1)


def test_sizes_that_run_are_multiples_where_others_do_not() -> None:
    def skips(size: int) -> int | None:
        return size if size % 16 == 0 and size >= 32 else None

    def valid(size: int) -> int | None:  # Ronneberger's: 572 gives 388, in steps of 16
        return size - 184 if size % 16 == 12 and size >= 188 else None

    def head(size: int) -> int | None:
        return 7 if size == 224 else None

    def positions(size: int) -> int | None:
        return size if size <= 1024 else None

    found = [input_sizes(skips, 256, 16), input_sizes(valid, 572, 16)]
    assert [each.allowed for each in found] == [
        "multiples of 16 from 32",
        "188 and steps of 16 more",
    ]
    assert [each.formula for each in found] == ["n", "n - 184"]
    assert input_sizes(head, 224, 32).allowed == "224 alone"
    for size, step in ((1024, 1), (1024, 64), (1000, 64), (1023, 2), (100, 64), (20, 64), (1, 1)):
        assert input_sizes(positions, size, step, ends=True).allowed == "1 to 1,024"
    assert input_sizes(lambda size: None, 8, 1).allowed is None


@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("shift", [0, 3, 21])
def test_sizes_of_which_some_half_is_odd_are_found(level: int, shift: int) -> None:
    def outputs(size: int) -> int | None:
        return size if size > 9 and not (size + shift) >> level & 1 else None

    given = next(size for size in range(100, 200) if outputs(size))
    found = input_sizes(outputs, given, 64)

    runs = [size for size in range(10, 400) if outputs(size)]
    assert found.multiple == 2 ** (level + 1)
    assert found.smallest == min(runs)
    assert {size % found.multiple for size in found.first} == {n % found.multiple for n in runs}


@laws
@given(
    period=st.sampled_from([1, 2, 3, 4, 7, 8, 16, 56]),
    first=st.integers(0, 55),
    width=st.integers(1, 8),
    low=st.integers(1, 60),
    high=st.integers(130, 3_000) | st.just(10**9),
    given_size=st.integers(60, 2_000),
    step=st.sampled_from([1, 16, 56, 64, 128]),
)
def test_what_is_said_of_sizes_holds_of_each(
    period: int, first: int, width: int, low: int, high: int, given_size: int, step: int
) -> None:
    """Sizes that repeat between a smallest and a largest one: each is told, or nothing is.

    As behind strides and windows, neighbours run that leave so much of a period.
    """
    classes = {size % period for size in range(first, first + width)}

    def outputs(size: int) -> int | None:
        return size if low <= size <= high and size % period in classes else None

    assume(step % period == 0 and outputs(given_size))
    found = input_sizes(outputs, given_size, step, ends=True)

    if found.smallest is None or found.multiple is None:
        return
    last = max(found.largest or 0, found.tried or 0, given_size)
    assert (found.tried is None) or outputs(found.tried)
    assert found.largest is None or found.largest == max(filter(outputs, range(high + 1)))
    for size in range(max(found.first or (given_size,)), last + 1):
        is_told = not found.multiple or any(
            (size - one) % found.multiple == 0 for one in found.first
        )
        assert is_told == (outputs(size) is not None) or found.multiple == 0


def test_a_size_that_runs_alone_is_tried_twice_over() -> None:
    """Windows of 56 in steps of 32: no size nearby runs, and the next that does is 448."""
    windows = input_sizes(lambda n: n if n % 224 == 0 else None, 224, 32, ends=True)
    alone = input_sizes(lambda n: n if n == 224 else None, 224, 32, ends=True)

    assert (windows.allowed, alone.allowed) == (None, "224 alone")


def test_how_far_was_tried_is_said() -> None:
    """A network that runs on everything, and one that is dear to run."""
    assert input_sizes(lambda n: n, 100, 64, ends=True).allowed == "1 or more, tried to 6,500"
    left = 30

    def dear(size: int) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            raise TriedEnoughError
        return size

    assert input_sizes(dear, 100, 64, ends=True).allowed == "1 or more, tried to 1,700"


def test_sizes_are_told_in_few_trials() -> None:
    tried: list[int] = []

    def outputs(size: int) -> int | None:
        tried.append(size)
        return size // 32 or None

    found = input_sizes(outputs, 224, 64)

    assert (found.allowed, found.formula) == ("32 or more", "floor(n/32)")
    assert len(set(tried)) <= 36  # of 65 in a period


def test_a_formula_that_small_sizes_contradict_is_none() -> None:
    def cropped(size: int) -> int | None:
        return 5 if 4 <= size < 8 else size // 2 or None

    assert input_sizes(lambda size: size // 2 or None, 200, 64).formula == "floor(n/2)"
    assert input_sizes(cropped, 200, 64).formula is None


@laws
@given(stacks)
def test_the_smallest_input_runs_and_the_formula_holds(stack: Stack) -> None:
    tried = of(stack)
    found = input_sizes(tried, 200, stride_period(jumps(stack)))

    assert found.smallest is not None
    assert tried(found.smallest) is not None
    assert tried(found.smallest - 1) is None
    if found.formula:
        for size in range(found.smallest, found.smallest + 40):
            assert value_of(found.formula, size) == tried(size)


@laws
@given(st.lists(downward, min_size=1, max_size=4).map(tuple))
def test_without_up_sampling_there_is_a_formula(stack: Stack) -> None:
    outputs = of(stack)
    assume(outputs(200))  # what does not run as given is not asked for sizes

    assert input_sizes(outputs, 200, stride_period(jumps(stack))).formula


def of(stack: Stack) -> Callable[[int], int | None]:
    """Return how many outputs a stack gives, None where it gives none."""

    def outputs(size: int) -> int | None:
        try:
            return sizes(stack, size)[-1] if size > 0 else None
        except UsageError:
            return None

    return outputs


def value_of(formula: str, size: int) -> Any:
    """Return what a formula as it is told gives."""
    import re
    from math import ceil, floor

    text = re.sub(r"(\d) ?(n|floor|ceil)", r"\1*\2", formula)
    text = re.sub(r"/(\d+)\)", r"*Fraction(1, \1))", text)
    return eval(text, {"n": size, "floor": floor, "ceil": ceil, "Fraction": Fraction})


def test_tiles_of_a_residual_network() -> None:
    stack = (conv(7, stride=2), pool(3, stride=2, padding=1), conv(3, stride=2, padding=1))
    cut = tiling(outlook(stack), 8, of(stack))

    # Output u sees 8u - 9 to 8u + 9: 0 and 1 begin before a tile, and of a tile of 8k positions
    # and k outputs the last one ends after it. What is lost is 3 outputs, 24 positions.
    assert cut is not None
    assert (cut.discard_before, cut.discard_after, cut.overlap) == (2, 1, 24)
    assert (cut.margin_before, cut.margin_after) == (16, 8)


def test_tiles_between_which_strides_skip_positions_share_some() -> None:
    cut = tiling(outlook(stack := (conv(1, stride=4),)), 4, of(stack), rest=1)

    # Tiles of 9 positions at each 8th have 3 outputs, the last at the first position of the next.
    assert cut is not None
    assert (cut.overlap, cut.discard_before, cut.discard_after) == (1, 0, 1)


def test_windows_that_are_alike_behind_up_sampling_have_a_start() -> None:
    seen = window((nearest(2), conv(5, stride=2)))

    # Output u reads upsampled positions 2u - 2 to 2u + 2, which are copies of u - 1 to u + 1.
    assert (seen.start, seen.centre, seen.size) == (-1, 0, 3)


def test_buffers_are_those_of_causal_layers() -> None:
    stack = (
        conv(3, dilation=4, padding="causal"),
        conv(1),
        pool(2),
        conv(4, stride=2, padding=(2, 0)),
        transposed(4, stride=2),
        nearest(2),
    )

    # 2 x 4; none; none; its padding; output o reads inputs floor(o/2) - 1 and floor(o/2); none.
    found = buffers(stack)
    assert found is not None
    assert [(each.layer, each.positions) for each in found] == [(0, 8), (3, 2), (4, 1)]
    assert buffers((conv(3),)) is None, "it looks ahead"
    assert buffers((linear(2),)) is None


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("16kHz", 16_000),
        ("16k", 16_000),
        ("44.1 kHz", 44_100),
        ("48000", 48_000),
        ("100Hz", 100),
        ("25fps", 25),
        (22_050, 22_050),
        (0.5, Fraction(1, 2)),
    ],
)
def test_sample_rates_are_read(text: str | float, rate: Fraction) -> None:
    assert read_rate(text) == rate
    assert milliseconds(rate, read_rate(text)) == 1000


@pytest.mark.parametrize("text", ["", "fast", "0", "-1", 0, -5, float("inf"), float("nan"), True])
def test_what_is_no_sample_rate_is_refused(text: str | float) -> None:
    with pytest.raises(UsageError, match="give positions a second"):
        read_rate(text)
