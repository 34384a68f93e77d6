"""Published networks, named as a user names them: parameters, parts and work exact.

The rows come from tests/data/models.json, where each names its source; tests/data/rows/ says what
to type for MODEL to get the network of a row.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from archscope import loaders
from archscope.families import FAMILIES
from archscope.library import count_subject, with_figures
from archscope.results import Report
from archscope.subject import Network, Request, Subject
from archscope.theory.counts import evaluate
from tests.light import kind_of

DATA = Path(__file__).parents[1] / "data"
MODELS = {row["name"]: row for row in json.loads((DATA / "models.json").read_text())}
TEXTS: dict[str, str] = {}
for file in sorted((DATA / "rows").glob("*.json")):
    TEXTS |= json.loads(file.read_text())

IMPLEMENTATION = "FLOPs are implementation-specific"
"""What a row's note says where its work depends on how the attention is written."""
CLOSE = 0.01
"""How far the work may then be from the row's, as a share of it."""

FIRST: dict[Any, str] = {}
"""The first network of each kind, which the engines and torch's counter run. Of the others the
closed form tells the work: `benchmarks/census.py` holds it against the engines, of all of them.
"""


@pytest.mark.parametrize("name", TEXTS)
def test_a_published_network(name: str) -> None:
    """Hold a row against both engines, against the closed forms and against torch's own counter."""
    row = MODELS[name]
    network = loaders.load(TEXTS[name], Request())
    subject = network.subject()
    runs = FIRST.setdefault(_kind(network), name) == name

    counted = count_subject(subject) if runs else _with_closed_form(network, subject)
    report = with_figures(counted, network)

    totals = report.totals
    assert totals.trainable == row["params_trainable"]
    assert totals.trainable + totals.frozen == row["params_total"]
    assert totals.active == row.get("params_active", row["params_total"])
    if "breakdown" in row:
        assert _parts(report) == row["breakdown"]
    assert _input_shapes(subject) == _shapes(row["input"])
    if IMPLEMENTATION in row.get("notes", ""):
        assert totals.macs == pytest.approx(row["macs"], rel=CLOSE)
    else:
        assert totals.macs == row["macs"]
    _check_closed_forms(report)
    _check_figures(report)
    if runs:
        assert totals.complete, report.notes  # no operator is unknown, and both engines agree
        assert _macs(subject) == totals.macs


def test_a_row_has_one_text_in_all_files() -> None:
    files = [json.loads(file.read_text()) for file in (DATA / "rows").glob("*.json")]

    assert sum(map(len, files)) == len(TEXTS)
    assert set(TEXTS) <= set(MODELS)


def _kind(network: Network) -> Any:
    return kind_of(network.family, (network.config or {}).values())


def _with_closed_form(network: Network, subject: Subject) -> Report:
    """Count the weights of a network that is built, and its work in closed form."""
    report = count_subject(replace(subject, inputs=None))
    tell = FAMILIES.get(network.family).census
    assert tell is not None
    census = tell(network.spec)
    modules, *others = report.sections
    assert (census.trainable, census.frozen) == (modules.totals.trainable, modules.totals.frozen)
    modules = replace(modules, totals=replace(modules.totals, macs=census.macs))
    return replace(report, sections=(modules, *others))


def _parts(report: Report) -> dict[str, int]:
    rows = report.section("components").rows
    return {row.component: n for row in rows if (n := row.trainable + row.frozen)}


def _shapes(inputs: Any) -> list[list[int]]:
    return list(inputs.values() if isinstance(inputs, dict) else inputs)


def _input_shapes(subject: Subject) -> list[list[int]]:
    assert subject.inputs is not None
    return [list(x.shape) for x in subject.inputs.args]


def _check_closed_forms(report: Report) -> None:
    for module in report.section("modules").rows:
        if module.own_macs:
            assert evaluate(module.macs_form or "0", {}) == module.own_macs, module.path
        if module.own_trainable and module.calls:
            assert evaluate(module.params_form or "0", {}) == module.own_trainable, module.path


def _check_figures(report: Report) -> None:
    """Hold what the authors print against the count, as presets/test_presets.py does of others."""
    found = report.find("published")
    for row in found.rows if found else ():
        assert row.counted is not None, row
        assert row.difference == row.counted - row.value
        assert row.agrees or row.reason, row


def _macs(subject: Subject) -> int:
    """Return what torch's own counter sees, the blocks that were built once counted for all."""
    assert subject.inputs is not None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        subject.model.eval()(*subject.inputs.args, **subject.inputs.kwargs)
    flops = {
        path.partition(".")[2]: sum(by_operator.values())
        for path, by_operator in counter.get_flop_counts().items()
    }
    more = sum(flops.get(r.path, 0) * (len(r.copies) - 1) for r in subject.repeats)
    return (counter.get_total_flops() + more) // 2
