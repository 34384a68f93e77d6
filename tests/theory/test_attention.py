"""Reach along a sequence, against products of the masks."""

import pytest

from archscope.errors import SpecError
from archscope.theory.attention import (
    causal,
    causal_window,
    dilated_window,
    full,
    window,
    with_memory,
)
from archscope.theory.gridding import gridding
from archscope.theory.units import seen_by

LENGTH = 64


def reached(sees: list[set[int]], layers: int, token: int) -> set[int]:
    found = {token}
    for _ in range(layers):
        found = {source for reader in found for source in sees[reader]}
    return found


@pytest.mark.parametrize(("layers", "size"), [(1, 8), (2, 15), (3, 22)])
def test_causal_window(layers: int, size: int) -> None:
    sees = [set(range(max(0, token - 7), token + 1)) for token in range(LENGTH)]
    found = reached(sees, layers, 40)
    assert len(found) == size == causal_window(layers, 8).size
    assert (min(found), max(found)) == causal_window(layers, 8).within(LENGTH, 40)


def test_mistral_is_not_window_times_depth() -> None:
    # 32 * 4095 + 1 = 131,041; the paper rounds to 131K = 32 * 4096.
    assert causal_window(32, 4096).size == 131_041


def test_two_sided_window() -> None:
    sees = [set(range(max(0, t - 4), min(LENGTH, t + 5))) for t in range(LENGTH)]
    assert len(reached(sees, 2, 30)) == 17 == window(2, 4).size


def test_full_and_causal() -> None:
    assert full().size is None
    assert full().within(10, 3) == (0, 9)
    assert causal().within(10, 3) == (0, 3)


def test_dilated_window_is_a_dilated_convolution() -> None:
    stack = dilated_window((1, 2), 4)
    # 5 taps: -2..2 and -4, -2, 0, 2, 4
    assert sorted(seen_by(stack, 0)) == list(range(-6, 7))
    assert gridding(dilated_window((2, 2), 4)).streams == 2
    assert sorted(seen_by(dilated_window((2,), 3, causal=True), 0)) == [-4, -2, 0]
    with pytest.raises(SpecError, match="window: 3 is not even"):
        dilated_window((1,), 3)


@pytest.mark.parametrize(("segment", "memory"), [(4, 4), (4, 8), (4, 3), (3, 7), (5, 1)])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_memory(layers: int, segment: int, memory: int) -> None:
    # A token sees its segment so far and `memory` tokens before the segment.
    sees = [
        set(range(max(0, token // segment * segment - memory), token + 1))
        for token in range(LENGTH)
    ]
    first = 60 // segment * segment
    expected = first - min(reached(sees, layers, first))
    assert with_memory(layers, memory, segment=segment).before == expected


def test_memory_of_whole_segments() -> None:
    # 16 * 384 + 1
    assert with_memory(16, 384).size == 6145
