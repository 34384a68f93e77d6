"""JSON, JSON Lines and CSV: the same numbers, all of them, for other programs."""

from __future__ import annotations

import csv as csv_reader
import json as json_reader
from collections.abc import Callable
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest

import archscope
from archscope.analyses import ANALYSES
from archscope.columns import columns
from archscope.errors import UsageError
from archscope.present import csv, json, jsonl, junit
from archscope.results import Report, View, plain
from archscope.studies import STUDIES

Make = Callable[..., Any]


def parsed(report: Report, **view: Any) -> dict[str, Any]:
    found: dict[str, Any] = json_reader.loads(json.render(report, View(**view)))
    return found


def rows(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = found["sections"][f"params.{name}"]["rows"]
    return listed


def test_schema_2(sample: Make) -> None:
    """A key may be added; one that is renamed or gone needs a new schema number."""
    found = parsed(sample("gpt2"))
    assert found["schema"] == 2
    assert list(found) == [
        *("schema", "tool", "version", "command", "title", "origin", "config", "inputs"),
        *("environment", "flop_convention", "uncounted_ops", "totals"),
        "sections",
    ]
    assert list(found["sections"]) == [
        *("params.modules", "params.operators", "params.components", "params.depth"),
    ]
    for section in found["sections"].values():
        assert list(section) == ["device", "totals", "notes", "headline", "summary", "rows"]
    assert list(found["environment"]) == [
        *("archscope", "python", "torch", "fvcore", "platform", "device", "machine"),
    ]
    assert list(found["flop_convention"]) == ["name", "flops_per_multiply_add", "text"]
    assert {*found["totals"]} >= {
        *("trainable", "frozen", "active", "buffers", "macs", "flops", "weight_bytes", "complete"),
    }
    assert {*rows(found, "modules")[0]} >= {
        *("path", "type", "component", "calls", "output_shape", "shared_with"),
        *("trainable", "frozen", "buffers", "macs", "flops"),
        *("own_trainable", "own_frozen", "own_buffers", "own_macs", "own_flops"),
        *("params_form", "macs_form"),
    }
    assert {*rows(found, "operators")[0]} >= {"operator", "kind", "calls", "elements", "macs"}
    assert {*rows(found, "components")[0]} >= {"component", "trainable", "frozen", "macs", "flops"}
    assert {*rows(found, "depth")[0]} >= {"measure", "value", "definition"}


def test_uncounted_operators_are_named(sample: Make) -> None:
    found = parsed(sample("partial"))
    assert found["uncounted_ops"] == {"odd::op": 24}
    (note,) = found["sections"]["params.modules"]["notes"]
    assert {*note} == {"level", "text", "operator", "calls", "details"}
    assert found["totals"]["complete"] is False


def test_json_gives_back_every_row(each: Report) -> None:
    found = parsed(each)
    for section in each.sections:
        assert found["sections"][section.address]["rows"] == plain(section.rows)
    assert found["totals"] == plain(each.totals)
    assert found["config"] == plain(each.config)


def test_own_columns_add_up_to_the_totals(each: Report) -> None:
    found = parsed(each)
    for field in (
        ("trainable", "frozen", "macs", "flops") if "params.modules" in found["sections"] else ()
    ):
        own = [row[f"own_{field}"] or 0 for row in rows(found, "modules")]
        assert found["totals"][field] in (sum(own), None)


def test_total_alone(sample: Make) -> None:
    found = parsed(sample("gpt2"), total=True)
    assert "sections" not in found
    assert found["totals"]["trainable"] == 209_494_272
    assert found["totals"]["macs"] == 252_124_594_176


def test_json_lines_give_back_every_row(each: Report) -> None:
    for section in each.sections:
        text = jsonl.render(each, View(by=section.name))
        assert [json_reader.loads(line) for line in text.splitlines()] == plain(section.rows)


def test_csv_gives_back_every_number(each: Report) -> None:
    section = each.sections[0]
    rows = list(csv_reader.DictReader(StringIO(csv.render(each, View()))))
    assert len(rows) == len(section.rows)
    for read, row in zip(rows, section.rows, strict=True):
        for name, text in read.items():
            value = getattr(row, name)
            if value is None:
                assert text == ""
            elif isinstance(value, int | float):
                assert text == str(value)
            elif isinstance(value, tuple):
                assert text == "x".join(map(str, value))


def test_csv_holds_no_formula(sample: Make) -> None:
    text = csv.render(sample("evil"), View())
    assert "\n'=1+1," in text
    assert "\n'@cmd," in text


@pytest.mark.parametrize("render", [csv.render, jsonl.render])
def test_totals_as_one_row(render: Callable[[Report, View], str], sample: Make) -> None:
    assert "209494272" in render(sample("gpt2"), View(total=True))
    with pytest.raises(UsageError, match="rf report has no totals"):
        render(sample("window"), View(total=True))


def test_sorting_ranks_what_each_module_does_itself(sample: Make) -> None:
    found = parsed(sample("gpt2"), sort="flops", top=3)
    paths = [row["path"] for row in rows(found, "modules")]
    assert paths == ["blocks.0.attn.qkv", "blocks.0.attn.proj", "blocks.0.mlp.fc1"] or all(
        "mlp.fc" in path or path == "lm_head" for path in paths
    )
    own = [row["own_flops"] for row in rows(found, "modules")]
    assert own == sorted(own, reverse=True)
    assert len(rows(found, "depth")) == 3  # the other sections are whole


@pytest.mark.parametrize("name", ["partial", "frozen"])
def test_golden(name: str, sample: Make, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.json", json.render(sample(name), View()))
    golden(f"{name}.jsonl", jsonl.render(sample(name), View()))
    golden(f"{name}.csv", csv.render(sample(name), View()))


def test_a_report_without_results_of_tests_has_its_warnings_as_failures(each: Report) -> None:
    root = ElementTree.fromstring(junit.render(each, View()))
    warnings = {note.text for note in each.notes if note.level == "warning"}

    cases = root.findall("testsuite/testcase")
    assert len(cases) == int(root.attrib["tests"]) == 1 + len({*each.notes})
    assert len(root.findall(".//failure")) == int(root.attrib["failures"]) == len(warnings)


def test_results_of_tests_are_columns_of_their_rows() -> None:
    declared = [
        section
        for registry in (ANALYSES, STUDIES)
        for each in registry.all().values()
        for section in each.declared()
        if section.cases is not None
    ]

    assert declared
    for section in declared:
        assert section.cases is not None
        known = {column.name for column in columns(section.row_type)}
        fields = section.cases
        assert {fields.suite, *fields.name, fields.outcome, fields.detail} <= known, section.address


def test_layers_that_are_checked_are_tests() -> None:
    checked = archscope.kv("gpt2", depth=2, verify=True).to("junit")

    (suite,) = ElementTree.fromstring(checked).findall("testsuite")
    assert (suite.attrib["name"], suite.attrib["failures"]) == ("full attention", "0")
    names = [case.attrib["name"] for case in suite.findall("testcase")]
    assert names == ["blocks.0.attn", "blocks.1.attn"]
