"""What a row of units sees, told of a few rows by hand: windows, steps, ends, who shares what."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from test_sets import entries_of

from archscope.dependence.sets import lines
from archscope.dependence.sets.lines import Line
from archscope.dependence.sets.sets import Sets, clip

Sees = list[set[int]]


def line(size: int, sees: Sees, *, cut: tuple[int, ...] = (), in_order: bool = True) -> Line:
    """Return units that see some positions of `size`; those of `cut` would see more."""
    algebra = Sets()
    entries = entries_of(algebra, list(map(frozenset, sees)))
    return Line(size, clip(entries, np.isin(np.arange(len(sees)), cut)), algebra, in_order)


def windows(units: int, taps: list[int], step: int = 1) -> Sees:
    return [{unit * step + tap for tap in taps} for unit in range(units)]


CUT = [{0, 1}, *windows(4, [0, 1, 2]), {4, 5}]
ROUND = [{(unit + tap) % 6 for tap in (-1, 0, 1)} for unit in range(6)]
MASKED = [set(range(max(0, unit - 2), unit + 1)) for unit in range(8)]
PAIRS = [{unit // 2 * 2, unit // 2 * 2 + 1} for unit in range(8)]
THIRDS = [{(unit + (-3, -1, 1)[unit % 3]) // 3} for unit in range(61)]  # transposed, dilated
HALVES = [{unit // 2 + unit % 2 * 8} for unit in range(16)]
ROWS: dict[str, tuple[Line, dict[str, Any]]] = {
    "windows": (
        line(7, windows(5, [0, 1, 2])),
        {"interior": [0, 1, 2, 3, 4], "cycle": (1, 1), "jump": 1, "start": 0, "typical": 2,
         "least": 3, "hulls": (3, 3), "streams": 1, "is_regular": True}),
    "two halves interleaved": (
        line(8, [{unit // 2 + unit % 2 * 4} for unit in range(8)]),
        {"interior": list(range(8)), "typical": 3, "least": 1, "hulls": (1, 1), "streams": 0}),
    "two halves interleaved, then convolved": (
        line(16, [HALVES[unit - 1] | HALVES[unit] | HALVES[unit + 1] for unit in range(1, 15)]),
        {"interior": list(range(14)), "typical": 6, "least": 9, "hulls": (9, 9), "streams": 1}),
    "blocks of four, turned round": (
        line(12, [{unit // 4 * 4 + 3 - unit % 4} for unit in range(12)]),
        {"interior": list(range(12)), "cycle": (4, 4), "jump": 1, "typical": 5, "least": 1,
         "hulls": (1, 1), "streams": 0}),
    "steps of three, a hole": (
        line(12, windows(4, [0, 2], 3)),
        {"interior": [0, 1, 2, 3], "cycle": (1, 3), "jump": 3, "start": 0, "typical": 1,
         "least": 3, "hulls": (3, 3), "streams": 0, "is_regular": True}),
    "a hole that keeps two networks apart": (
        line(10, windows(6, [0, 2, 4])),
        {"interior": [0, 1, 2, 3, 4, 5], "cycle": (1, 1), "jump": 1, "start": 0, "typical": 2,
         "least": 5, "hulls": (5, 5), "streams": 2, "is_regular": True}),
    "cut at both ends": (
        line(6, CUT, cut=(0, 5)),
        {"interior": [1, 2, 3, 4], "cycle": (1, 1), "jump": 1, "start": -1, "typical": 2,
         "least": 3, "hulls": (3, 3), "streams": 1, "is_regular": True}),
    "cut by a mask, which does not say so": (
        line(8, MASKED),
        {"interior": [2, 3, 4, 5, 6, 7], "cycle": (1, 1), "jump": 1, "start": -2, "typical": 3,
         "least": 3, "hulls": (3, 3), "streams": 1, "is_regular": True}),
    "every second of a few, cut by a mask": (
        line(12, [set(range(unit, -1, -2)[:3]) for unit in range(12)]),
        {"interior": list(range(4, 12)), "cycle": (1, 1), "jump": 1, "start": -4, "typical": 5,
         "least": 5, "hulls": (5, 5), "streams": 2, "is_regular": True}),
    "round": (
        line(6, ROUND),
        {"interior": [1, 2, 3, 4], "around": 2, "cycle": (1, 1), "jump": 1, "start": -1,
         "typical": 2, "least": 3, "hulls": (3, 3), "streams": 1, "is_regular": True}),
    "round, each from the next on": (
        line(8, [{(unit + tap) % 8 for tap in (1, 2)} for unit in range(8)]),
        {"interior": [0, 1, 2, 3, 4, 5], "around": 2, "cycle": (1, 1), "jump": 1, "start": 1,
         "typical": 3, "least": 2, "hulls": (2, 2), "streams": 1, "is_regular": True}),
    "round by one": (
        line(6, [{unit, (unit + 1) % 6} for unit in range(6)]),
        {"interior": [0, 1, 2, 3, 4], "around": 1, "cycle": (1, 1), "jump": 1, "start": 0,
         "typical": 2, "least": 2, "hulls": (2, 2), "streams": 1, "is_regular": True}),
    "a hole that is wider than all units together": (
        line(11, windows(3, [0, 8])),
        {"interior": [0, 1, 2], "cycle": (1, 1), "jump": 1, "start": 0, "typical": 1,
         "least": 9, "hulls": (9, 9), "streams": 8, "is_regular": True}),
    "pairs": (
        line(8, PAIRS),
        {"interior": list(range(8)), "cycle": (2, 2), "jump": 1, "typical": 3, "least": 2,
         "hulls": (2, 2), "streams": 1}),
    "three on in two units": (
        line(9, [{3 * (unit // 2) + unit % 2} for unit in range(6)]),
        {"interior": list(range(6)), "cycle": (2, 3), "jump": Fraction(3, 2), "typical": 2,
         "least": 1, "hulls": (1, 1), "streams": 0}),
    "backward": (
        line(5, [{4 - unit} for unit in range(5)]),
        {"interior": list(range(5)), "typical": 2, "least": 1, "hulls": (1, 1), "streams": 0}),
    "all before": (
        line(4, [set(range(unit + 1)) for unit in range(4)]),
        {"interior": list(range(4)), "typical": 3, "least": 1, "hulls": (1, 4), "streams": 1,
         "goes_to_an_end": True, "sees_first": True, "jump_of_ends": 1}),
    "all after": (
        line(4, [set(range(unit, 4)) for unit in range(4)]),
        {"interior": list(range(4)), "typical": 0, "least": 1, "hulls": (1, 4), "streams": 1,
         "goes_to_an_end": True}),
    "all after, in any order": (
        line(4, [set(range(unit, 4)) for unit in range(4)], in_order=False),
        {"interior": list(range(4)), "typical": 0, "least": 1, "hulls": (1, 4), "streams": 1,
         "goes_to_an_end": True}),
    "one of two before": (
        line(8, [set(range(unit % 2, unit + 1, 2)) for unit in range(8)]),
        {"interior": list(range(8)), "typical": 6, "least": 1, "hulls": (1, 7), "streams": 2,
         "goes_to_an_end": True}),
    "one of two after": (
        line(8, [set(range(unit, 8, 2)) for unit in range(8)]),
        {"interior": list(range(8)), "typical": 1, "least": 1, "hulls": (1, 7), "streams": 2,
         "goes_to_an_end": True}),
    "all before, up to some": (
        line(8, [set(range(max(unit - 5, 0), unit + 1)) for unit in range(8)]),
        {"interior": list(range(8)), "typical": 5, "least": 1, "hulls": (1, 6), "streams": 1}),
    "all": (
        line(3, [{0, 1, 2}] * 4),
        {"interior": list(range(4)), "cycle": (1, 0), "jump": 0, "start": 0, "typical": 1,
         "least": 3, "hulls": (3, 3), "streams": 1, "is_regular": True}),
    "nothing": (line(3, [set(), set()]), {"is_whole": False}),
    "no units": (line(3, []), {"is_whole": False}),
    "all cut": (
        line(3, [{0, 1}, {1, 2}], cut=(0, 1)),
        {"is_whole": False, "typical": 0, "least": 2, "hulls": (2, 2)}),
    "wider where it is cut": (
        line(5, [{0}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}], cut=(1, 2)),
        {"is_whole": False, "typical": 2, "least": 1, "hulls": (1, 5), "goes_to_an_end": True,
         "sees_first": True}),
    "blocks of two and the one before": (
        line(10, [set(range(max(unit // 2 * 2 - 2, 0), unit // 2 * 2 + 2)) for unit in range(10)]),
        {"interior": list(range(2, 10)), "cycle": (2, 2), "jump": 1, "typical": 4, "least": 4,
         "hulls": (4, 4), "streams": 1}),
    "one": (
        line(3, [{1}]), {"interior": [0], "typical": 0, "least": 1, "hulls": (1, 1)}),
    "nothing between": (
        line(6, [{0}, set(), {2}, set(), {4}]),
        {"interior": [0, 2, 4], "cycle": (1, 2), "jump": 1, "typical": 2, "hulls": (1, 1),
         "streams": 0}),
    "nothing between, and the first again": (  # half a position further each time: it is no round
        line(5, [{0}, set(), {1}, set(), {2}, set(), {3}, set(), {0}]),
        {"interior": [0, 2, 4, 6], "cycle": (1, 1), "jump": Fraction(1, 2), "typical": 4,
         "hulls": (1, 1), "streams": 0}),
    "three to a position, the first and one of the last outside": (
        line(20, [seen & set(range(20)) for seen in THIRDS]),
        {"interior": list(range(1, 59)), "cycle": (3, 1), "jump": Fraction(1, 3), "typical": 30,
         "least": 1, "hulls": (1, 1), "streams": 2}),
    "all before, cut short but for the last": (
        line(4, [set(range(unit + 1)) for unit in range(4)], cut=(0, 1, 2)),
        {"interior": [3], "typical": 3, "least": 4, "hulls": (4, 4), "streams": 1,
         "goes_to_an_end": True, "sees_first": True, "jump_of_ends": 1}),
    "all before, by twos, cut short": (
        line(8, [set(range(2 * unit + 1)) for unit in range(4)], cut=(0, 1, 2, 3)),
        {"is_whole": False, "typical": 3, "least": 1, "hulls": (1, 7), "goes_to_an_end": True,
         "sees_first": True, "jump_of_ends": 2}),
    "kinds of windows": (
        line(6, [{0, 1}, {0, 2}, {0}], in_order=False),
        {"interior": [0, 1, 2], "typical": 1, "least": 1, "hulls": (1, 3), "streams": 1}),
    "too few copies": (
        line(5, [{0, 1}, {1, 2}, {2, 3}, {0, 4}]),
        {"interior": [0, 1, 2, 3], "typical": 3, "least": 2, "hulls": (2, 5), "streams": 1}),
    "wider in the middle": (
        line(9, [{0}, {1}, {2}, {3}, {2, 3, 4, 5}, {5}, {6}, {7}, {8}]),
        {"interior": list(range(9)), "typical": 4, "least": 1, "hulls": (1, 4), "streams": 1}),
    "wider at an end": (
        line(9, [{0, 1, 2}, {1}, {2}, {3}, {4}, {5}]),
        {"interior": list(range(6)), "typical": 0, "least": 1, "hulls": (1, 3), "streams": 1}),
    "the first again and again": (
        line(9, [{0}, {0}, {0}, {0}, {1}, {2}, {3}, {4}]),
        {"interior": [3, 4, 5, 6, 7], "cycle": (1, 1), "jump": 1, "start": -3, "typical": 3,
         "least": 1, "hulls": (1, 1), "streams": 0, "is_regular": True}),
}  # fmt: skip
OTHERWISE = {
    "interior": [], "around": 0, "cycle": None, "jump": None, "start": None, "typical": None,
    "least": 0, "hulls": (0, 0), "streams": None, "is_regular": False, "goes_to_an_end": False,
    "is_whole": True, "sees_first": False, "jump_of_ends": None,
}  # fmt: skip


def test_hundreds_of_samples_of_each_frame_repeat() -> None:
    """The second half of them sees the next frame too."""
    row = line(5, [{unit // 160, (unit + 80) // 160} for unit in range(640)])

    assert (row.cycle, row.jump, row.hulls) == ((160, 1), Fraction(1, 160), (1, 2))


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_of_units_sees(name: str) -> None:
    row, said = ROWS[name]
    found = {each: getattr(row, each) for each in OTHERWISE}
    found["interior"] = found["interior"].tolist()

    assert found == OTHERWISE | said
    sees = [set(np.flatnonzero([bits >> at & 1 for at in range(row.size)])) for bits in row.sets]
    assert row.widths.tolist() == [max(s) - min(s) + 1 if s else 0 for s in sees]
    assert row.firsts.tolist() == [min(s, default=0) for s in sees]


@pytest.mark.parametrize(
    ("limit", "name", "most", "said", "sees"),
    [
        ("LONGEST_CYCLE", "cycle", 2, (2, 2), PAIRS),
        ("LONGEST_CYCLE", "cycle", 1, None, PAIRS),
        ("LONGEST_PERIOD", "jump", 2, 1, PAIRS),
        ("FEWEST_COPIES", "start", 6, -2, MASKED),
        ("FEWEST_COPIES", "start", 7, None, MASKED),
        ("FEWEST_COPIES", "around", 4, 2, ROUND),
        ("FEWEST_COPIES", "around", 5, 0, ROUND),
        ("UNITS_COMPARED", "around", 2, 2, ROUND),
        ("UNITS_COMPARED", "around", 1, 0, ROUND),
        # of six units that are unlike the four in the middle are compared: none share
        ("UNITS_COMPARED", "streams", 4, 0, [{0}, {0}, {5}, {3}, {9}, {9}]),
        ("UNITS_COMPARED", "streams", 5, 1, [{0}, {0}, {5}, {3}, {9}, {9}]),
    ],
)
def test_up_to_which_many_units_are_compared(
    limit: str, name: str, most: int, said: Any, sees: Sees, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, limit, most)
    size = max(map(max, sees)) + 1

    assert getattr(line(size, sees), name) == said


@pytest.mark.parametrize(
    ("size", "first", "stops", "said"),
    [
        (9, 1, range(2, 10), True),
        (11, 1, range(2, 10), True),  # as many are left as there are units of a quarter
        (12, 1, range(2, 10), False),
        (12, 2, range(3, 11), True),
        (11, 2, range(3, 11), False),  # that is more than the first quarter of the positions
        (9, 1, (3, 3, 5, 5, 7, 7, 9, 9), False),  # some end where the one before does
    ],
)
def test_units_go_to_an_end_though_the_first_quarter_begins_later(
    size: int, first: int, stops: Sequence[int], said: bool
) -> None:
    sees = [set(range(first if unit < 2 else 0, stop)) for unit, stop in enumerate(stops)]
    turned = [{size - 1 - at for at in seen} for seen in reversed(sees)]

    assert [line(size, each).goes_to_an_end for each in (sees, turned)] == [said, said]
    assert not line(size, sees, cut=(7,)).goes_to_an_end
    assert not line(size, sees, in_order=False).goes_to_an_end
