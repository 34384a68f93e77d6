"""Squares that hold a share of a mass, against a slow count of each square."""

from __future__ import annotations

import numpy as np
import pytest

from archscope.probing import erf


def slow(mass: np.ndarray, threshold: float) -> int | None:
    """Return the side that RepLKNet's erf/analyze_erf.py finds, read off its loop."""
    height, width = mass.shape
    for reach in range(1, height // 2):
        rows = slice(height // 2 - reach, height // 2 + 1 + reach)
        columns = slice(width // 2 - reach, width // 2 + 1 + reach)
        if mass[rows, columns].sum() / mass.sum() > threshold:
            return 2 * reach + 1
    return None


@pytest.mark.parametrize("shape", [(9, 9), (16, 16), (21, 40)])
def test_squares_are_those_of_replknets_script(shape: tuple[int, int]) -> None:
    draws = np.random.default_rng(0)
    middle = [size // 2 for size in shape]
    for _ in range(20):
        gradient = draws.random(shape) ** draws.integers(1, 30)
        logarithm = np.log10(gradient + 1)
        for threshold, square in erf.replknet_squares(gradient, middle):
            side = slow(logarithm / logarithm.max(), threshold)
            assert (square and square.side) == side
            assert square is None or square.positions == side**2


def test_raw_squares_begin_with_one_position_and_end_at_the_border() -> None:
    mass = np.zeros((6, 4))
    mass[3, 2] = 1
    assert [square and square.side for _, square in erf.mass_squares(mass, [3, 2])] == [1] * 4
    mass[0, 0] = 9  # 9 tenths lie in a corner: three away, so that the square is all of it
    found = dict(erf.mass_squares(mass, [3, 2]))
    assert found[0.2] == erf.Square(side=6, positions=24)
    assert erf.fewest(mass, 0.95) == 2
    assert erf.outside(mass, [3, 2], [3, 2]) == 0.9
    assert dict(erf.mass_squares(np.zeros((6, 4)), [3, 2])) == dict.fromkeys(erf.THRESHOLDS)


def test_cells_are_means_and_the_last_may_be_smaller() -> None:
    mass = np.arange(10.0)
    step, cells = erf.cells(mass, [1], [8], 3)

    assert step == 3
    assert cells.tolist() == [2, 5, 7.5]  # (1+2+3)/3, (4+5+6)/3, (7+8)/2
