"""Blocks with a path around them, against walking every choice of paths position by position."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from archscope.theory.layers import Path, conv, lost
from archscope.theory.residual import residual_counts, residual_unions, sees_more

Point = tuple[int, ...]


def walked(path: Path, skips: list[tuple[int, int]], layers: int) -> dict[Point, int]:
    """The input positions that output 0 sees after so many layers, with their numbers of ways.

    Walked back from the output: through each layer tap by tap, and around each whole block.
    """
    axes = len(path)
    starts = {last: first for first, last in skips if last < layers}

    def back(seen: dict[Point, int], number: int) -> dict[Point, int]:
        found: dict[Point, int] = {}
        for point, ways in seen.items():
            for taps in product(*(range(stack[number].kernel) for stack in path)):
                at = tuple(
                    point[axis] * path[axis][number].stride
                    + taps[axis] * path[axis][number].dilation
                    - path[axis][number].padding[0]
                    for axis in range(axes)
                )
                found[at] = found.get(at, 0) + ways
        return found

    seen, number = {(0,) * axes: 1}, layers - 1
    while number >= 0:
        if number in starts:
            around = seen
            for inside in range(number, starts[number] - 1, -1):
                seen = back(seen, inside)
                around = {
                    tuple(p * s[inside].stride for p, s in zip(point, path, strict=True)): ways
                    for point, ways in around.items()
                }
            cut = [lost(stack[starts[number] : number + 1]) // 2 for stack in path]
            for point, ways in around.items():
                own = tuple(map(sum, zip(point, cut, strict=True)))
                seen[own] = seen.get(own, 0) + ways
            number = starts[number] - 1
        else:
            seen = back(seen, number)
            number -= 1
    return seen


@st.composite
def networks(draw: st.DrawFn) -> tuple[Path, list[tuple[int, int]]]:
    axes = draw(st.integers(1, 2))
    path: list[list] = [[] for _ in range(axes)]
    skips, at = [], 0
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.integers(1, 2))
        for turn in range(size):
            for axis in range(axes):
                kernel, rate = draw(st.integers(1, 3)), draw(st.integers(1, 3))
                span = (kernel - 1) * rate
                before = draw(st.integers(0, span))
                after = draw(st.sampled_from((span - before, 0)))  # or less, and the way is cut
                stride = draw(st.integers(1, 2)) if not turn else 1
                path[axis].append(
                    conv(kernel, stride=stride, dilation=rate, padding=(before, after))
                )
        if draw(st.booleans()):
            skips.append((at, at + size - 1))
        at += size
    return tuple(map(tuple, path)), skips


@given(networks())
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_every_choice_of_paths(network: tuple[Path, list[tuple[int, int]]]) -> None:
    path, skips = network
    found = residual_unions(path, skips)
    assert found is not None
    *layers, whole = [*found[0], found[1]]
    seen = walked(path, skips, len(path[0]))

    assert whole.touched == len(seen)
    for axis, row in enumerate(whole.axes):
        along = {point[axis] for point in seen}
        assert (row.start, row.touched) == (min(along), len(along))
        assert row.hull == max(along) - min(along) + 1
        ways: dict[int, int] = {}
        for point, number in seen.items():
            ways[point[axis]] = ways.get(point[axis], 0) + number
        assert residual_counts(path, skips, axis, alone=False) == sorted(ways.items())
    for number, row in enumerate(layers, start=1):
        # A layer within a block is told before what goes around the block is added.
        inside = [skip for skip in skips if skip[1] != number - 1]
        assert row.touched == len(walked(path, inside, number))
    if not sees_more(path, skips):
        assert seen.keys() == walked(path, [], len(path[0])).keys()


def test_a_pair_of_even_kernels_sees_its_own_position() -> None:
    # Taps at -1 and 1, twice: -2, 0 and 2; once: not 0.
    pair = (conv(2, dilation=2), conv(2, dilation=2))

    assert not sees_more((pair,), [(0, 1)])
    assert sees_more((pair,), [(0, 0), (1, 1)])
