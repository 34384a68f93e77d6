"""What a page draws of a sweep, as plotly's JSON."""

from __future__ import annotations

import json
from typing import Any

import archscope
from archscope.assertions import Found
from archscope.present.html.charts.variants import draw
from archscope.studies.sweep.answer import Choice, sections
from archscope.studies.sweep.outcomes import Answer, Outcome
from archscope.studies.sweep.rows import Layout, Measured
from archscope.study import assemble


def drawn(**asked: Any) -> dict[str, Any]:
    report = archscope.sweep(
        "cnn", depth=[2, 3, 4], dilations=[(1,), (1, 2)], measure=["rf", "ahead"], **asked
    )
    return {each.name: json.loads(json.dumps(each.figure)) for each in draw([report])}


def traces(figure: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in figure["data"]}


def test_two_numbers_by_a_third_with_the_front() -> None:
    found = drawn(plot=["depth", "rf", "dilations"], pareto=["depth", "rf"])
    by_name = traces(found["variants"])

    # 1 + 2·(1 + 1 + …) and 1 + 2·(1 + 2 + 1 + …)
    assert by_name["dilations 1"]["x"] == [2, 3, 4]
    assert by_name["dilations 1"]["y"] == [5, 7, 9]
    assert by_name["dilations 1,2"]["y"] == [7, 9, 13]
    front = by_name["Pareto front"]
    assert list(zip(front["x"], front["y"], strict=True)) == [(2, 7), (3, 9), (4, 13)]
    assert front["mode"] == "lines+markers"


def test_what_is_drawn_where_nobody_says() -> None:
    found = drawn()

    assert found["variants"]["layout"]["xaxis"]["title"]["text"] == "rf"
    assert {*traces(found["variants"])} == {"depth 2", "depth 3", "depth 4"}
    assert [each["label"] for each in found["parallel"]["data"][0]["dimensions"]] == [
        *("depth", "dilations", "rf", "ahead"),
    ]


def test_lines_of_equal_ratio_and_a_scale_of_many_colours() -> None:
    layout = Layout(
        axes=(("depth", "number"),),
        measured=tuple(Measured(measure=name, dimension="count") for name in ("params", "macs")),
    )
    made = [
        Outcome(
            place=n,
            name=f"cnn --depth {n}",
            values={"depth": n},
            answers=(Answer(analysis="params", found=counts(100 * n, 100 * n * (n + 10))),),
        )
        for n in range(1, 14)
    ]
    report = assemble("sweep", "sweep", layout.kept, sections(layout, made, Choice()))
    scatter = next(each for each in draw([report]) if each.name == "variants")
    by_name = traces(json.loads(json.dumps(scatter.figure)))

    assert by_name["variants"]["marker"]["color"] == list(range(1, 14))
    # between 11 and 23 MACs a parameter lies one round number
    assert {*by_name} == {"variants", "20.00 macs a param"}
    assert scatter.caption.startswith("13 variants: macs against params, by depth.")


def counts(params: int, macs: int) -> Any:
    return {
        name: {"count": Found(values=(value,))}
        for name, value in {"params": params, "macs": macs}.items()
    }
