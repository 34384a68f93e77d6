"""Sums of products over a map are what they are when every number of the map is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from itertools import chain, combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archscope.dependence.sets import products as made
from archscope.dependence.sets.algebra import PRESENCE
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.products import (
    Product,
    Ways,
    added,
    one_unit,
    over,
    reached,
    seen_along,
)

SHAPE = (3, 4, 2)
AXES = range(len(SHAPE))
SUBSETS = list(chain.from_iterable(combinations(AXES, count) for count in range(len(SHAPE) + 1)))


@st.composite
def factors(draw: Any) -> Pattern:
    """Return numbers along some axes, some of which several positions share."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    varied = draw(st.sampled_from(SUBSETS))
    sizes = [int(chance.integers(2, SHAPE[axis] + 1)) if axis in varied else 1 for axis in AXES]
    places = tuple(
        None if n in (1, SHAPE[axis]) else chance.permutation(np.arange(SHAPE[axis]) % n)
        for axis, n in enumerate(sizes)
    )
    return Pattern(SHAPE, chance.integers(0, 3, sizes).astype(float), places)


products = st.builds(
    lambda parts, power: Product(tuple(parts), power),
    st.lists(factors(), min_size=1, max_size=3),
    st.integers(-2, 2),
)
sums = st.lists(products, min_size=1, max_size=3).map(tuple)
limits = st.fixed_dictionaries(
    {
        "LARGEST": st.sampled_from([made.LARGEST, 2.0]),
        "FEW_PRODUCTS": st.sampled_from([made.FEW_PRODUCTS, 1]),
        "CELLS_EACH": st.sampled_from([made.CELLS_EACH, 1]),
    }
)
"""Where numbers are divided, and where products become a sum: what is told is the same."""


@contextmanager
def limited(limits: dict[str, float]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, limit in limits.items():
            patch.setattr(made, name, limit)
        yield


def of(*numbers: float) -> Product:
    """Return a product of numbers that are the same everywhere."""
    alike = Pattern(SHAPE, np.ones((1, 1, 1)), (None,) * 3)
    return Product(tuple(replace(alike, entries=alike.entries * one) for one in numbers))


def held(product: Product) -> Any:
    """Return the number of every element."""
    dense = (one.entries[np.ix_(*map(one.index, AXES))] for one in product.factors)
    return reduce(np.multiply, dense) * 2.0**product.exponent


def square(first: int, last: int) -> Ways:
    """Return the positions from first to last along both axes."""
    inside = (np.arange(9) >= first) & (np.arange(9) <= last)
    parts = (
        Pattern((9, 9), inside.reshape(shape), (None, None), algebra=PRESENCE)
        for shape in ((9, 1), (1, 9))
    )
    return (Product(tuple(parts)),)


def held_of(ways: Ways) -> list[int]:
    """Return how many positions of a square there are ways from, of each product."""
    return [reached((one,), (0, 1)) for one in ways]


def summed(product: Product, axes: tuple[int, ...]) -> Any:
    """Return the sums over some axes; positions that no factor tells apart count as one."""
    alike = [axis for axis in axes if not any(one.varies(axis) for one in product.factors)]
    return held(product).sum(axes) / np.prod([SHAPE[axis] for axis in alike])


@settings(max_examples=50)
@given(sums, st.sampled_from(SUBSETS), limits)
def test_numbers_over_some_axes_are_sums_over_the_others(
    ways: Ways, axes: tuple[int, ...], limits: dict[str, float]
) -> None:
    others = tuple(axis for axis in AXES if axis not in axes)
    expected = sum(summed(product, others) for product in ways)

    with limited(limits):
        found, count = over(ways, axes), reached(ways, axes)
    # Of large numbers how they are to each other is told, in units of a power of two.
    unit = np.max(expected) / np.max(found) if np.any(found) else 1.0
    np.testing.assert_array_equal(found * unit, expected)
    assert np.log2(unit) == round(np.log2(unit))
    assert unit == 1 or limits["LARGEST"] == 2
    assert count == np.count_nonzero(expected)


def test_what_is_small_beside_the_largest_is_no_more_than_anything() -> None:
    few, many = of(3), replace(of(2), exponent=3000)

    for ways in ((few, many), (many, few)):
        np.testing.assert_array_equal(over(ways, AXES), np.full(SHAPE, 2.0))


@settings(max_examples=50)
@given(sums, sums, limits)
@example((of(2), of(2, 2, 1)), (of(2, 2, 2), of(2, 3, 1)), {})  # the third meets the second
@example((of(2, 0),), (of(0),), {})  # one factor is nothing, so all is
def test_sums_are_added_and_seen(one: Ways, two: Ways, limits: dict[str, float]) -> None:
    with limited(limits):
        both = added(one, two)
    whole = sum(map(held, (*one, *two)))

    np.testing.assert_array_equal(sum(map(held, both)), whole)
    present = added(made._filled(one), made._filled(two))
    np.testing.assert_array_equal(sum(map(held, present)) > 0, whole > 0)
    assert reached(present, AXES) == np.count_nonzero(whole)
    for axis in AXES:
        others = tuple(other for other in AXES if other != axis)
        np.testing.assert_array_equal(seen_along(both, axis), (whole > 0).any(others))


def test_of_what_is_only_seen_no_product_lies_within_another() -> None:
    place, wide = one_unit((9, 9), {0: 4, 1: 4}, PRESENCE), square(3, 5)

    assert len(added(place, place)) == 1
    assert [held_of(added(one, two)) for one, two in ((place, wide), (wide, place))] == [[9], [9]]
    assert held_of(added(square(0, 1), square(1, 2))) == [4, 4]


def test_numbers_may_outgrow_what_a_float_holds() -> None:
    ways: Ways = (of(2.0**1000),)
    for _ in range(30):  # a float ends at 2 ** 1024
        ways = added(ways, ways)

    ((number,),) = (one.factors for one in ways)
    assert np.log2(number.entries.max()) + ways[0].exponent == 1030
