"""Budgets are read with their lines, numbers are held against them, and a lock file is exact."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import archscope
from archscope.assertions import Dimension, Found
from archscope.errors import ArchscopeError, ThresholdError, UncheckedError, UsageError
from archscope.studies.changes import read_change
from archscope.studies.check import comparison, lock, messages
from archscope.studies.check.budgets import Budget, chosen
from archscope.studies.check.reading import read_budgets
from archscope.studies.check.rows import LimitRow
from archscope.studies.check.source import Source
from archscope.studies.measures import measure


def budgets(text: str) -> tuple[Budget, ...]:
    return read_budgets(tomllib.loads(text)["budget"], Source(name="a.toml", text=text))


def one(*lines: str) -> Budget:
    (found,) = budgets("\n".join(["[[budget]]", 'model = "net"', *lines]))
    return found


def test_a_budget_is_read_in_the_order_in_which_it_is_written() -> None:
    found = one(
        *('name = "small"', "depth = 3", "fields.width = 2", 'inputs = ["1,3,8,8", "m:bool:1,8"]'),
        *('sample-rate = "16kHz"', 'min.rf = "1s"', 'max.params = "25M"', "max.ahead = -1"),
        'assert = ["causal", "Params < 100k and parameters >= 2", "rf > 3 or macs < 2"]',
    )

    assert (found.name, found.model, found.sample_rate) == ("small", "net", "16kHz")
    assert found.fields == {"depth": 3, "width": 2}
    assert found.inputs == {"input_shapes": ("1,3,8,8", "m:bool:1,8")}
    assert [(each.text, each.sign, each.wanted) for each in found.limits[:3]] == [
        ("rf >= 1s", ">=", 1),
        ("params <= 25M", "<=", 25_000_000),
        ("ahead <= -1", "<=", -1),
    ]
    assert [each.text for each in found.limits[3:]] == [
        *("causal", "Params < 100k", "parameters >= 2", "rf > 3 or macs < 2"),
    ]
    assert found.limits[4].wanted == 100_000, "a part that is a comparison has a number"
    assert found.limits[-1].condition is not None
    assert found.names == ("rf", "params", "ahead", "causal", "macs")


LINES = """
[params]
depth = 3

[[budget]]
model = "net"  # max.params
max = {params = 1, macs = 2}

[budget.min]
"rf" = 3

