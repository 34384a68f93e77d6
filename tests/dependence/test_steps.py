"""Each step on each kind of pattern, against the same on every element by itself."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from math import prod
from operator import or_
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from archscope.dependence.sets.algebra import NUMBERS
from archscope.dependence.sets.axes import cut
from archscope.dependence.sets.joining import joined
from archscope.dependence.sets.links import Links, from_matrix, gather, window
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import Sets, are_clipped
from archscope.dependence.sets.steps import (
    Keep,
    Mix,
    Permute,
    Reduce,
    ReduceWhere,
    Reshape,
    Spread,
    SpreadWhere,
    Step,
    Take,
    applied,
    transposed,
)

Relation = NDArray[np.bool_]
TRIES = 80


def some_of(chance: np.random.Generator, algebra: Any, shape: tuple[int, ...]) -> Pattern:
    """Return a pattern of some shape: alike along an axis, of two kinds, or each its own."""
    counts = [int(chance.choice([1, min(2, size), size])) for size in shape]
    places = tuple(
        None if count in (1, size) else chance.permutation(np.arange(size) % count)
        for size, count in zip(shape, counts, strict=True)
    )
    if algebra is NUMBERS:
        return Pattern(shape, chance.integers(0, 4, counts).astype(float), places)
    positional = tuple(bool(chance.integers(2)) for _ in shape)
    return Pattern(shape, of_bits(algebra, chance.integers(0, 16, counts)), places, positional,
                   algebra=algebra)  # fmt: skip


def of_bits(algebra: Sets, bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sets whose members are bits."""
    found = np.zeros(bits.shape, dtype=np.int64)
    for position in range(4):
        one = algebra.single(np.array(position))
        found = np.where(
            bits >> position & 1, algebra.unite(found, np.broadcast_to(one, found.shape)), found
        )
    return found


def dense(pattern: Pattern) -> Any:
    """Return what each element holds, a set as its bits."""
    entries = pattern.entries[np.ix_(*map(pattern.index, range(len(pattern.shape))))]
    if pattern.algebra is NUMBERS:
        return entries
    assert isinstance(pattern.algebra, Sets)
    return np.vectorize(pattern.algebra.bits, otypes=[object])(entries)


def some_step(chance: np.random.Generator, shape: tuple[int, ...], kind: type) -> Step:
    """Return a step of a kind from some shape."""
    axis = int(chance.integers(len(shape)))
    size = shape[axis]
    mask = chance.random([n if chance.integers(2) else 1 for n in shape]) > 0.4
    if kind is Take:
        if chance.integers(2):
            return Take(axis, gather(size, chance.integers(-1, size, int(chance.integers(1, 6)))))
        return Take(axis, from_matrix(chance.random((int(chance.integers(1, 6)), size)) > 0.5))
    if kind is Mix:
        groups = int(chance.choice([n for n in (1, 2, 3, 4) if size % n == 0]))
        return Mix(axis, size, groups * int(chance.integers(1, 4)), groups)
    if kind is Reduce:
        axes = tuple(sorted(chance.permutation(len(shape))[: chance.integers(1, len(shape) + 1)]))
        return Reduce(tuple(map(int, axes)), tuple(shape[at] for at in axes))
    if kind is Permute:
        return Permute(tuple(map(int, chance.permutation(len(shape)))))
    if kind is Reshape:
        after = [(-1,), (prod(shape[:2]), *shape[2:]), (shape[0], prod(shape[1:])), (1, *shape)]
        after += [(2, -1)] if prod(shape) % 2 == 0 else [(*shape, 1)]
        wanted = after[chance.integers(len(after))]
        return Reshape(shape, tuple(np.zeros(shape).reshape(wanted).shape))
    if kind is Keep:
        return Keep(mask)
    mask = np.broadcast_to(mask, [n if at == axis else w for at, (n, w) in
                                  enumerate(zip(shape, mask.shape, strict=True))])  # fmt: skip
    return ReduceWhere(axis, mask)


