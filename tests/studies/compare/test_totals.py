"""Differences and ratios where there are any, and the reason where there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import archscope
from archscope.analyses.params.analysis import DOUBLE
from archscope.errors import ThresholdError, UsageError
from archscope.present.html.charts import drawings
from archscope.results import Note, Report
from archscope.saved import read_text
from archscope.studies.compare.limits import read_limits
from archscope.studies.compare.numbers import difference, ratio

Network = Callable[..., Report]
ONE = {"a": ("Linear", 100, 1_000)}
TWO = {"a": ("Linear", 150, 500)}


def rows(*networks: Report, **asked: Any) -> dict[str, Any]:
    found = archscope.compare(*networks, **asked)
    return {row.measure: row for row in found.section("compare.totals").rows}


def test_differences_are_against_the_first(network: Network) -> None:
    found = rows(network(ONE, "one"), network(TWO, "two"), network(ONE, "three"))

    assert found["params"].value == (100, 150, 100)
    assert (found["params"].difference, found["params"].ratio) == ((50, 0), (1.5, 1.0))
    assert (found["macs"].difference, found["macs"].ratio) == ((-500, 0), (0.5, 1.0))
    assert "frozen" not in found, "0 in all says nothing"
    assert "trainable" not in found, "as many as there are parameters"


@pytest.mark.parametrize(
    ("first", "other", "wanted"),
    [
        (2, 3, (1, 1.5)),
        (0, 3, (3, None)),  # a zero baseline has no ratio
        (0, 0, (0, None)),
        (None, 3, (None, None)),
        (3, None, (None, None)),
        ((2, 4), (4, 6), ((2, 2), (2.0, 1.5))),
        ((0, 4), (4, 4), ((4, 0), None)),
        ((2,), (2, 4), (None, None)),  # not along the same axes
        (0.25, 0.5, (0.25, 2.0)),
        (10**30, 10**30 + 1, (1, 1.0)),  # no digit is lost
    ],
)
def test_numbers_are_compared_exactly(first: Any, other: Any, wanted: Any) -> None:
    assert (difference(first, other), ratio(first, other)) == wanted


@pytest.mark.parametrize(
    ("changed", "measures", "said"),
    [
        ({"shape": (2, 8)}, ("macs", "flops"), "inputs differ: one 1×8 float32, two 2×8 float32"),
        ({"dtype": "int64"}, ("macs", "flops"), "two 1×8 int64"),
        ({"convention": DOUBLE}, ("flops",), "one fvcore, two 2 x MACs"),
        (
            {"complete": False, "parts": {"a": {"complete": False}}},
            ("macs", "flops"),
            "a bound of two: some of the work is unknown",
        ),
    ],
)
def test_what_cannot_be_compared_has_a_reason_and_no_difference(
    network: Network, changed: Any, measures: tuple[str, ...], said: str
) -> None:
    report = archscope.compare(network(ONE, "one"), network(TWO, "two", **changed))
    found = {row.measure: row for row in report.section("compare.totals").rows}

    for name, row in found.items():
        is_compared = name not in measures
        assert (row.difference != (None,)) == (is_compared and name != "complete"), name
        assert (said in row.why) != is_compared
    assert found["macs"].value == (1_000, 500), "each number is shown"
    for part in (*report.section("compare.modules").rows, *report.section("components").rows):
        assert (part.params_difference, part.flops_difference) == ((50,), (None,))


def test_a_hint_says_which_flag_gives_both_the_same_input(network: Network) -> None:
    one = network(ONE, "one", shape=(1, 64), seq_len=64)
    found = archscope.compare(one, network(TWO, "two", shape=(1, 32), seq_len=32))
    assert "Give all of them the same, e.g. --seq-len 32." in found.to("table")

    # What that flag does not decide is told without it.
    found = archscope.compare(one, network(TWO, "two", shape=(2, 32), seq_len=32))
    assert "Give all of them the same" not in found.to("table")


def test_what_is_known_of_one_alone_is_not_compared(network: Network) -> None:
    seen = archscope.rf([2, 2, 2])
    both = archscope.rf("cnn", dilations=(1, 2, 3))
    counted = network(ONE, "one")
    joined = replace(counted, sections=(*counted.sections, *seen.sections))
    found = archscope.compare(joined, network(TWO, "two"))

    assert "receptive fields are not compared with two" in found.to("table")
    assert {row.analysis for row in found.section("totals").rows} == {"params"}
    assert rows(seen, both)["coverage"].value == (49 / 169, 1)
    with pytest.raises(UsageError, match=r"one tells params, .* tells rf"):
        archscope.compare(counted, both)


def test_what_is_unknown_of_one_is_a_row_that_says_why() -> None:
    known = archscope.rf("cnn", spatial_dims=1, causal=True)
    unknown = archscope.rf("cnn", spatial_dims=1, norm="group")
    found = rows(known, unknown)["ahead"]

    assert (found.value, found.difference, found.ratio) == (((0,), None), (None,), (None,))
    assert "norm reads all positions" in found.why
    assert "ahead" not in rows(unknown, unknown)


def test_one_network_twice_is_equal(network: Network) -> None:
    found = archscope.compare(network(ONE), network(ONE))

    assert [note.text for note in found.notes if note.level == "ok"] == [
        "equal: 4 totals and 1 row of modules are the same in all networks"
    ]
    changed = archscope.compare(network(ONE), network(ONE), only_changed=True)
    assert changed.section("totals").rows == ()
    assert "+ 4 rows that are equal" in changed.to("table")


def test_the_warnings_of_networks_are_told_once(network: Network) -> None:
    plain, warned = network(ONE, "one"), network(ONE, "two")
    said = Note(level="warning", text="an operator is unknown")
    warned = replace(warned, sections=(replace(warned.sections[0], notes=(said,)),))

    def told(*reports: Report) -> list[str]:
        return [n.text for n in archscope.compare(*reports).notes if n.level == "warning"]

    assert told(warned, warned) == [said.text]
    assert told(warned, plain) == [f"two: {said.text}"]


def test_a_comparison_is_read_back_and_shown_in_every_format(network: Network) -> None:
    found = archscope.compare(*(network(net, str(n)) for n, net in enumerate((ONE, TWO, ONE))))
    again = read_text(found.to("json"))

    assert again == found
    for form in ("table", "csv", "md", "jsonl"):
        assert again.to(form) == found.to(form)
    header, first, *_ = found.to("csv").splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    assert (cells["value_a"], cells["value_b"], cells["difference_b"]) == ("100", "150", "50")
    assert list(found.to_frame("modules")["params_difference_c"]) == [0]


def test_a_page_has_one_table_of_totals_and_charts_with_all_networks(network: Network) -> None:
    found = archscope.compare(network(ONE, "one"), network(TWO, "two"))
    drawn = {drawing.name: drawing for _, drawing in drawings((found,))}

    assert set(drawn) == {"networks", "changes-params", "changes-flops"}
    assert drawn["networks"].figure["data"][0]["x"] == [100, 150]
    dots = [each for each in drawn["changes-params"].figure["data"] if each["mode"] == "markers"]
    assert [(each["name"], each["x"]) for each in dots] == [("one", [100]), ("two", [150])]
    headline = {each.name: each.value for each in found.section("totals").headline}
    assert headline["Parameters, two against one"] == 1.5


def test_a_chart_of_work_says_that_inputs_differ(network: Network) -> None:
    reports = (network(ONE, "one"), network(TWO, "two", shape=(1, 4)))

    for shown in (reports, (archscope.compare(*reports),)):
        drawn = {drawing.name: drawing.caption for _, drawing in drawings(shown)}
        assert "two 1×4" in drawn["changes-flops"].partition("Inputs differ: ")[2]
        assert drawn["changes-params"].startswith("The largest change")


def test_names_from_outside_are_made_safe(network: Network) -> None:
    evil = "net\x1b[31m\u202e"
    layers = {"a\x1b[2J": ("Li\nnear", 3, 3)}
    text = archscope.compare(network(layers, evil), network(TWO, "two")).to("table")

    assert not {"\x1b", "\u202e"} & set(text)
    assert "net\\x1b[31m\\u202e" in text


@pytest.mark.parametrize(
    ("limit", "before", "after", "holds"),
    [
        ("params:+50%", ONE, TWO, True),
        ("params:+49.9%", ONE, TWO, False),
        ("params:+0", ONE, ONE, True),
        ("params:49%", ONE, TWO, False),  # less is better: a rise is meant
        ("params:+50", ONE, TWO, True),
        ("params : + 0.049k", ONE, TWO, False),
        ("params:-0", TWO, ONE, False),
        ("params:-0", ONE, TWO, True),
        ("macs:-50%", ONE, TWO, True),
        ("weights:+200B", ONE, TWO, True),  # 4 bytes for each of 50
        ("weights:+0.1KiB", ONE, TWO, False),
        ("frozen:+1%", ONE, ONE, True),  # 0 and 0
        ("rf:-0", ONE, ONE, False),  # nobody asked
        ("complete:-0", ONE, ONE, True),
    ],
)
def test_limits(network: Network, limit: str, before: Any, after: Any, holds: bool) -> None:
    one, two = network(before, "one"), network(after, "two")
    if holds:
        text = archscope.compare(one, two, fail_on=limit).to("md")
        assert f"within every limit: {limit}" in text
        return
    with pytest.raises(ThresholdError, match="--fail-on") as raised:
        archscope.compare(one, two, fail_on=[limit])
    assert raised.value.report.section("totals").rows, "the answer is there"
    assert raised.value.report.notes[0].text == str(raised.value)


def test_networks_of_one_name_are_told_apart(network: Network) -> None:
    long = "x" * 40
    twins = [network(net, f"{long} · {long}") for net in (ONE, TWO)]
    names = [row.name for row in archscope.compare(*twins).section("networks").rows]

    assert len(set(names)) == 2
    assert rows(*twins)["params"].difference == (50,)


def test_a_field_that_is_said_of_none_is_refused(network: Network) -> None:
    with pytest.raises(UsageError, match="depth applies to named networks"):
        archscope.compare(network(ONE), network(TWO), depth=2)


def test_a_limit_says_what_is_and_what_was(network: Network) -> None:
    with pytest.raises(ThresholdError) as raised:
        archscope.compare(network(ONE, "one"), network(TWO, "two"), fail_on="params:+1%")

    assert str(raised.value) == "--fail-on params:+1%: 150 in two, 100 in one (+50%)"


@pytest.mark.parametrize(
    ("limit", "before", "after", "said"),
    [
        ("params:+1%", 10, 12_345, "12,345 in b, 10 in a (+123,350%)"),  # 12,335 / 10
        ("params:-1%", 100, 80, "80 in b, 100 in a (-20%)"),
        ("weights:+0", 2**18, 2**29, "2,147,483,648 bytes (2 GiB) in b, 1,048,576 bytes (1 MiB)"),
    ],
)
def test_a_limit_says_numbers_as_people_read_them(
    network: Network, limit: str, before: int, after: int, said: str
) -> None:
    one, two = ({"a": ("Linear", params, 1)} for params in (before, after))
    with pytest.raises(ThresholdError) as raised:
        archscope.compare(network(one, "a"), network(two, "b"), fail_on=limit)

    assert said in str(raised.value)


def test_a_bound_proves_what_follows_from_it_and_no_more(network: Network) -> None:
    partial = network(TWO, "two", complete=False)  # at least 500 of work
    with pytest.raises(ThresholdError, match="is not known"):
        archscope.compare(network(ONE, "one"), partial, fail_on="macs:+0")
    assert archscope.compare(network(TWO, "one"), partial, fail_on="macs:-0"), "500 and more"


def test_work_of_other_inputs_fails_a_limit(network: Network) -> None:
    with pytest.raises(ThresholdError, match="because inputs differ"):
        archscope.compare(
            network(ONE, "one"), network(ONE, "two", shape=(2, 8)), fail_on=("macs:+0",)
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("params", "write e.g. params:"),
        ("frozen:1%", "say whether it may rise"),
        ("parms:+1", "Did you mean 'params'"),
        ("params:+1ms", "not measured in 'ms'"),
        ("causal:-1", "is true or false"),
        ("params:+1.2.3", "is not a number"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_limits([text])
