"""Which variants are chosen and how they are told: held against plain enumeration."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from archscope.assertions import Found
from archscope.errors import UsageError
from archscope.results import Report
from archscope.saved import read_text
from archscope.studies.sweep.answer import Choice, sections
from archscope.studies.sweep.choosing import front, goal, ranked, read_where
from archscope.studies.sweep.outcomes import Answer, Outcome, of_json, to_json
from archscope.studies.sweep.rows import Layout, Measured, layout_of, variants_of
from archscope.study import assemble

LAYOUT = Layout(
    axes=(("depth", "number"), ("status", "text")),
    measured=(
        Measured(measure="params", dimension="count"),
        Measured(measure="rf", dimension="positions"),
        Measured(measure="rf", dimension="time"),
        Measured(measure="causal", dimension="switch"),
    ),
    group="depth",
)


def outcome(place: int, params: int | None, rf: Any = None, **more: Any) -> Outcome:
    known = {
        "params": {"count": Found(values=() if params is None else (params,), why="no count")},
        "rf": {"positions": rf or Found(values=(place,))},
    }
    return Outcome(
        place=place,
        name=f"net {place}",
        values={"depth": place % 3, "status": "x"},
        fields={"depth": place % 3, "bias": place % 2 == 0},
        answers=(Answer(analysis="params", found=known, road="by hand"),),
        wanted=("params",),
        **more,
    )


def report(*outcomes: Outcome, **choice: Any) -> Report:
    found = sections(LAYOUT, outcomes, Choice(**choice))
    return assemble("sweep", "sweep · net", LAYOUT.kept, found)


def test_the_front_is_what_no_other_beats() -> None:
    draw = random.Random(1)
    goals = (goal("params", ()), goal("rf", ()), goal("-depth", ("depth",)))
    for _ in range(30):
        made = [
            outcome(n, draw.randrange(12), Found(values=(draw.randrange(9), 4))) for n in range(40)
        ]
        points = {
            each.place: (
                -each.of("params", "count").values[0],
                min(each.of("rf", "positions").values),  # along the worst axis
                each.fields["depth"],
            )
            for each in made
        }
        unbeaten = {
            place
            for place, p in points.items()
            if not any(q != p and all(a >= b for a, b in zip(q, p, strict=True))
                       for q in points.values())
        }  # fmt: skip
        assert front(made, goals) == unbeaten


def test_what_is_not_known_exactly_ranks_nowhere() -> None:
    bound = Found(values=(99,), bound="at least")
    made = [outcome(0, 5), outcome(1, None), outcome(2, 1, bound), outcome(3, 7)]

    assert front(made, (goal("params", ()), goal("rf", ()))) == {0, 3}
    assert [each.place for each in ranked(made, goal("params", (), ranked=True))] == [2, 0, 3, 1]
    assert [each.place for each in ranked(made, goal("-rf", (), ranked=True))] == [0, 1, 3, 2]


def test_a_condition_leaves_out_what_it_is_not_true_of_and_marks_what_is_open() -> None:
    bound = Found(values=(50,), bound="at least", why="a pool is global")
    made = [outcome(0, 5, Found(values=(10,))), outcome(1, 5, bound), outcome(2, 500, bound)]
    where = read_where("params < 100 and rf <= 60", ("depth", "bias"), ("bias",))
    found = report(*made, where=where).section("sweep.variants")

    assert [row.number for row in found.rows] == [1, 2]
    assert [row.holds for row in found.rows] == [
        "",
        "unknown: rf is at least 50 positions, because a pool is global",
    ]
    (note,) = found.notes
    assert "it holds of 1 of 3 variants, of 1 that is not known, 1 is left out" in note.text
    only = read_where("bias and depth >= 1", ("depth", "bias"), ("bias",))
    assert [row.number for row in report(*made, where=only).section("variants").rows] == [3]


def test_of_no_network_the_axes_are_known_all_the_same() -> None:
    refused = Outcome(place=0, name="net", values={"depth": 2, "dilations": "1,2"}, refused="no")

    assert refused.field("depth") == Found(values=(2,))
    assert refused.field("dilations") == Found(why="no")


def test_a_saved_sweep_is_read_back_whatever_its_axes_are_called() -> None:
    wide = Found(values=(3, 5), bound="at most")
    made = report(outcome(0, 5, wide), outcome(4, None), pareto=(goal("params", ()),))
    back = read_text(made.to("json"))

    assert [(s.rows, s.notes) for s in back.sections] == [(s.rows, s.notes) for s in made.sections]
    first, second = back.section("sweep.variants").rows
    assert (first.status_axis, first.status, first.rf, first.rf_is) == (
        "x",
        "done",
        (3, 5),
        "at most",
    )
    assert (second.params, second.params_is, second.pareto) == (None, "unknown", False)
    assert second.reason.startswith("params: no count")
    (one, other) = back.section("sweep.groups").rows
    assert (one.depth, one.number, one.least_rf, other.most_rf) == (0, 1, (3, 5), 4)
    made.to_frame("sweep.variants")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"axes": ["depth"], "measures": []},
        {"axes": {"a b": "number"}, "measures": []},
        {"axes": {"a": "html"}, "measures": []},
        {"axes": {}, "measures": [["params"]]},
        {"axes": {}, "measures": [["params", "time"]]},
        {"axes": {}, "measures": [["nothing", "count"]]},
    ],
)
def test_a_config_that_tells_no_rows_is_an_error(config: dict[str, Any]) -> None:
    document = json.loads(report(outcome(0, 5)).to("json"))
    with pytest.raises(UsageError):
        read_text(json.dumps({**document, "config": config}))


def test_types_follow_from_the_config() -> None:
    assert layout_of(json.loads(json.dumps(LAYOUT.kept))) == LAYOUT
    assert variants_of(LAYOUT).row_type is variants_of(layout_of(LAYOUT.kept)).row_type


def test_numbers_are_kept_exactly() -> None:
    (answer,) = outcome(3, 2**70).answers

    assert of_json(json.loads(json.dumps(to_json(answer)))) == answer.found
    for wrong in ([], {"params": 1}, {"params": {"count": {"values": [None]}}},
                  {"params": {"count": {"values": [1], "bound": "about"}}}):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            of_json(wrong)


@pytest.mark.parametrize("word", ["parms", "jump"])
def test_what_ranks_nothing(word: str) -> None:
    with pytest.raises(UsageError, match=r"'params'\? `archscope list mea|cannot rank variants"):
        goal(word, ())
