"""Reach through a memory, against products of the masks."""

import pytest

from archscope.theory.attention import with_memory

LENGTH = 64


def reached(sees: list[set[int]], layers: int, token: int) -> set[int]:
    found = {token}
    for _ in range(layers):
        found = {source for reader in found for source in sees[reader]}
    return found


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
    assert with_memory(layers, memory, segment=segment) == expected


def test_memory_of_whole_segments() -> None:
    # 16 * 384
    assert with_memory(16, 384) == 6144
