"""Percentiles, and when a spread is noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archscope.timing.statistics import is_noisy, percentile, summarise


def test_percentiles_lie_on_a_line_between_neighbours() -> None:
    # places 0 .. 4: the median at 2, p5 at 0.05 x 4 = 0.2, p95 at 3.8, quarters at 1 and 3
    found = summarise([50.0, 10.0, 30.0, 20.0, 40.0])

    assert found.median_s == 30.0
    assert found.p5_s == pytest.approx(12.0)
    assert found.p95_s == pytest.approx(48.0)
    assert found.iqr_s == pytest.approx(20.0)
    assert found.samples == 5


def test_an_even_number_of_samples_has_its_median_between_two() -> None:
    assert summarise([1.0, 2.0, 3.0, 4.0]).median_s == 2.5


def test_one_sample_has_no_spread() -> None:
    found = summarise([0.25])

    assert (found.median_s, found.p5_s, found.p95_s, found.iqr_s) == (0.25, 0.25, 0.25, 0.0)


def test_no_samples_are_an_error() -> None:
    with pytest.raises(ValueError, match="no samples"):
        summarise([])


@given(st.lists(st.floats(1e-6, 10), min_size=2, max_size=50), st.floats(0, 1))
def test_percentiles_are_numpys(samples: list[float], share: float) -> None:
    numpy = pytest.importorskip("numpy")

    assert percentile(sorted(samples), share) == pytest.approx(numpy.quantile(samples, share))


@pytest.mark.parametrize(
    ("median", "iqr", "noisy"),
    [
        (1e-3, 60e-6, True),  # 6 % and 60 us
        (1e-3, 50e-6, False),  # 5 %: not beyond
        (100e-6, 15e-6, False),  # 15 %, but 15 us
        (100e-6, 20e-6, False),  # 20 us: not beyond
        (100e-6, 21e-6, True),
        (1.0, 0.01, False),  # 10 ms, but 1 %
    ],
)
def test_noise_has_a_relative_and_an_absolute_floor(median: float, iqr: float, noisy: bool) -> None:
    assert is_noisy(median, iqr) is noisy