def relation(step: Step, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Relation]:
    """Return the shape after a step, and which element reads which, told one by one."""
    after: tuple[int, ...]
    match step:
        case Take(axis, read):
            after = (*shape[:axis], read.size, *shape[axis + 1 :])
        case Mix(axis, _, size):
            after = (*shape[:axis], size, *shape[axis + 1 :])
        case Reduce(axes):
            after = tuple(1 if at in axes else n for at, n in enumerate(shape))
        case Spread(axes, sizes):
            wide = dict(zip(axes, sizes, strict=True))
            after = tuple(wide.get(at, n) for at, n in enumerate(shape))
        case Permute(order):
            after = tuple(shape[at] for at in order)
        case Reshape(_, after):
            pass
        case ReduceWhere(axis):
            after = (*shape[:axis], 1, *shape[axis + 1 :])
        case SpreadWhere(axis, mask):
            after = (*shape[:axis], mask.shape[axis], *shape[axis + 1 :])
        case _:
            after = shape
    found = np.zeros((prod(after), prod(shape)), dtype=np.bool_)
    for row, out in enumerate(np.ndindex(*after)):
        for column, into in enumerate(np.ndindex(*shape)):
            found[row, column] = _reads(step, out, into, row == column)
    return after, found


def _at(mask: NDArray[np.bool_], place: tuple[int, ...]) -> bool:
    return bool(mask[tuple(min(at, n - 1) for at, n in zip(place, mask.shape, strict=True))])


def _reads(step: Step, out: tuple[int, ...], into: tuple[int, ...], same: bool) -> bool:
    match step:
        case Take(axis, read):
            own = read.gathered(1 << np.arange(read.reads), BITS)
            others = all(
                a == b for at, (a, b) in enumerate(zip(out, into, strict=True)) if at != axis
            )
            return others and bool(int(own[out[axis]]) >> into[axis] & 1)
        case Mix(axis, reads, size, groups):
            others = all(
                a == b for at, (a, b) in enumerate(zip(out, into, strict=True)) if at != axis
            )
            return others and out[axis] // (size // groups) == into[axis] // (reads // groups)
        case Reduce(axes) | Spread(axes):
            return all(
                a == b for at, (a, b) in enumerate(zip(out, into, strict=True)) if at not in axes
            )
        case Permute(order):
            return out == tuple(into[at] for at in order)
        case Reshape():
            return same
        case Keep(mask):
            return same and _at(mask, out)
        case ReduceWhere(axis, mask):
            others = all(
                a == b for at, (a, b) in enumerate(zip(out, into, strict=True)) if at != axis
            )
            return others and _at(mask, into)
        case SpreadWhere(axis, mask):
            others = all(
                a == b for at, (a, b) in enumerate(zip(out, into, strict=True)) if at != axis
            )
            return others and _at(mask, out)


class _Bits:
    """Sets of few positions as the bits of an integer."""

    nothing = 0

    def unite(self, one: Any, two: Any) -> Any:
        return one | two

    def over_ranges(self, entries: Any, starts: Any, stops: Any) -> Any:
        return np.array(
            [reduce(or_, entries[a:b].tolist(), 0) for a, b in zip(starts, stops, strict=True)]
        )


BITS: Any = _Bits()
KINDS = (Take, Mix, Reduce, Permute, Reshape, Keep, ReduceWhere)


def some_shape(chance: np.random.Generator) -> tuple[int, ...]:
    return tuple(map(int, chance.integers(1, 5, chance.integers(1, 4))))


def expected(step: Step, pattern: Pattern, reads: Relation) -> Any:
    held = dense(pattern).reshape(-1)
    if pattern.algebra is not NUMBERS:
        return [reduce(or_, held[row].tolist(), 0) for row in reads]
    found = reads @ held
    match step:
        case Mix():  # channels count as one
            return found / reads.sum(axis=1)
        case Reduce(axes):  # and what is alike along an axis
            return found / prod(pattern.shape[at] for at in axes if not pattern.varies(at))
        case ReduceWhere(axis) if not pattern.varies(axis):
            return found / np.maximum(reads.sum(axis=1), 1)
    return found


