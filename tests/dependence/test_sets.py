"""Sets that are kept once per kind, and relations as taps or ranges, against plain Python sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from itertools import combinations
from math import gcd
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from archscope.dependence.answer.forward import seeds
from archscope.dependence.record.graph import Value
from archscope.dependence.sets.algebra import NUMBERS
from archscope.dependence.sets.joining import joined
from archscope.dependence.sets.lines import Line
from archscope.dependence.sets.links import Links, Taps, from_matrix, so_far, window
from archscope.dependence.sets.masked import reduced_where
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import MANY, Sets, are_clipped, are_holed, clip, firsts
from archscope.dependence.sets.steps import Keep
from archscope.dependence.sets.terms import Term, along, apply, side_by_side, unite

SIZE = 9
some = st.frozensets(st.integers(0, SIZE - 1))
several = st.lists(some, min_size=1, max_size=12)


def entries_of(algebra: Sets, sets: list[frozenset[int]]) -> np.ndarray:
    """Return entries that were made one position at a time."""
    found = np.zeros(len(sets), dtype=np.int64)
    for number, members in enumerate(sets):
        for position in members:
            one = algebra.single(np.array([position]))
            found[[number]] = algebra.unite(found[[number]], one)
    return found


def sets_of(algebra: Sets, entries: np.ndarray) -> list[frozenset[int]]:
    bits = [algebra.bits(entry) for entry in entries.reshape(-1).tolist()]
    return [frozenset(n for n in range(seen.bit_length()) if seen >> n & 1) for seen in bits]


runs = st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans())


@settings(max_examples=30)
@given(st.lists(st.tuples(runs, runs), min_size=3, max_size=6))
def test_a_union_of_all_is_that_of_one_after_the_other(pairs: list[Any]) -> None:
    algebra = Sets()

    def run(first: int, length: int) -> int:
        places = algebra.single(np.arange(first, first + length))
        return int(algebra.united(places, 0)[0]) if length else algebra.nothing

    entries = np.array([[run(first, length) | cut for first, length, cut in two] for two in pairs])

    one_by_one = entries[:1]
    for each in entries[1:]:
        one_by_one = algebra.unite(one_by_one, each[None])
    assert algebra.united(entries, 0).tolist() == one_by_one.tolist()


@settings(max_examples=30)
@given(several, several, st.sampled_from((4, 1000)))
def test_unions_are_those_of_sets(
    one: list[frozenset[int]], two: list[frozenset[int]], parts: int
) -> None:
    algebra = Sets()
    a, b = entries_of(algebra, one), entries_of(algebra, two)

    assert sets_of(algebra, a) == one
    assert sets_of(algebra, algebra.unite(a[:, None], b)) == [x | y for x in one for y in two]
    assert sets_of(algebra, algebra.united(a, 0)) == [frozenset().union(*one)]
    assert [algebra.cover(a[[n]], b[[m]]) for n in range(len(a)) for m in range(len(b))] == [
        x >= y for x in one for y in two
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archscope.dependence.sets.sets.MANY", parts)
        assert algebra.cover(a[:, None], b) == all(x >= y for x in one for y in two)
    assert algebra.widths(a).tolist() == [max(x) - min(x) + 1 if x else 0 for x in one]
    assert firsts(a).tolist() == [min(x, default=0) for x in one]
    assert are_holed(a).tolist() == [
        len(x) < max(x, default=-1) - min(x, default=0) + 1 for x in one
    ]


def test_windows_that_are_copies_are_one_kind_wherever_they_lie() -> None:
    algebra = Sets()
    entries = algebra.single(np.arange(10_000))
    for rate in (1, 2, 4, 8):
        read = window(len(entries), len(entries) - rate, kernel=2, dilation=rate)
        entries = read.gathered(entries, algebra)

    assert len(set((entries >> 33).tolist())) == 1
    assert len(algebra._bits) < 40


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.booleans())), st.booleans())
@example([], False)
@example([(first, 3, first % 2 == 1) for first in range(20)], False)
@example([(first, 3, False) for first in range(4)], True)
def test_unions_over_ranges_are_those_of_sets(
    runs: list[tuple[int, int, bool]], holed: bool
) -> None:
    algebra = Sets()
    sets = [
        frozenset(range(first, first + length)) - {first + 1 if holed else None}
        for first, length, _ in sorted(runs)
    ]
    marks = np.array([mark for _, _, mark in sorted(runs)], dtype=np.bool_)
    entries = clip(entries_of(algebra, sets), marks)
    starts, stops = np.triu_indices(len(sets) + 1)  # empty ones among them

    found = algebra.over_ranges(entries, starts, stops)

    ranges = list(zip(starts.tolist(), stops.tolist(), strict=True))
    assert sets_of(algebra, found) == [frozenset().union(*sets[a:b]) for a, b in ranges]
    assert are_clipped(found).tolist() == [bool(marks[a:b].any()) for a, b in ranges]


def test_many_sets_are_compared_in_parts() -> None:
    algebra, reads = Sets(), np.arange(700)
    prefixes = so_far(700).gathered(algebra.single(reads), algebra)
    others = np.tile(algebra.single(reads), (200, 1))  # 140,000 pairs, each position in its prefix
    assert others.size > 2 * MANY

    assert algebra.cover(prefixes, others)
    others[101, 301] = algebra.single(np.array([302]))[0]  # the next is not; no corner is there
    assert not algebra.cover(prefixes, others)
    assert not algebra.cover(others, prefixes)


def test_the_mark_of_a_border_stays_with_every_union() -> None:
    algebra = Sets()
    entries = clip(algebra.single(np.arange(4)), np.array([False, False, False, True]))

    assert are_clipped(algebra.united(entries, 0)).tolist() == [True]
    assert not algebra.cover(algebra.single(np.array([3])), entries[3:])
    assert algebra.cover(entries[3:], clip(np.array([algebra.nothing]), np.array([True])))


@settings(max_examples=30)
@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=8))
def test_relations_lead_where_their_matrices_lead(rows: list[list[bool]]) -> None:
    matrix = np.array(rows)
    _check(from_matrix(matrix), matrix)


@pytest.mark.parametrize(
    ("build", "members"),
    [
        (lambda: so_far(150), lambda o, i: i <= o),
        (lambda: so_far(150, backward=True), lambda o, i: i >= o),
        (lambda: window(150, 151, kernel=80, padding=40), lambda o, i: o - 40 <= i < o + 40),
        (lambda: window(150, 40, kernel=70, stride=2), lambda o, i: 2 * o <= i < 2 * o + 70),
        (lambda: window(150, 90, kernel=7, dilation=10), lambda o, i: i in range(o, o + 61, 10)),
    ],
)
def test_long_windows_are_ranges(
    build: Callable[[], Links], members: Callable[[int, int], bool]
) -> None:
    links = build()
    matrix = np.array([[members(o, i) for i in range(150)] for o in range(links.size)])
    _check(links, matrix)


@pytest.mark.parametrize("far", [200, 40])
def test_a_mask_with_a_few_long_runs_is_ranges(far: int) -> None:
    """The first tokens and those before, or those before that are near: two runs."""
    matrix = np.tri(200, dtype=np.bool_) & ~np.tri(200, k=-far, dtype=np.bool_)
    matrix[:, :8] = True
    matrix[0] = False
    links = from_matrix(matrix)

    assert not isinstance(links, Taps)
    assert from_matrix(matrix.copy()) is links
    _check(links, matrix)


def _check(links: Links, matrix: np.ndarray) -> None:
    algebra = Sets()
    for relation, wanted in ((links, matrix), (links.transposed, matrix.T)):
        reads = np.arange(relation.reads)
        found = relation.gathered(algebra.single(reads), algebra)
        assert sets_of(algebra, found) == [
            frozenset(np.flatnonzero(row).tolist()) for row in wanted
        ]
        assert relation.counts.tolist() == wanted.sum(axis=1).tolist()
        numbers = np.random.default_rng(0).integers(1, 9, relation.reads).astype(np.float64)
        assert (relation.gathered(numbers, NUMBERS) == wanted @ numbers).all()
    assert (links.size, links.reads) == matrix.shape


def test_what_each_position_is_read_by_once_is_gathered() -> None:
    back = window(8, 4, kernel=2, stride=2).transposed

    assert back.gathers is not None
    assert back.gathers.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_prefixes_are_no_sets_of_their_own() -> None:
    algebra = Sets()
    reads = np.arange(5_000)
    found = so_far(5_000).gathered(algebra.single(reads), algebra)

    assert algebra.widths(found).tolist() == list(range(1, 5_001))
    assert not algebra._bits  # runs are told by their lengths
    assert algebra.bits(int(found[9])) == (1 << 10) - 1


def test_numbers_of_a_group_are_averaged_and_of_an_axis_summed() -> None:
    # Channels count as one: (1 + 3 + 5 + 7) / 4, and of two groups (1 + 3) / 2 and (5 + 7) / 2.
    pattern = Pattern(shape=(4,), entries=np.array([1.0, 3.0, 5.0, 7.0]), places=(None,))

    assert pattern.mixed(0, 2, 1).expanded(0).tolist() == [4.0, 4.0]
    assert pattern.mixed(0, 4, 2).expanded(0).tolist() == [2.0, 2.0, 6.0, 6.0]
    assert pattern.reduced((0,)).expanded(0).tolist() == [16.0]


def product(algebra: Sets, row: int, column: int, *, exact: bool) -> Term:
    """Return the term of one element that sees one position of an image."""
    sets = (
        Pattern(shape=(1,), entries=algebra.single(np.array([at])), places=(None,),
                positional=(False,), algebra=algebra)
        for at in (row, column)
    )  # fmt: skip
    return Term(tuple(sets), exact)


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("two", [False, True])
def test_what_holds_a_bound_is_none_but_a_bound(one: bool, two: bool) -> None:
    algebra = Sets()
    terms = product(algebra, 0, 3, exact=one), product(algebra, 1, 3, exact=two)
    (found,) = unite(terms)

    assert all(each.covers(each) for each in found.sets)
    assert [sets_of(algebra, each.entries) for each in found.sets] == [[{0, 1}], [{3}]]
    assert found.exact == (one and two)


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_what_is_exact_is_kept_beside_a_bound_that_it_lies_within(
    within: bool, whole: bool
) -> None:
    algebra = Sets()
    (wide,) = unite(product(algebra, row, 3, exact=whole) for row in (0, 1))
    narrow = product(algebra, 0, 3, exact=within)

    for both in ((narrow, wide), (wide, narrow)):
        kept = [other for other in both if other is wide or (within and not whole)]
        assert list(unite(both)) == kept


def test_a_place_of_its_own_stays_in_a_union_along_each_axis() -> None:
    algebra = Sets()
    rows, columns = algebra.single(np.arange(3))[:, None], algebra.single(np.arange(3))[None]
    every = algebra.united(columns, 1)
    row, column, whole = (
        Pattern((3, 3), entries, (None, None), positional, algebra=algebra)
        for entries, positional in (
            (rows, (True, False)), (columns, (False, True)), (every, (False, False))
        )
    )  # fmt: skip
    for both in ([(row, whole), (row, column)], [(row, column), (row, whole)]):
        (found,) = unite(Term(sets, exact=True) for sets in both)

        assert [one.units for one in found.sets] == [(0,), (1,)]
        assert sets_of(algebra, found.sets[1].expanded(1)) == [frozenset(range(3))] * 3


def test_rows_of_padding_do_not_tell_columns_apart() -> None:
    held = np.array([[True], [True], [False]])
    (term,) = apply([Keep(held)], seeds(Value(0, (3, 3)), (0, 1)))

    assert not term.sets[0].filled(0).all()
    assert along([term], 1).entries.shape == (1, 3)


@settings(max_examples=30)
@given(st.lists(some, min_size=2, max_size=12), st.integers(1, 4))
def test_networks_that_lie_between_each_other_are_told_of_any_windows(
    sets: list[frozenset[int]], apart: int
) -> None:
    """Units of one network in `apart` share positions, if any do: those of its own."""
    spread = [
        frozenset(n * apart + unit % apart for n in members) for unit, members in enumerate(sets)
    ]
    algebra = Sets()
    line = Line(SIZE * apart, entries_of(algebra, spread), algebra, in_order=False)
    assume(any(spread) and not line.is_regular)
    meet = [
        two - one for one, two in combinations(range(len(sets)), 2) if spread[one] & spread[two]
    ]

    assert line.streams == gcd(*meet)


def test_what_comes_in_at_the_other_end_is_told_apart_from_the_longest_run() -> None:
    algebra = Sets()
    line = Line(
        16, entries_of(algebra, [frozenset([(unit - 3) % 16]) for unit in range(16)]), algebra
    )

    assert (line.interior.tolist(), line.around, line.start) == (list(range(3, 16)), 3, -3)


def test_there_is_no_jump_where_units_that_see_anything_lie_unevenly() -> None:
    algebra, seen = Sets(), [{0}, {1}, set(), {2}, set(), set(), {3}]
    line = Line(4, entries_of(algebra, list(map(frozenset, seen))), algebra)

    assert (line.cycle, line.jump) == ((1, 1), None)


def test_a_part_that_depends_on_nothing_leaves_a_concatenation_exact() -> None:
    algebra = Sets()
    (found,) = side_by_side([((product(algebra, 2, 3, exact=True),), (1,)), ((), (2,))], 0)

    told, _ = found.sets  # one alone says of an element that it depends on nothing
    assert found.exact
    assert [told.sets.bits(int(told.at((unit,))[0])) for unit in range(3)] == [1 << 2, 0, 0]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("first", [True, False])
def test_one_axis_alone_says_which_part_depends_on_nothing(axis: int, first: bool) -> None:
    """The other axes see what they saw, also beside what nothing is known of."""
    shape = (2, 3)
    image = seeds(Value(0, shape), (0, 1))
    padding = ((), shape)
    (found,) = side_by_side([padding, (image, shape)] if first else [(image, shape), padding], axis)

    assert [one.varies(axis) for one in found.sets] == [at == axis for at in (0, 1)]
    filled = np.arange(2 * shape[axis]) // shape[axis] == int(first)
    assert found.sets[axis].filled(axis).tolist() == filled.tolist()


def test_a_bound_beside_what_is_exact_is_a_bound() -> None:
    algebra = Sets()
    parts = [((product(algebra, 2, 3, exact=exact),), (1,)) for exact in (True, False)]

    assert [term.exact for term in side_by_side(parts, 0)] == [False]


def test_what_lies_within_another_is_told_apart_without_a_union() -> None:
    algebra = Sets()
    every = algebra.united(algebra.single(np.arange(4)), 0)[:, None]
    whole = Pattern((4, 3), every, (None, None), (False, False), algebra=algebra)
    own = algebra.single(np.array([0, 2]))[:, None]
    places = np.array([0, 1, 0, 1])
    part = Pattern((4, 3), own, (places, None), (True, False), picked=True, algebra=algebra)

    found = whole.apart_as(part)

    union = whole.united(part)
    assert sets_of(algebra, found.expanded(0)) == [frozenset(range(4))] * 4
    assert found.entries.tolist() == union.entries.tolist()
    assert (found.shape, found.units, found.picked) == (union.shape, (0,), True)
    assert found.places[0] is places


@pytest.mark.parametrize("length", [1 << 15, 1 << 21])
def test_pairs_of_far_and_holed_sets_are_told_apart(length: int) -> None:
    """Lengths whose squares are where kinds with holes begin, and whose cubes no integer holds."""
    algebra, holed = Sets(), frozenset((0, 2))
    run = algebra.united(algebra.single(np.arange(length)), 0)
    one = np.concatenate([run, entries_of(algebra, [frozenset((0,)), holed])])
    two = entries_of(algebra, [frozenset(range(3)), holed, frozenset((0, 1, 3))])
    far = (two + ((length + np.array([[1], [2]])) << 1)).reshape(-1)

    found = algebra.unite(one[:, None], far)

    assert [algebra.bits(each) for each in found.reshape(-1).tolist()] == [
        a | b << length + apart
        for a in ((1 << length) - 1, 0b1, 0b101) for apart in (1, 2) for b in (0b111, 0b101, 0b1011)
    ]  # fmt: skip


def test_what_is_alike_along_an_axis_is_one_entry_of_no_place() -> None:
    algebra = Sets()
    entries = algebra.single(np.array([2, 2, 2, 2]))
    found = Pattern((4,), entries, (None,), (False,), algebra=algebra)

    for one in (found.compact(0), joined([found.compact(0)] * 2, 0)):
        assert one.places == (None,)
        assert one.entries.shape == (1,)


def test_positions_that_a_mask_lets_through_lie_along_the_axis_that_reads_them() -> None:
    algebra, mask = Sets(), np.tri(2, dtype=np.bool_).T  # the second reads both
    entries = algebra.single(np.arange(2))[:, None]
    found = Pattern((2, 2), entries, (None, None), (True, False), algebra=algebra)
    batch = Pattern((1, 2, 2), entries[None], (None,) * 3, (False, True, False), algebra=algebra)

    for read in (reduced_where(found, 0, mask), reduced_where(batch, 1, mask[None])):
        assert sets_of(algebra, read.entries) == [{0}, {0, 1}]
        assert read.positional[-2:] == (False, True)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("turned", [None, 0, 1])
def test_what_is_read_through_two_masks_is_what_both_let_through(
    axis: int, alike: bool, turned: int | None
) -> None:
    draw = np.random.default_rng(0)
    algebra, masks = Sets(), draw.random((20, 2, 4, 5)) < 0.5
    for put, read in masks:
        entries = algebra.single(draw.integers(9, size=(1, 5) if alike else (4, 5)))
        clipped = clip(entries, draw.random(entries.shape) < 0.3)
        found = Pattern((4, 5), clipped, (None, None), (False, True), algebra=algebra).kept(put)
        if turned is not None:  # stored from the last to the first
            places = [None if at != turned else np.arange(put.shape[at])[::-1] for at in (0, 1)]
            found = replace(found, entries=np.flip(found.entries, turned), places=tuple(places))

        at_once, one_by_one = reduced_where(found, axis, read), found.kept(read).reduced((axis,))

        assert np.array_equal(at_once.expanded(1 - axis), one_by_one.expanded(1 - axis))
        assert at_once.positional == one_by_one.positional
        assert at_once.shape == one_by_one.shape


@pytest.mark.parametrize("other", [True, False])
def test_what_a_part_and_the_whole_see_together_is_no_part(other: bool) -> None:
    algebra = Sets()
    one, two = (
        Pattern((2,), algebra.single(np.arange(2) + first), (None,), (True,), algebra=algebra)
        for first in (0, 2)
    )
    parts = (replace(one, is_part=True), replace(two, is_part=True) if other else two)
    found = reduce(Pattern.united, parts)

    assert (found.is_part, found.reduced((0,)).picked) == (other, other)
    assert not one.reduced((0,)).picked


def test_what_a_mask_keeps_of_classes_has_each_position_its_own() -> None:
    algebra = Sets()
    turned = Pattern(
        (2,), algebra.single(np.arange(2)), (np.array([1, 0]),), (True,), algebra=algebra
    )

    found = turned.kept(np.array([True, False]))
    assert sets_of(algebra, found.expanded(0)) == [{1}, frozenset()]
