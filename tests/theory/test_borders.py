"""Finite inputs."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archscope.errors import UsageError
from archscope.theory.borders import count_blind, find_unread, valid_taps
from archscope.theory.layers import (
    Layer,
    Stack,
    conv,
    dilated,
    output_size,
    pool,
    sizes,
    transposed,
)
from archscope.theory.units import seen_by


@pytest.mark.parametrize(("size", "rate"), [(65, 1), (65, 30), (65, 64), (65, 65), (7, 100)])
def test_atrous_degenerates_to_one_tap(size: int, rate: int) -> None:
    # Chen et al. 2017: (n + 2 max(0, n - r)) / 3n along an axis.
    expected = Fraction(size + 2 * max(0, size - rate), 3 * size)
    assert valid_taps(dilated((rate,)), size) == (expected,)


@pytest.mark.parametrize(
    "stack",
    [
        (conv(4, stride=2, dilation=3, padding=(5, 0)),),
        (pool(3, stride=2, padding=1, ceil_mode=True),),
        (transposed(3, stride=2, padding=1),),
    ],
)
def test_valid_taps_by_listing(stack: Stack) -> None:
    (layer,) = stack
    outputs = output_size(layer, 10)
    valid = sum(len(seen_by(stack, unit, input_size=10)) for unit in range(outputs))
    # A transposed convolution has one tap per input and kernel position.
    units = 10 if layer.kind == "transposed" else outputs
    assert valid_taps(stack, 10) == (Fraction(valid, units * layer.kernel),)


def test_a_stride_drops_the_last_inputs() -> None:
    # 7 = 2 + 2 + 2 + 1
    unread = find_unread((pool(2),), 7)
    assert (unread.before, unread.after, unread.total) == (0, 1, 1)


def test_a_strided_one_by_one_skips_every_other_input() -> None:
    unread = find_unread((conv(1, stride=2),), 8)
    assert (unread.before, unread.after, unread.total) == (0, 1, 4)


@pytest.mark.parametrize("size", range(9, 16))
def test_unread_by_listing(size: int) -> None:
    stack = (conv(2, stride=3, dilation=2, padding=(3, 0)), conv(2, dilation=2, padding="valid"))
    outputs = output_size(stack[1], output_size(stack[0], size))
    read = {at for unit in range(outputs) for at in seen_by(stack, unit, input_size=size)}
    unread = find_unread(stack, size)
    assert unread.total == size - len(read)
    assert (unread.before, unread.after) == (min(read), size - 1 - max(read))


def plain(layer: Layer) -> Layer:
    """A layer as it is; one that resizes has neither taps nor padding of its own."""
    if layer.kind in ("conv", "transposed"):
        return layer
    return replace(layer, kernel=1, dilation=1, padding=(0, 0))


@given(
    st.lists(
        st.builds(
            Layer,
            kernel=st.integers(1, 4),
            stride=st.integers(1, 3),
            dilation=st.integers(1, 12),
            padding=st.tuples(st.integers(0, 9), st.integers(0, 9)),
            kind=st.sampled_from(["conv", "transposed", "nearest", "linear"]),
        ).map(plain),
        min_size=1,
        max_size=3,
    ).map(tuple),
    st.integers(1, 12),
)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_outputs_that_see_nothing_are_those_that_walk_back_to_nothing(
    stack: Stack, size: int
) -> None:
    try:
        outputs = sizes(stack, size)[-1]
    except UsageError:
        assume(False)
    assume(outputs < 400)
    seen = [set(seen_by(stack, unit, input_size=size)) for unit in range(outputs)]

    found, seeing = count_blind([(stack,)], (size,)), [n for n, one in enumerate(seen) if one]
    assert (found.blind, found.outputs) == (outputs - len(seeing), outputs)
    box = seeing[-1] - seeing[0] + 1 if seeing else outputs
    assert found.inside == box - len(seeing)
    if not any(layer.upsamples for layer in stack):
        read = set().union(*seen)
        assert find_unread(stack, size).total == size - len(read)


def test_a_tap_far_beyond_the_input_takes_no_memory() -> None:
    far = (Layer(kernel=3, dilation=2**31, padding=(2**31, 2**31)),)

    assert count_blind([(far,)], (5,)).blind == 0  # the middle tap reads all
    assert find_unread(far, 5).total == 0
