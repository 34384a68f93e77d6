"""Size, jump, start and centre."""

from fractions import Fraction

import pytest

from archscope.errors import UsageError
from archscope.theory.combs import combs
from archscope.theory.layers import Stack, conv, dilated, linear, nearest, pool, transposed
from archscope.theory.units import seen_by, unit_ranges
from archscope.theory.window import window, windows


def unet_valid() -> Stack:
    """Ronneberger et al. 2015: the path through the bottom of the U."""
    double = dilated((1, 1), padding="valid")
    down = (*double, pool(2)) * 4
    up = (transposed(2, stride=2), *double) * 4
    return (*down, *double, *up, conv(1))


def test_growth_layer_by_layer() -> None:
    # 1 + 2 = 3, + 4 = 7, + 8 = 15
    assert [seen.size for seen in windows(dilated((1, 2, 4)))] == [3, 7, 15]


def test_stride_multiplies_the_jump() -> None:
    seen = window((conv(7, stride=2, padding=3), pool(3, stride=2, padding=1)))
    # 1 + 6 * 1 + 2 * 2 = 11; P = 3 + 1 * 2 = 5
    assert (seen.size, seen.jump, seen.start, seen.centre) == (11, 4, -5, 0)


def test_even_kernel_with_same_padding_is_half_a_pixel_off() -> None:
    seen = window((conv(4),))
    # One position is added before and two after: output 0 sees -1 to 2, centred at 0.5.
    assert (seen.start, seen.centre) == (-1, Fraction(1, 2))


def test_causal_padding_puts_the_output_last() -> None:
    seen = window(dilated((1, 2), padding="causal"))
    assert (seen.start, seen.size) == (-6, 7)


def test_transposed_kernel_3_stride_2_sees_one_or_two() -> None:
    layer = transposed(3, stride=2, padding=1)
    assert [len(seen_by((layer,), unit)) for unit in range(4)] == [1, 2, 1, 2]
    seen = window((layer,))
    assert (seen.smallest, seen.size, seen.jump, seen.period) == (1, 2, Fraction(1, 2), 2)
    assert seen.start is None


def test_transposed_kernel_below_stride_has_blind_outputs() -> None:
    ranges = unit_ranges((transposed(1, stride=2),))
    assert (ranges.blind, ranges.hull, ranges.paths) == ((1,), (0, 1), (0, 1))


def test_unet_is_188_to_204() -> None:
    seen = window(unet_valid())
    assert (seen.smallest, seen.size, seen.jump, seen.period) == (188, 204, 1, 16)


def test_up_sampling_centres() -> None:
    # (0 + 1/2) / 2 - 1/2 = -1/4
    assert window((nearest(2),)).centre == Fraction(-1, 4)
    assert window((linear(2),)).centre == Fraction(-1, 4)
    # Down by 2 and up by 2 is periodic in 2 outputs, though the jump is 1 again.
    seen = window((pool(2), nearest(2)))
    assert (seen.jump, seen.period, seen.size) == (1, 2, 2)


def test_linear_reads_one_position_at_the_centre_of_an_odd_factor() -> None:
    assert [len(seen_by((linear(3),), unit)) for unit in range(3)] == [2, 1, 2]


def test_no_single_window_for_up_sampling() -> None:
    with pytest.raises(UsageError, match="up-samples"):
        combs((transposed(4, stride=2),))


def test_the_empty_stack_sees_itself() -> None:
    seen = window(())
    assert (seen.size, seen.jump, seen.start) == (1, 1, 0)
