"""The table of `make bench` says what was aimed at and whether it is met; it names no host."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from benchmarks.bench.report import as_json, as_markdown, machine
from benchmarks.bench.rows import Cost, Row, against

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row(what="a", ours=1.0), None),
        (Row(what="a", ours=2.0, theirs=1.0, ratio=2.0, aim=2.0), True),
        (Row(what="a", ours=2.1, theirs=1.0, ratio=2.1, aim=2.0), False),
        (Row(what="a", ours=0.3, aim=0.3, judged="ours"), True),
        (Row(what="a", ours=0.31, aim=0.3, judged="ours"), False),
        (Row(what="a", ours=0.89, aim=0.9, judged="at least"), False),
        (Row(what="a", ours=0.9, aim=0.9, judged="at least"), True),
        (Row(what="a", ours=1.0, ratio=0.94, aim=0.05, judged="near 1"), False),
        (Row(what="a", ours=1.0, ratio=1.04, aim=0.05, judged="near 1"), True),
        (Row(what="a", ours=None, aim=1.0, note="no browser"), False),
    ],
)
def test_an_aim_is_met_or_missed_and_said_so(row: Row, met: bool | None) -> None:
    assert row.met is met
    assert ("MISSED" in row.cells()) == (met is False and row.ours is not None)
    assert ("not measured" in row.cells()) == (row.ours is None)


def test_pairs_are_run_in_turns_and_ratios_are_of_pairs() -> None:
    # Twice as slow from the third run on: the ratio of each pair is 3 all the same.
    order: list[str] = []

    def cost(name: str, seconds: float) -> Cost:
        order.append(name)
        slow = 2.0 if len(order) > 6 else 1.0
        return Cost(seconds=slow * seconds, clock=2 * slow * seconds)

    row = against("a", lambda: cost("a", 3.0), "b", lambda: cost("b", 1.0), aim=2.0, pairs=4)

    assert "".join(order) == "ab" + "abbaabba"
    assert (row.ratio, row.clock, row.met) == (3.0, 3.0, False)


def test_the_report_says_the_machine_and_neither_host_nor_folder() -> None:
    found = {"Start": (Row(what="a", ours=2.0, theirs=1.0, anchor="b", ratio=2.0, aim=1.5),)}
    text = as_markdown(found, machine(), 60.0) + as_json(found, machine())

    assert "1 with an aim, 0 met, 1 missed" in text
    assert socket.gethostname() not in text
    assert str(ROOT) not in text


def test_every_command_is_started() -> None:
    from archscope.cli._group import summaries
    from benchmarks.bench.start import HEAVY, LIGHT

    started = {typed.split()[0] for typed in (*LIGHT, *HEAVY)}

    assert {*summaries()} - started == set()
