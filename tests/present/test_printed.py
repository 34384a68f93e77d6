"""What a report says of itself in Python: the table where it is printed, else one line."""

from __future__ import annotations

import pickle
from copy import deepcopy
from dataclasses import replace

import archscope


def test_printed_it_is_the_table_and_by_itself_a_line() -> None:
    report = archscope.rf([1, 2, 4])

    assert f"{report}\n" == report.to("table")
    assert repr(report).startswith("<Report of rf: 'conv stack · 3 layers")
    assert "sections rf.layers, " in repr(report)


def test_a_title_from_outside_stays_one_line() -> None:
    hostile = replace(archscope.rf([1]), title="a\nb\x1b[31m")

    assert "\n" not in repr(hostile)
    assert "\x1b" not in repr(hostile) + str(hostile)


def test_a_figure_is_copied_and_pickled_like_any_other() -> None:
    figure = archscope.rf([1, 2, 4]).figure("gridding")

    for copy in (pickle.loads(pickle.dumps(figure)), deepcopy(figure)):
        assert copy == figure
        assert type(copy) is type(figure)
