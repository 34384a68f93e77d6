"""The paper's rule, and how often it errs."""

from itertools import combinations_with_replacement

import pytest

from archscope.theory.combs import combs
from archscope.theory.coverage import is_full
from archscope.theory.hdc import hdc_distance
from archscope.theory.layers import dilated


@pytest.mark.parametrize(
    ("dilations", "distance"),
    # The paper's own example and counter-example, and the stack that it is most often quoted for.
    [((1, 2, 5), 2), ((1, 2, 9), 5), ((2, 2, 2), 2), ((1, 3), 3), ((4,), None)],
)
def test_distance(dilations: tuple[int, ...], distance: int | None) -> None:
    assert hdc_distance(dilations) == distance


@pytest.mark.parametrize(
    ("layers", "passes", "false_passes", "full"),
    # Sorted rates from 1..12, kernel 3; brute force over every window.
    [(2, 6, 3, 3), (3, 38, 20, 18), (4, 288, 148, 140)],
)
def test_false_passes(layers: int, passes: int, false_passes: int, full: int) -> None:
    passed = covered = wrong = 0
    for dilations in combinations_with_replacement(range(1, 13), layers):
        says, truth = (hdc_distance(dilations) or 0) <= 3, is_full(combs(dilated(dilations)))
        passed += says
        covered += truth
        wrong += says and not truth
        assert says or not truth, "on sorted rates the rule fails nothing that is full"
    assert (passed, wrong, covered) == (passes, false_passes, full)
