"""Finite inputs."""

from fractions import Fraction

import pytest

from archscope.theory.borders import find_unread, valid_taps
from archscope.theory.layers import Stack, conv, dilated, output_size, pool, transposed
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
