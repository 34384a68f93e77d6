"""`archscope search`: the best variant, what each condition costs, and that nothing is hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import archscope as library
from archscope.saved import read_text

Run = Callable[..., Any]
TCN = ("cnn", "--causal", "--in-channels", "1", "--input-size", "64")
SMALL = (*TCN, "--depth", "2:5", "--channels", "4;8;12", "--kernel-size", "2:4")
DOUBLING = (*SMALL, "--dilations", "doubling")


def test_eleven_layers_are_found_and_proven(archscope: Run) -> None:
    found = archscope(
        *("search", "cnn", "--spatial-dims", "1", "--causal", "--where", "rf >= 16000"),
        *("--minimise", "depth", "--dilations", "doubling", "--channels", "8;16", "--no-verify"),
    )

    assert found.code == 0
    assert "the smallest depth of 384 variants is 11, proven" in found.out
    assert "16,377" in found.out  # 1 + 8 * (2^11 - 1)
    assert "with 8,185 positions depth falls from 11 to 10" in found.out


def test_what_is_shown_is_verified_and_can_be_asked_again(archscope: Run) -> None:
    command = ("search", *DOUBLING, "--where", "rf >= 20 and params < 1k", "--top", "2")
    found = archscope(*command, "-f", "json")
    rows = found.rows("search.variants")

    assert [row["verified"] for row in rows] == ["yes", "yes"]
    again = json.loads(archscope("params", rows[0]["model"], "-f", "json").out)["totals"]
    assert (again["trainable"], again["macs"]) == (rows[0]["params"], rows[0]["macs"])
    report = read_text(found.out)
    assert report.section("search.variants").rows[0].depth == rows[0]["depth"]
    assert [row.binds for row in report.section("search.constraints").rows] == [True, False]


def test_what_disagrees_is_shown(archscope: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = import_module("archscope.families.cnn.census")
    layers = counted._layers
    monkeypatch.setattr(counted, "_layers", lambda spec: list(layers(spec))[1:])
    found = archscope("search", *DOUBLING, "--where", "rf >= 20", "--top", "1")

    assert "1 of 1 variants differ from their closed forms" in found.out
    assert re.search(r"no: the engines count \d+ parameters; the engines count", found.out)


def test_no_variant_is_an_answer_that_ends_with_three(archscope: Run) -> None:
    found = archscope("search", *DOUBLING, "--where", "params < 100 and rf >= 50", "--no-verify")

    assert found.code == 3
    assert "none of 36 variants has params < 100 and rf >= 50, proven" in found.out
    assert "the largest rf with params < 100 is" in found.out
    assert "nearest: depth" in found.out


def test_each_choice_has_its_best(archscope: Run) -> None:
    found = archscope(
        *("search", *SMALL, "--dilations", "doubling;1/2/5;ones", "--where", "rf >= 25"),
        *("--minimise", "macs", "--by", "choice", "--no-verify", "-f", "json"),
    )

    best = {row["value"]: row["goal"] for row in found.rows("search.choices")}
    assert list(best) == ["doubling", "1,2,5", "ones"]
    assert best["ones"] is None
    assert best["doubling"] < best["1,2,5"]


def test_depth_against_width_at_equal_parameters(archscope: Run) -> None:
    found = archscope(
        *("search", "transformer", "--iso", "params=1M", "--depth", "2,4,8", "-f", "json"),
        *("--vocab-size", "0", "--seq-len", "16", "--where", "depth < 8"),
    )
    rows = found.rows("search.variants")

    assert [row["depth"] for row in rows] == [2, 4]
    assert rows[0]["d_model"] > rows[1]["d_model"]
    assert all(abs(row["off"]) < 0.05 for row in rows)
    assert rows[1]["launches"] > 1.8 * rows[0]["launches"]
    assert [row["verified"] for row in rows] == ["yes", "yes"]


@pytest.mark.parametrize(("wanted", "level"), [("12k", "ok"), ("1M", "warning")])
def test_what_is_far_off_from_what_all_were_to_have_is_a_warning(
    archscope: Run, wanted: str, level: str
) -> None:
    found = archscope(
        *("search", "transformer", "--iso", f"params={wanted}", "--depth", "1", "--no-verify"),
        *("--vocab-size", "0", "--seq-len", "16", "--heads", "1", "--d-model", "8:40:8"),
        *("-f", "json"),
    )

    notes = json.loads(found.out)["sections"]["search.variants"]["notes"]
    (note,) = (note for note in notes if "nearest to" in note["text"])
    assert note["level"] == level


def test_of_many_that_are_shown_some_are_built(
    archscope: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archscope.library._search.MOST_BUILT", 1)
    asked = ("search", "cnn", "--channels", "2:4", "--depth", "1", "--dilations", "1", "--top", "3")
    found = archscope(*asked, "--spatial-dims", "1", "--kernel-size", "3", "-f", "json")

    assert [row["verified"] for row in found.rows("search.variants")] == ["yes", "", ""]
    assert "1 of 3 were built and verified; --verify builds them all" in found.out


def test_of_those_alike_none_may_meet_the_conditions(archscope: Run) -> None:
    found = archscope(
        *("search", "transformer", "--iso", "params=1M", "--depth", "2,4", "--no-verify"),
        *("--vocab-size", "0", "--where", "macs < 1"),
    )

    assert (found.code, "brings params nearest to 1,000,000 has macs < 1" in found.err) == (3, True)


def test_times_are_measured_where_they_are_asked_for(
    archscope: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archscope.library._search.BUDGET", 0.1)
    found = archscope(
        *("search", *DOUBLING, "--where", "rf >= 20", "--top", "1", "--no-verify"),
        *("--measure", "latency,streams", "--device", "cpu", "-f", "json"),
    )

    (row,) = found.rows("search.variants")
    assert row["latency"] > 0
    assert row["also"] == "streams 1"


def test_a_published_network_is_varied_by_its_name(archscope: Run) -> None:
    found = archscope(
        *("search", "gpt2", "--depth", "4:24:4", "--where", "params < 100M", "-f", "json"),
        *("--maximise", "depth", "--no-verify"),
    )

    assert [row["model"] for row in found.rows("search.variants")] == [
        "gpt2:depth=8",
        "gpt2:depth=4",
    ]


def test_in_python_lists_are_chosen_from(tmp_path: Path) -> None:
    report = library.search(
        *("cnn",),
        causal=True,
        depth=range(2, 6),
        channels=[4, 8],
        kernel_size=(3,),
        dilations=["doubling", (1, 2)],
        where="rf >= 1ms",
        sample_rate=16_000,
        verify=False,
    )

    assert report.totals.proven
    assert report.section("search.variants").rows[0].dilations == "doubling"
    report.save(tmp_path / "page.html")
    assert "rf &gt;= 1ms" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("resnet50", "--where", "params < 10M"), "e.g. --stem-channels 64,128"),
        (("gpt2",), "nothing to choose; give a field several values, e.g. --depth 4:16 or --d-mod"),
        (
            ("cnn", "--depth", "2", "--channels", "8", "--kernel-size", "3", "--dilations", "1"),
            "Error: cnn: there is nothing to choose",
        ),  # it named the default's depth and width
        (("cnn", "--causal", "--where", "rf >= 1s"), "rf in seconds needs --sample-rate"),
        (("cnn", "--depth", "0:4"), "'--depth': 0 is not in the range"),
        (("cnn", "--dilations", "doublin"), "Did you mean 'doubling'?"),
        (("cnn", "--measure", "nonzero"), "nonzero is not known in closed form"),
        (("cnn", "--minimise", "parms"), "Did you mean 'params'?"),
        (("torch.nn:Linear", "--where", "params < 3"), "a family, e.g. cnn or transformer"),
        (
            ("transformer", "--iso", "params=1M", "--solve", "heads"),
            "no values of it are given; add a range, e.g. --heads 8:64:8, or name with --solve",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(
    archscope: Run, words: tuple[str, ...], said: str
) -> None:
    found = archscope("search", *words)

    assert found.code == 2
    assert said in found.err
    assert not found.out
