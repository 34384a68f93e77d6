"""A saved report is read back whole, and whatever is not one is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archscope
from archscope.analyses import ANALYSES
from archscope.columns import columns
from archscope.errors import UsageError
from archscope.results import SCHEMA, Report, View, plain
from archscope.saved import read, read_text

MODULES = ("sections", "params.modules")


def counted() -> Report:
    return archscope.report("cnn", dilations=(1, 2, 3), channels=(4,), input_size=16)


SAMPLES: dict[str, Callable[[], Report]] = {
    "params": lambda: archscope.params("transformer", depth=2, d_model=32, heads=2),
    "experts": lambda: archscope.params("transformer", depth=2, experts=4, top_k=2),
    "rf": lambda: archscope.receptive_field([2, 2, 2]),
    "branches": lambda: archscope.receptive_field(branches=[[6], [12], [18]]),
    "deep": lambda: archscope.receptive_field([1, 2, 4, 8] * 20),  # 3^80 paths
    "suggest": lambda: archscope.suggest(63),
    "check": lambda: archscope.check("cnn", input_size=8, max={"params": "1M", "ahead": 9}),
    "report": counted,
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(counted().to("json"))
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_read_back_is_what_was_written(name: str, tmp_path: Path) -> None:
    report = SAMPLES[name]()
    file = tmp_path / "run.json"
    report.save(file)

    again = read(file)

    assert again == report
    assert again.to("json") == report.to("json")
    assert again.to("table") == report.to("table")


def test_integers_keep_every_digit() -> None:
    report = SAMPLES["deep"]()
    paths = report.totals.paths

    assert paths == 3**80
    assert read_text(report.to("json")).totals.paths == paths


def test_a_time_is_read_back() -> None:
    report = archscope.time("cnn", depth=1, channels=(4,), input_size=8, runs=3, warmup=1)

    assert read_text(report.to("json")) == report


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.json: not JSON: Expecting value"),
        ("[" * 100_000, "x.json: not JSON"),
        ('{"tool": "archscope", "schema": NaN}', "x.json: not JSON: NaN"),
        ("[]", "x.json: not a result of archscope"),
        ('{"tool": "other"}', "x.json: not a result of archscope"),
        (
            '{"tool": "archscope", "schema": 3}',
            "x.json: schema 3; this archscope reads 2. Upgrade archscope.",
        ),
        (
            '{"tool": "archscope", "schema": 1}',
            "x.json: schema 1; this archscope reads 2. Make it again with this one.",
        ),
        (
            '{"tool": "archscope", "schema": 2}',
            "x.json: it has no rows; save it again without --total",
        ),
    ],
)
def test_what_is_no_report_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_text(text, "x.json")
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_totals_alone_are_refused() -> None:
    from archscope.present import json as json_format

    text = json_format.render(counted(), View(total=True))
    with pytest.raises(UsageError, match="no rows; save it again without --total"):
        read_text(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'.*none.json' cannot be read: No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read(tmp_path)
    (tmp_path / "latin.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not text in UTF-8"):
        read(tmp_path / "latin.json")


def changed(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> str:
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(copy)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*MODULES, "rows", 0, "trainable"), "<b>", "row 1, trainable, '<b>' is not an integer"),
        ((*MODULES, "rows", 0), 7, "params.modules, row 1, 7 is not an object"),
        ((*MODULES, "rows", 0, "output_shape"), [1, None], "output_shape, None is not an integer"),
        ((*MODULES, "notes", 0, "level"), "fatal", "notes, level, 'fatal' is not one of ok, info"),
        ((*MODULES, "notes"), [99], "params.modules, notes, 99 is not an object"),
        ((*MODULES, "totals"), {}, "totals of params.modules, 'trainable' is missing"),
        ((*MODULES,), 7, "params.modules, 7 is not an object"),
        (("title",), None, "title, None is not a text"),
        (("environment",), [], "environment, \\[\\] is not an object"),
        (("sections", "params.nonsense"), {}, "section params.nonsense, no analysis here has one"),
        (("sections", "x.y"), {}, "section x.y, no analysis here has one"),
        (("sections",), [], "sections, \\[\\] is not an object"),
    ],
)
def test_a_value_out_of_place_is_named(
    document: dict[str, Any], path: tuple[Any, ...], value: Any, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        read_text(changed(document, path, value), "x.json")
    assert str(raised.value).startswith("x.json: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    ("command",), ("title",), ("config",), ("inputs",), ("environment",), ("flop_convention",),
    ("sections",), MODULES, (*MODULES, "rows"), (*MODULES, "rows", 0), (*MODULES, "notes", 0),
    (*MODULES, "totals"), (*MODULES, "headline"), (*MODULES, "rows", 2, "shared_with"),
    ("sections", "rf.layers", "rows", 0, "coverage"), ("sections", "rf.layers"),
)  # fmt: skip


@given(path=st.sampled_from(KEYS), value=JSON)
def test_nothing_that_a_file_holds_is_more_than_an_error(
    document: dict[str, Any], path: tuple[Any, ...], value: Any
) -> None:
    with suppress(UsageError):
        report = read_text(changed(document, path, value))
        assert isinstance(plain(report), dict)


def test_every_section_that_can_be_written_can_be_read() -> None:
    for name, analysis in ANALYSES.all().items():
        assert analysis.sections, name
        addresses = [section.address for section in analysis.declared()]
        assert len(addresses) == len(set(addresses))
        for section in analysis.declared():
            assert section.analysis == name
            assert section.rows == ()
            assert columns(section.row_type), section


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 301, "9" * 5000, "NaN", "Infinity"])
def test_a_number_out_of_range_is_one_line(number: str) -> None:
    text = f'{{"tool": "archscope", "schema": {SCHEMA}, "sections": {{"a": {number}}}}}'
    with pytest.raises(UsageError, match=r"^this text: not JSON: .{1,80}$"):
        read_text(text)


def test_a_list_of_largest_sums_adds_up_what_rows_have(document: dict[str, Any]) -> None:
    path = (*MODULES, "summary", 0)
    line = [{"section": "params.modules", "sums": [{"word": "params", "fields": ["none"]}]}]

    with pytest.raises(UsageError, match=r"summary of params\.modules, 'none' is not the sum"):
        read_text(changed(document, path, line))


@pytest.mark.parametrize("value", [1.5, {"a": [None]}])
def test_a_page_is_made_whatever_its_file_says_of_the_network(
    document: dict[str, Any], value: Any
) -> None:
    report = read_text(changed(document, ("config", next(iter(document["config"]))), value))

    assert "<!doctype html>" in report.to("html")
