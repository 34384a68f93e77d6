"""The published networks as data: what every file holds, and that their authors' figures fit."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archscope import presets, specs
from archscope.analyses.params.published import TITLES, agrees
from archscope.errors import UsageError
from archscope.families import FAMILIES
from archscope.library import count_subject, params, with_figures
from archscope.loaders import load
from archscope.presets import Preset
from archscope.subject import Request
from archscope.theory.census import Census
from tests.light import kind_of

NAMES = presets.names()
WORK = {"macs", "2 x macs", "flops"}
"""Quantities that need a forward pass."""
TOLD: dict[str, Callable[[Census], int]] = {
    "trainable": lambda census: census.trainable,
    "frozen": lambda census: census.frozen,
    "macs": lambda census: census.macs,
    "2 x macs": lambda census: 2 * census.macs,
}
"""Quantities that the layers in closed form tell."""
ROWS = Path(__file__).parents[1] / "data" / "rows"


def _held_elsewhere() -> set[str]:
    """Return networks that families/test_published.py holds against their figures and more."""
    return {text for file in ROWS.glob("*.json") for text in json.loads(file.read_text()).values()}


def _spec(preset: Preset) -> Any:
    return specs.made(FAMILIES.get(preset.family).spec, preset.fields)


def _kind(preset: Preset) -> Any:
    return kind_of(preset.family, specs.values(_spec(preset)).values())


def _like_another() -> set[str]:
    """Return networks of the kind of one before, of which the closed form alone is asked, for time.

    `benchmarks/census.py` holds it against both engines, of all networks; `archscope params NAME`
    tells FLOPs as fvcore counts beside the figures.
    """
    elsewhere, kinds, found = _held_elsewhere(), set(), set()
    for preset in sorted(presets.all(), key=lambda preset: preset.name not in elsewhere):
        quantities = {figure.quantity for figure in preset.published}
        if quantities <= {*TOLD, "flops"} and _kind(preset) in kinds:
            found.add(preset.name)
        elif quantities or preset.name in elsewhere:
            kinds.add(_kind(preset))
    return found


HELD = [
    preset.name
    for preset in presets.all()
    if preset.published and not preset.same_as and preset.name not in _held_elsewhere()
]
LIKE = _like_another()


def test_every_preset_is_a_network_with_a_source() -> None:
    for preset in presets.all():
        spec = _spec(preset)
        known = {flag.name for flag in specs.flags(type(spec))}
        assert set(preset.fields) <= known, preset.name
        assert preset.source.strip(), preset.name
        assert preset == presets.load(preset.name)


def test_every_published_figure_says_what_it_is_and_where_it_stands() -> None:
    for preset in presets.all():
        for figure in preset.published:
            where = f"{preset.name}: {figure}"
            assert figure.quantity in TITLES, where
            assert figure.value > 0, where
            assert figure.source.strip(), where


def test_no_preset_repeats_another() -> None:
    found: dict[Any, list[str]] = defaultdict(list)
    for preset in presets.all():
        if preset.same_as is None:
            found[preset.family, _spec(preset)].append(preset.name)

    assert {tuple(names) for names in found.values() if len(names) > 1} == set()


def test_a_second_name_is_of_the_same_network() -> None:
    seconds = [preset for preset in presets.all() if preset.same_as]

    assert seconds
    for preset in seconds:
        assert _spec(preset) == _spec(presets.load(preset.same_as or "")), preset.name


def test_no_two_networks_have_one_name() -> None:
    tables = [
        table
        for folder in FAMILIES.folders().values()
        for file in folder.rglob("*.toml")
        for table, value in tomllib.loads(file.read_text(encoding="utf-8")).items()
        if isinstance(value, dict) and table != "fields"
    ]

    assert len(tables) == len(set(tables))
    assert set(NAMES) == set(tables)  # though names are read without parsing
    assert not set(NAMES) & set(FAMILIES.names())


@pytest.mark.parametrize("name", [name for name in HELD if name not in LIKE])
def test_a_published_figure_is_what_is_counted_or_says_why_not(name: str) -> None:
    network = load(name, Request())
    subject = network.subject()
    if not WORK & {figure.quantity for figure in network.published}:
        subject = replace(subject, inputs=None)  # parameters are counted without a forward pass

    report = count_subject(subject)
    rows = with_figures(report, network).section("published").rows

    assert report.totals.complete or subject.inputs is None, report.notes
    _check_census(presets.load(name), report.totals)
    for row in rows:
        assert row.counted is not None, row
        assert row.difference == row.counted - row.value
        assert row.agrees or row.reason, row


@pytest.mark.parametrize("name", [name for name in HELD if name in LIKE])
def test_a_published_figure_is_what_the_closed_form_tells_or_says_why_not(name: str) -> None:
    preset = presets.load(name)
    tell = FAMILIES.get(preset.family).census
    assert tell is not None

    census = tell(_spec(preset))

    for figure in preset.published:
        if figure.quantity in TOLD:
            told = TOLD[figure.quantity](census)
            assert agrees(told, figure.text, figure.value) or figure.reason, (figure, told)


def _check_census(preset: Preset, totals: Any) -> None:
    """Check that the layers in closed form, if the family tells them, are what was counted."""
    tell = FAMILIES.get(preset.family).census
    if tell is None:
        return
    census = tell(_spec(preset))
    assert (census.trainable, census.frozen) == (totals.trainable, totals.frozen)
    assert totals.macs in (None, census.macs)


@pytest.mark.parametrize(
    ("count", "text", "value", "same"),
    [
        (335_141_888, "340M", 340_000_000, True),  # 340M has two digits: 335M to 345M
        (334_999_999, "340M", 340_000_000, False),
        (345_000_001, "340M", 340_000_000, True),  # cut, not rounded
        (350_000_000, "340M", 340_000_000, False),
        (174_604_259_328, "175.0B", 175_000_000_000, False),  # 174.95B to 175.05B
        (174_604_259_328, "174600M", 174_600_000_000, True),
        (6_050_882_784, "6,050,882,784", 6_050_882_784, True),
        (6_050_882_785, "6,050,882,784", 6_050_882_784, False),
        (4_385_920, "4.4M", 4_400_000, True),
    ],
)
def test_a_count_agrees_to_the_digits_printed(
    count: int, text: str, value: int, same: bool
) -> None:
    assert agrees(count, text, value) == same


def test_a_changed_preset_is_not_held_against_its_authors_figures() -> None:
    deeper = params("gpt2", depth=24)

    assert deeper.totals.trainable == 209_494_272
    assert "published" not in {section.name for section in deeper.sections}


def test_figures_stand_beside_the_count() -> None:
    rows = params("gpt3-xl-1.3B-as-printed").section("published").rows

    assert [(row.text, row.counted, row.agrees) for row in rows] == [
        ("1320M", 1_517_123_584, False)
    ]
    assert "24 heads x 128 = 3072, not 2048" in rows[0].reason


def test_embeddings_are_left_out_where_the_authors_leave_them_out() -> None:
    # Pythia 70M: 70,426,624 - 2 x 50,304 x 512 = 18,915,328
    rows = params("pythia-70m").section("published").rows

    assert [(row.counted, row.difference) for row in rows] == [(18_915_328, 0)]


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'bert-base-cased'"):
        presets.load("bert-base-case")


def test_a_shorter_input_leaves_the_table_of_positions_as_it_is() -> None:
    assert params("gpt2", seq_len=100).totals.trainable == 124_439_808