@pytest.mark.parametrize("of_sets", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_is_what_it_is_of_each_element(of_sets: bool, kind: type) -> None:
    chance = np.random.default_rng(0)
    for _ in range(TRIES):
        shape = some_shape(chance)
        pattern = some_of(chance, Sets() if of_sets else NUMBERS, shape)
        step = some_step(chance, shape, kind)
        after, reads = relation(step, shape)
        found = applied(step, pattern)
        held = dense(found)

        assert found.shape == after
        np.testing.assert_allclose(
            np.asarray(held.reshape(-1), dtype=float),
            np.asarray(expected(step, pattern, reads), dtype=float),
        )
        if of_sets and isinstance(step, Take | Mix | Reduce | Permute | Keep):
            assert found.positional == positional_after(step, pattern)
        for axis in range(len(after)):
            others = tuple(at for at in range(len(after)) if at != axis)
            assert found.filled(axis).tolist() == (held != 0).any(others).tolist()
        assert all((held[unit] == dense_at(found, unit)) for unit in np.ndindex(*after))


def positional_after(step: Step, pattern: Pattern) -> tuple[bool, ...]:
    """Return along which axes positions are told apart: along none that holds what all held."""
    before = pattern.positional
    match step:
        case Permute(order):
            return tuple(before[axis] for axis in order)
        case Reduce(axes):
            return tuple(is_so and axis not in axes for axis, is_so in enumerate(before))
        case Mix(axis, groups=1) if pattern.varies(axis):
            return tuple(is_so and at != axis for at, is_so in enumerate(before))
    return before


def dense_at(pattern: Pattern, unit: tuple[int, ...]) -> Any:
    (found,) = pattern.at(unit).tolist()
    return found if pattern.algebra is NUMBERS else pattern.sets.bits(found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_walked_backward_is_the_opposite_relation(kind: type) -> None:
    chance = np.random.default_rng(1)
    for _ in range(TRIES // 4):
        shape = some_shape(chance)
        step = some_step(chance, shape, kind)
        after, reads = relation(step, shape)

        np.testing.assert_array_equal(relation(transposed(step), after)[1], reads.T)
        np.testing.assert_array_equal(relation(transposed(transposed(step)), shape)[1], reads)


@pytest.mark.parametrize("of_sets", [True, False])
def test_two_patterns_meet_element_by_element(of_sets: bool) -> None:
    chance = np.random.default_rng(2)
    algebra = Sets() if of_sets else NUMBERS
    for _ in range(4 * TRIES):
        shape = some_shape(chance)
        one, two = some_of(chance, algebra, shape), some_of(chance, algebra, shape)
        a, b = dense(one), dense(two)

        assert (dense(one.united(two)) == (a | b if of_sets else a + b)).all()
        assert (dense(one.where(two)) == np.where(b != 0, a, 0)).all()
        if not of_sets:
            assert (dense(one.multiplied(two)) == a * b).all()
            continue
        assert one.covers(two) == ((a | b) == a).all()
        both, two = one.united(two), replace(two, picked=True)
        for found, picked in ((both, False), (both.united(two), True), (both.apart_as(two), True)):
            assert (dense(found) == (a | b)).all()  # of the last, the second lies within the first
            assert found.picked is picked
            assert found.positional == tuple(
                x or y for x, y in zip(one.positional, two.positional, strict=True)
            )
        for axis in range(len(shape)):
            assert (dense(one.compact(axis)) == a).all()
            rows = {str(row) for row in np.moveaxis(a, axis, 0).tolist()}
            assert one.compact(axis).entries.shape[axis] == len(rows) or not one.varies(axis)


def test_parts_side_by_side_are_what_they_were() -> None:
    chance = np.random.default_rng(3)
    for _ in range(TRIES):
        shape, algebra = some_shape(chance), Sets()
        axis = int(chance.integers(len(shape)))
        parts = [
            some_of(
                chance, algebra, (*shape[:axis], int(chance.integers(1, 4)), *shape[axis + 1 :])
            )
            for _ in range(int(chance.integers(1, 4)))
        ]
        parts += [parts[0]] * int(chance.integers(2))
        found = joined(parts, axis)

        np.testing.assert_array_equal(
            dense(found), np.concatenate([dense(part) for part in parts], axis=axis)
        )
        assert found.shape[axis] == sum(part.shape[axis] for part in parts)
        assert found.positional == tuple(
            any(part.positional[at] for part in parts) for at in range(len(shape))
        )


def test_parts_that_store_the_same_entries_in_another_order_are_not_mixed_up() -> None:
    algebra = Sets()
    own = algebra.single(np.arange(2))[None, :]
    one = Pattern((1, 2), own, (None, None), (False, True), algebra=algebra)
    turned = replace(one, entries=own + 2, places=(None, np.array([1, 0])))

    found = joined([one, turned], 0)

    np.testing.assert_array_equal(dense(found), np.concatenate([dense(one), dense(turned)]))


def test_of_parts_some_of_which_were_picked_all_may_be() -> None:
    algebra = Sets()
    one = Pattern((2,), algebra.single(np.array([1])), (None,), (False,), algebra=algebra)
    picked, part = replace(one, picked=True), replace(one, is_part=True)

    assert [joined(parts, 0).picked for parts in ([one, one], [one, picked])] == [False, True]
    assert [joined(parts, 0).is_part for parts in ([one, one], [one, part])] == [False, True]


def test_two_shapes_are_cut_into_the_shortest_parts() -> None:
    assert cut((4, 6), (2, 2, 6)) == (((4,), (2, 2)), ((6,), (6,)))
    assert cut((2, 1), (2,)) == (((2, 1), (2,)),)
    assert cut((3,), (3, 1, 1)) == (((3,), (3, 1, 1)),)


def test_an_axis_is_lost_where_no_part_of_it_tells_positions_apart() -> None:
    algebra = Sets()
    own = Pattern((4,), algebra.single(np.arange(4)), (None,), (True,), algebra=algebra)
    alike = replace(own, entries=own.entries[:1])

    found = [one.reshaped((4, 1)) for one in (own, alike)]
    assert [one.positional for one in found] == [(True, False), (False, False)]
    assert [one.picked for one in found] == [False, True]


def test_an_axis_that_positions_were_picked_from_comes_back_where_they_are_stacked() -> None:
    algebra = Sets()
    pattern = Pattern((2, 1), algebra.single(np.arange(2)[:, None]), (None, None), (False, False),
                      picked=True, algebra=algebra)  # fmt: skip
    links = gather(1, [0, 0])

    plain, stacked = applied(Take(1, links), pattern), applied(Take(1, links, True), pattern)
    assert (plain.positional, plain.picked) == ((False, False), True)
    assert (stacked.positional, stacked.picked) == ((False, True), False)
    assert stacked.restored(0).positional == (False, True)


def test_what_is_alike_along_an_axis_is_stored_once() -> None:
    algebra = Sets()
    alike = Pattern((3,), algebra.single(np.array([2])), (None,), (True,), algebra=algebra)

    for links in (gather(3, [0, 1, 2, 1]), from_matrix(np.ones((4, 3), dtype=np.bool_))):
        assert alike.taken(0, links).places == (None,)
    # of an axis of one position too there are windows that its ends cut short
    some = alike.taken(0, links_beyond(3)).entries
    assert are_clipped(some).tolist() == [False, True]


def test_what_is_stored_for_each_pair_is_no_reason_to_unite_pairs() -> None:
    """Scores by distance, skewed to keys, are of the query alone, in an entry for each pair."""
    algebra, shape = Sets(), (300, 300)
    places = algebra.single(np.arange(300))
    rows, keys = np.broadcast_to(places[:, None], shape), places[None]

    def pattern(entries: NDArray[np.int64]) -> Pattern:
        return Pattern(shape, entries, (None, None), (True, True), algebra=algebra)

    assert pattern(np.ascontiguousarray(rows)).widens(pattern(keys))
    assert not pattern(algebra.unite(rows, keys)).widens(pattern(keys))


def links_beyond(reads: int) -> Links:
    """Return windows of which the first and the last read past an end."""
    return window(reads, reads, kernel=3, padding=1)