[[budget]]
name = "other"
model = "net"
max.params = 1
assert = [
  "causal",
  "rf > 3 or macs < 2",
]
"""


def test_every_limit_knows_its_line() -> None:
    projects = LINES.replace("[[budget", "[[tool.archscope.budget")
    projects = projects.replace("[budget", "[tool.archscope.budget")
    for text, table in ((LINES, ()), (projects, ("tool", "archscope"))):
        document = tomllib.loads(text)
        for key in table:
            document = document[key]
        first, second = read_budgets(document["budget"], Source(name="a.toml", text=text))

        assert [first.line, second.line] == [5, 12]
        assert [limit.line for limit in first.limits] == [7, 7, 10]
        assert [limit.line for limit in second.limits] == [15, 17, 18]


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ('modle = "net"', 1, "this budget names no model, but 'modle'"),
        ("model = 3", 2, "model is 3, not a text"),
        ('model = "n"\nmax.parms = 1', 3, "max.parms: no measure is called 'parms'. Did you me"),
        ('model = "n"\nmax.rf = "1MiB"', 3, "max.rf: '1MiB': rf is not measured in 'MiB'; write"),
        ('model = "n"\nmax.params = "1e999999999"', 3, "max.params: '1e999999999' is out of range"),
        ('model = "n"\nassert = "rf < 1e999999999"', 3, "'1e999999999' is out of range"),
        (f'model = "n"\nmax.params = "{"9" * 5000}"', 3, "is out of range; write e.g. 1 or 25M"),
        (f'model = "n"\nmax.params = {"9" * 340}', 3, "is out of range; write e.g. 1 or 25M"),
        (
            'model = "n"\nmax.params = "many"',
            3,
            "max.params: 'many' is not a number such as 1 or 25M",
        ),
        ('model = "n"\nmax.params = nan', 3, "max.params: nan is not an amount"),
        ('model = "n"\nmax.params = true', 3, "max.params: True is not an amount"),
        ('model = "n"\nmax.params = [1]', 3, "max.params: [1] is not an amount"),
        ('model = "n"\nmax.causal = 1', 3, 'causal is true or false; write assert = ["causal"]'),
        ('model = "n"\nmin.rf = "1s"', 3, "rf >= 1s: say how many positions a second has, e.g. s"),
        ('model = "n"\nassert = ["rf > 1s"]', 3, "rf > 1s: say how many positions a second has"),
        ('model = "n"\nassert = "causal or rf > 1s"', 3, "rf > 1s: say how many positions a s"),
        ('model = "n"\nsample_rate = "fast"', 3, "sample rate 'fast': give positions a second"),
        ('model = "n"\nsample_rate = [1]', 3, "sample_rate is [1]"),
        ('model = "n"\nmax.params = 1\nmin.params = "2"', 3, "no network can be params <= 1 and"),
        ('model = "n"\nmax = 1', 3, "max is 1, not a table; write max.NAME = ..."),
        ('model = "n"\nmaks.params = 1', 3, "a budget has no table 'maks'; there are max, min"),
        ('model = "n"\nassert = 3', 3, "assert is 3, not a text or a list of texts"),
        ('model = "n"\nassert = ["params <"]', 3, "condition 'params <': it is not understood"),
        ('model = "n"\nassert = ["parms < 3"]', 3, "there is no measure or field 'parms'"),
        ('model = "n"\ngrow.jump = "1%"', 3, "'1%': say whether it may rise (+1%) or fall (-1%)"),
        ('model = "n"\ngrow.latency = "1%"', 3, "latency is measured anew each time; a lock file"),
        ('model = "n"\ngrow.rf = "+1s"', 3, "a change is of positions"),
        ('model = "n"\ninputs = ["1,3", "a.py:b"]', 3, "inputs: 'a.py:b' is not a shape"),
        ('model = "n"\n[[budget]]\nmodel = "n"', 4, "called 'n' already, on line 1; give one of"),
    ],
)
def test_what_says_no_budget_is_one_line(lines: str, line: int, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        budgets(f"[[budget]]\n{lines}\n")

    assert str(raised.value).startswith(f"a.toml, line {line}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("tables", [3, {}, [3], "x"])
def test_what_is_no_list_of_tables_is_none(tables: Any) -> None:
    with pytest.raises(
        UsageError, match=r"a: budget is not a list of tables; write \[\[budget\]\]"
    ):
        read_budgets(tables, Source(name="a"))


def test_budgets_are_chosen_by_their_names() -> None:
    both = budgets('[[budget]]\nmodel = "ResNet-50"\n[[budget]]\nmodel = "b"\n')

    assert [each.model for each in chosen(both, ())] == ["ResNet-50", "b"]
    assert [each.model for each in chosen(both, ("b", "resnet50"))] == ["ResNet-50", "b"]
    with pytest.raises(UsageError, match=r"no budget is called 'ResNet-5'; there are .* Did you"):
        chosen(both, ("ResNet-5",))


@pytest.mark.parametrize(
    ("text", "name", "before", "limit"),
    [
        ("+1%", "params", 200, 202),
        ("1%", "params", 200, 202),  # less is better: a rise is meant
        ("+1k", "params", 200, 1200),
        ("+0", "params", 0, 0),
        ("-10%", "rf", 200, 180),
        ("0", "rf", 200, 200),  # more is better: a fall is meant
        ("+10%", "ahead", -20, -18),  # 10% of 20 more
        ("-1%", "coverage", Fraction(1, 2), Fraction(99, 200)),
        ("-0.01", "coverage", Fraction(1, 2), Fraction(49, 100)),
    ],
)
def test_how_much_a_number_may_change(text: str, name: str, before: Any, limit: Any) -> None:
    assert read_change(text, measure(name).quantity).limit(before) == limit


KNOWN: Mapping[str, Found] = {
    "params": Found(values=(103,)),
    "macs": Found(values=(300,), bound="at least", why="an operator is unknown"),
    "rf": Found(values=(13, 9)),
    "coverage": Found(values=(Fraction(49, 169),)),
    "causal": Found(values=(0,), why="an output sees 4 positions ahead"),
    "gap": Found(why="it was not found"),
    "trainable": Found(values=(0,)),
    "latency": Found(values=(Fraction(38, 1000),), spread=(Fraction(36, 1000), Fraction(44, 1000))),
}


def look(name: str, dimension: Dimension) -> Found:
    if name == "weights":
        raise ArchscopeError("the network\nfell over")
    found = KNOWN[name]
    if dimension == "time" and name != "latency":
        return Found(values=tuple(Fraction(value, 16_000) for value in found.values))
    return found


def rows(*lines: str, before: comparison.Before | None = None) -> list[LimitRow]:
    return list(comparison.rows_of(one(*lines), look, before, "there is no lock"))


@pytest.mark.parametrize(
    ("line", "outcome", "room", "sentence"),
    [
        ("max.params = 103", "ok", 0, ""),
        ("max.params = 100", "missed", -3, "params is 103, and must be ≤ 100: 3 (3%) over"),
        ("max.params = 0", "missed", -103, "params is 103, and must be ≤ 0: 103 over"),
        ('min.params = "1k"', "missed", -897, "must be ≥ 1,000: 897 (89.7%) short"),
        # a lower bound of 300 is above 200, may be within 400, and is at least 100
        ("max.macs = 200", "missed", None, "macs is at least 300, and must be ≤ 200; an operator"),
        ("max.macs = 400", "unknown", None, "at least 300, and must be ≤ 400: unknown, because it"),
        ("min.macs = 100", "ok", None, ""),
        ("min.rf = 9", "ok", 0, ""),
        ("min.rf = 10", "missed", -1, "13 positions × 9 positions, and must be ≥ 10 positions: 1"),
        ("max.rf = 10", "missed", -3, "13 positions × 9 positions, and must be ≤ 10 positions: 3"),
        ('min.coverage = "28%"', "ok", None, ""),
        (
            'min.coverage = "29%"',
            "missed",
            None,
            "coverage is 28.99%, and must be ≥ 29%: 0.005917% short",
        ),
        ('assert = "causal"', "missed", None, "causal: it is not, because an output sees 4"),
        ('assert = "not causal"', "ok", None, ""),
        ('assert = "rf >= 5 or causal"', "ok", None, ""),
        ('assert = "macs < 5 or causal"', "missed", None, "or causal: it is not, because macs is"),
        ('assert = "macs < 500 or causal"', "unknown", None, "unknown, because macs is at least"),
        ("max.gap = 0", "unknown", None, "gap: unknown, because it was not found"),
        ("max.weights = 9", "failed", None, "weights could not be checked: the network fell over"),
    ],
)
def test_a_number_is_held_against_a_limit(
    line: str, outcome: str, room: float | None, sentence: str
) -> None:
    line = line.replace("weights = 9", 'weights = "9B"')
    (row,) = rows(line)

    assert row.outcome == outcome
    assert row.room == room or "coverage" in line
    assert not sentence or sentence in messages.sentence(row)
    assert (messages.failing([row]) == ()) == (outcome == "ok")


@pytest.mark.parametrize(
    ("line", "outcome", "sentence"),
    [
        (
            'max.latency = "45ms"',
            "ok",
            "latency is 38 ms (36 ms to 44 ms in most samples), and must",
        ),
        ('max.latency = "35ms"', "missed", "and must be ≤ 35 ms: 3 ms (8.571%) over"),
        ('max.latency = "40ms"', "undecided", "≤ 40 ms: undecided, because some runs keep it"),
        ('max.latency = "37ms"', "undecided", "≤ 37 ms: undecided, because some runs keep it"),
        ('min.latency = "44.1ms"', "missed", "must be ≥ 44.1 ms"),
        ('assert = "latency < 40ms or params < 9"', "undecided", "38 ms, 36 ms to 44 ms in most"),
        ('assert = "latency < 37ms or macs < 400"', "unknown", "macs is at least 300"),
    ],
)
def test_a_time_is_held_by_what_most_runs_took(line: str, outcome: str, sentence: str) -> None:
    (row,) = rows(line)

    assert row.outcome == outcome
    assert sentence in messages.sentence(row)
    assert bool(messages.failing([row])) == (outcome in ("missed", "unknown"))
    section = messages.section([row])
    assert [note.level for note in section.notes] == [
        {"ok": "ok", "undecided": "info"}.get(outcome, "warning")
    ]


def test_a_limit_in_seconds_has_its_room_in_seconds() -> None:
    (row,) = rows('sample_rate = "16kHz"', 'min.rf = "0.5ms"')

    # 9 positions at 16 kHz are 0.5625 ms
    assert (row.outcome, row.kind, row.limit, row.actual) == (
        *("ok", "seconds", 0.0005),
        (13 / 16_000, 9 / 16_000),
    )
    assert row.room == pytest.approx(0.0000625)
    assert row.room_share == pytest.approx(0.125)


def test_growth_is_over_the_number_from_before() -> None:
    lines = ('grow.params = "+1%"', 'grow.rf = "-0"', 'grow.gap = "+0"', 'grow.trainable = "+1%"')
    before = comparison.Before(numbers={"params": (102,), "rf": (13, 10), "trainable": (0,)})

    params, rf, gap, trainable = rows(*lines, before=before)
    # 1% over 102 is 103.02: whole parameters are compared
    assert (params.outcome, params.before, params.limit, params.room) == ("ok", 102, 103, 0)
    assert (rf.outcome, rf.before, rf.limit, rf.room) == ("missed", (13, 10), 10, -1)
    assert messages.sentence(rf) == (
        "rf is 13 positions × 9 positions, was 13 positions × 10 positions, and must be "
        "≥ 10 positions: 1 position (10%) short"
    )
    assert gap.outcome == "unknown"
    assert (trainable.outcome, trainable.room_share) == ("ok", None), "0 has no percentage"
    first, *_ = rows('grow.params = "+0"', before=None)
    assert (first.outcome, first.why) == ("new", "there is no lock")
    axes = comparison.Before(numbers={"rf": (13,)})
    assert "it had 1 axes" in rows('grow.rf = "-0"', before=axes)[0].why
    unlike = comparison.Before(numbers={"params": (1,)}, unlike="its input was another")
    (refused,) = rows('grow.params = "+1%"', before=unlike)
    assert messages.sentence(refused) == (
        "params is 103: unknown, because not comparable, because its input was another"
    )


NUMBERS = st.one_of(
    st.integers(min_value=-(10**40), max_value=10**40),
    st.fractions().filter(lambda number: number.denominator != 1),
)
ENTRIES = st.builds(
    lambda numbers, inputs, convention: lock.Entry(
        numbers=numbers, inputs=tuple(inputs), convention=convention
    ),
    st.dictionaries(
        st.sampled_from(["params", "macs", "rf", "coverage"]),
        st.none() | st.lists(NUMBERS, min_size=1, max_size=3).map(tuple),
    ),
    st.lists(st.text(max_size=5), max_size=2),
    st.sampled_from(["", "fvcore"]),
)
LOCKS = st.dictionaries(st.text(max_size=5), ENTRIES, max_size=3)


@settings(max_examples=25)
@given(LOCKS)
def test_a_lock_file_is_read_back_as_it_was_written(found: lock.Lock) -> None:
    text = lock.written(found)

    assert lock.read_text(text, "x") == found
    assert text == lock.written(dict(reversed(list(found.items())))), "sorted"
    assert not list(lock.differences(found, found))


def test_a_lock_file_has_a_number_on_a_line() -> None:
    numbers = {"params": (25,), "rf": (13, 13), "coverage": (Fraction(49, 169),), "causal": (1,)}
    entry = lock.Entry(numbers={**numbers, "macs": None}, inputs=("0: float32 1×3",))

    assert lock.written({"é": entry}).splitlines()[3:] == [
        *('"é": {', ' "inputs": [', '  "0: float32 1×3"', " ],", ' "numbers": {'),
        *('  "causal": true,', '  "coverage": "49/169",', '  "macs": null,', '  "params": 25,'),
        *('  "rf": [13, 13]', " }", "}", "}", "}"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x is not JSON: Expecting value"),
        ("[" * 100_000, "x is not JSON"),
        ("[]", "x is not a lock file of archscope; archscope lock writes one"),
        ('{"archscope lock": true}', "x is not a lock file of archscope"),
        ('{"archscope lock": 2}', "form 2; this archscope reads up to 1. Upgrade it"),
        ('{"archscope lock": 1}', "budgets is not an object"),
        ('{"archscope lock": 1, "budgets": {"a": 3}}', "x: 'a' has no numbers"),
        ("N: NaN", "NaN is not a number in JSON"),
        ("N: 1e999", "params is 'inf', not a number"),
        (f"N: {'9' * 400}", "is out of range, of 400 digits"),
        ('N: "1/0"', "params is '1/0', not a number"),
        ("N: [[1]]", "params is '[1]', not a number"),
        ('N: "many"', "params is 'many', not a number"),
        (
            '{"archscope lock": 1, "budgets": {"a": {"numbers": {}, "inputs": [3]}}}',
            "x: 'a': inputs and convention are not texts",
        ),
    ],
)
def test_what_is_no_lock_file_is_one_line(text: str, said: str) -> None:
    if text.startswith("N: "):
        numbers = f'{{"numbers": {{"params": {text[3:]}}}}}'
        text = f'{{"archscope lock": 1, "budgets": {{"a": {numbers}}}}}'
    with pytest.raises(UsageError) as raised:
        lock.read_text(text, "x")

    assert said in str(raised.value)
    assert len(str(raised.value)) < 200


def test_a_lock_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert lock.read_lock(tmp_path / "none") is None
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        lock.read_lock(tmp_path)
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not text in UTF-8"):
        lock.read_lock(tmp_path / "x")


def test_what_differs_in_two_lock_files_is_named() -> None:
    old = lock.Entry(numbers={"params": (100,), "macs": None, "rf": (3, 3), "gap": (0,)})
    new = lock.Entry(
        numbers={"params": (101,), "macs": (5,), "rf": (3, 5), "jump": (1,)},
        inputs=("0: float32 1×3",),
        convention="fvcore",
    )

    assert list(lock.differences({"a": old, "b": old}, {"a": new, "c": new})) == [
        "a: input unknown is now 0: float32 1×3",
        "a: convention unknown is now fvcore",
        "a: gap is not asked for any more",
        "a: jump is new",
        "a: macs unknown is now 5",
        "a: params 100 is now 101 (+1%)",
        "a: rf 3 positions × 3 positions is now 3 positions × 5 positions",
        "b: this budget no longer exists",
        "c: is not in it yet",
    ]


MODEL = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 6 * 6, 10))
IMAGES = torch.zeros(1, 3, 8, 8)


def test_a_module_that_keeps_its_limits_has_a_report() -> None:
    # 3*4*9 + 4 and 144*10 + 10 parameters; 36 outputs of 27 products for each of 4, and 1440
    report = archscope.check(
        MODEL, IMAGES, max={"params": 1562, "macs": "5.4k"}, claims=["complete", "params > 1k"]
    )

    assert [row.actual for row in report.section("check.limits").rows] == [1562, 5328, True, 1562]
    assert report.totals.held == 4
    assert json.loads(report.to("json"))["totals"]["missed"] == 0


def test_a_module_that_does_not_says_what_is_too_large() -> None:
    with pytest.raises(ThresholdError) as raised:
        archscope.check(MODEL, IMAGES, max={"params": 1000}, min={"macs": "1M"}, claims="complete")

    assert str(raised.value).splitlines() == [
        "Sequential: params is 1,562, and must be ≤ 1,000: 562 (56.2%) over; largest: 2 92.8%, "
        "0 7.2%",
        "Sequential: macs is 5,328, and must be ≥ 1,000,000: 994,672 (99.47%) short",
    ]
    assert raised.value.report.totals.held == 1


def test_a_forward_that_fails_leaves_its_parameters_known() -> None:
    with pytest.raises(UncheckedError) as raised:
        archscope.check(MODEL, torch.zeros(1, 5, 8, 8), max={"params": "2k", "macs": "1M"})

    params, macs = raised.value.report.section("check.limits").rows
    assert (params.outcome, macs.outcome) == ("ok", "failed")
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "there is no limit to check; give e.g. max="),
        ({"max": {}}, "there is no limit to check"),
        ({"max": {"parms": 1}}, "check: max.parms: no measure is called 'parms'"),
        ({"claims": ["params <"]}, "condition 'params <': it is not understood"),
        ({"min": {"rf": "1s"}}, "rf >= 1s: say how many positions a second has"),
    ],
)
def test_what_cannot_be_held_is_one_line(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        archscope.check(MODEL, IMAGES, **asked)

    assert said in str(raised.value)
