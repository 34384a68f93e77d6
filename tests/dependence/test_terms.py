"""Unions of products through chains of steps, against what each element is made of."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from test_steps import KINDS, relation, some_step

from archscope.dependence.answer.forward import seeds
from archscope.dependence.record.graph import Value
from archscope.dependence.sets import patterns
from archscope.dependence.sets import terms as made
from archscope.dependence.sets.links import gather
from archscope.dependence.sets.steps import Reduce, Reshape, Spread, Step, Take
from archscope.dependence.sets.terms import Terms, along, apply, side_by_side, unite

Reads = NDArray[np.bool_]
"""Which element is made of which of the input, (elements, elements of the input)."""


def chain(
    chance: np.random.Generator, shape: tuple[int, ...], length: int
) -> tuple[list[Step], tuple[int, ...], Reads]:
    """Return some steps, the shape after them, and what is then made of what."""
    steps: list[Step] = []
    reads = np.eye(int(np.prod(shape)), dtype=np.bool_)
    for _ in range(length):
        kind = KINDS[chance.integers(len(KINDS))]
        step = some_step(chance, shape, kind)
        more = [step]
        after, own = relation(step, shape)
        ones = tuple(axis for axis, size in enumerate(after) if size == 1)
        if ones and chance.integers(2):  # something is spread again
            more.append(Spread(ones[:1], (int(chance.integers(2, 4)),)))
        for each in more:
            shape, own = relation(each, shape)
            reads = own @ reads
            steps.append(each)
        if len(shape) > 3:
            break
    return steps, shape, reads


def held(pattern: Any) -> Any:
    """Return the set of each element along one axis of the input, as bits."""
    entries = pattern.entries[np.ix_(*map(pattern.index, range(len(pattern.shape))))]
    return np.vectorize(pattern.sets.bits, otypes=[object])(entries).reshape(-1)


def check(found: Terms, reads: Reads, before: tuple[int, ...]) -> None:
    places = np.array(list(np.ndindex(*before)))
    for axis in range(len(before)):
        wanted = [reduce(int.__or__, {1 << int(p[axis]) for p in places[row]}, 0) for row in reads]
        told_along = held(along(found, axis))
        # What is made of nothing says so along one axis alone.
        assert [one for one, all_ in zip(told_along, wanted, strict=True) if all_] == [
            all_ for all_ in wanted if all_
        ]
    told = np.zeros_like(reads)
    for term in found:
        product = np.ones_like(reads)
        for axis, pattern in enumerate(term.sets):
            bits = held(pattern)
            product &= np.array([[bool(one >> int(p[axis]) & 1) for p in places] for one in bits])
        told |= product
    assert not (reads & ~told).any()
    if all(term.exact for term in found):
        np.testing.assert_array_equal(told, reads)


@pytest.mark.parametrize(
    ("most", "split", "union"),
    [(1, 1, 1), (2, 3, 8), (9, 2, 1), (made.MOST_TERMS, made.MOST_SPLIT, patterns.LARGEST_UNION)],
)
def test_terms_hold_what_each_element_is_made_of(
    most: int, split: int, union: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "LARGEST_UNION", union)
    monkeypatch.setattr(made, "MOST_TERMS", most)
    monkeypatch.setattr(made, "MOST_SPLIT", split)
    chance, exact = np.random.default_rng(most), 0
    for _ in range(60):
        before = tuple(map(int, chance.integers(2, 4, 2)))
        start = seeds(Value(0, before), (0, 1))
        steps, _, reads = chain(chance, before, int(chance.integers(1, 5)))
        found = apply(steps, start)

        check(found, reads, before)
        exact += all(term.exact for term in found)
    assert exact > 20


@pytest.mark.parametrize("split", [3, 2])
def test_the_elements_of_a_diagonal_are_told_apart_where_they_are_few(
    split: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MOST_SPLIT", split)
    diagonal = [Take(0, gather(9, np.array([0, 4, 8]))), Reduce((0,), (3,))]
    found = apply([Reshape((3, 3), (9,)), *diagonal], seeds(Value(0, (3, 3)), (0, 1)))

    sees = sorted(tuple(int(held(one).item()) for one in term.sets) for term in found)
    assert sees == ([(1, 1), (2, 2), (4, 4)] if split == 3 else [(7, 7)])
    assert all(term.exact for term in found) == (split == 3)


def test_elements_are_told_apart_by_all_axes_but_the_last_together() -> None:
    shape, places = (3, 3, 3), [(0, 2, 0), (1, 0, 0), (1, 1, 1), (2, 0, 2)]
    taken = gather(27, np.ravel_multi_index(np.transpose(places), shape))
    steps = [Reshape(shape, (27,)), Take(0, taken), Reduce((0,), (4,))]
    found = apply(steps, seeds(Value(0, shape), (0, 1, 2)))

    sees = sorted(tuple(int(held(one).item()) for one in term.sets) for term in found)
    assert sees == [tuple(1 << at for at in place) for place in places]
    assert all(term.exact for term in found)


def flat(chance: np.random.Generator, before: tuple[int, ...], size: int | None) -> Any:
    """Return steps to a row of elements, of so many of them, and what each is made of."""
    steps, shape, reads = chain(chance, before, int(chance.integers(1, 4)))
    count = int(np.prod(shape))
    places = np.arange(count) if size is None else chance.integers(0, count, size)
    steps += [Reshape(shape, (count,)), Take(0, gather(count, places))]
    return steps, reads[places]


def test_terms_of_two_ways_stand_together() -> None:
    chance = np.random.default_rng(5)
    for _ in range(40):
        before = tuple(map(int, chance.integers(2, 4, 2)))
        start = seeds(Value(0, before), (0, 1))
        (one, of_one), (two, of_two) = (flat(chance, before, 5) for _ in range(2))
        check(unite([*apply(one, start), *apply(two, start)]), of_one | of_two, before)

        (one, of_one), (two, of_two) = (flat(chance, before, None) for _ in range(2))
        parts = [
            (apply(one, start), (len(of_one),)),
            ((), (2,)),
            (apply(two, start), (len(of_two),)),
        ]
        nothing = np.zeros((2, of_one.shape[1]), dtype=np.bool_)
        check(side_by_side(parts, 0), np.concatenate([of_one, nothing, of_two]), before)


def test_a_number_made_of_two_elements_holds_these_alone() -> None:
    start = seeds(Value(0, (2, 2)), (0, 1))
    elements = (
        apply((Reshape((2, 2), (4,)), Take(0, gather(4, [place])), Reshape((1,), ())), start)
        for place in (0, 3)
    )

    check(unite([one for terms in elements for one in terms]), np.eye(2).reshape(1, 4) > 0, (2, 2))
