"""What the usual ways to train a network take, side by side and on a page."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

import archscope
import archscope.training.products as products_of_steps
from archscope.analyses.finetune.ways import all_but, last_layer
from archscope.analyses.memory import run_step
from archscope.errors import UsageError
from archscope.results import Report
from archscope.saved import read_text
from archscope.subject import Subject
from archscope.training.step import Step

SMALL = {"depth": 2, "d_model": 16, "heads": 2, "seq_len": 8, "vocab_size": 32}


@pytest.fixture(scope="module")
def told() -> Report:
    return archscope.analyse("finetune", "transformer", **SMALL)


@pytest.mark.parametrize(
    ("way", "settings"),
    [
        ("full", {}),
        ("LoRA", {"lora": "r=8"}),
        ("recomputed", {"recompute": "full"}),
        ("frozen", {"freeze": "tok_emb,pos_emb,ln_f,lm_head,blocks.0,blocks.1.[!m]*,*.fc1"}),
    ],
)
def test_each_way_is_what_memory_and_train_say_of_it(
    told: Report, way: str, settings: dict[str, Any]
) -> None:
    memory, train = archscope.memory, archscope.train
    kept = memory("transformer", **SMALL, **settings).totals
    done = train("transformer", **SMALL, **settings).totals

    (row,) = (row for row in told.section("finetune.ways").rows if row.way == way)

    assert (row.saved, row.peak) == (kept.saved, kept.peak)
    assert row.fixed == kept.gradients + kept.states
    assert (row.trained, row.backward) == (done.trainable, done.backward)
    assert row.recomputed == done.recomputed
    parts = [each for each in told.section("finetune.parts").rows if each.way == way]
    assert sum(each.at_peak for each in parts) == row.peak
    line = [each.alive for each in told.section("finetune.timeline").rows if each.way == way]
    assert max(line) == row.peak


def test_a_backbone_is_all_but_the_last_layer_with_a_matrix() -> None:
    model = nn.ModuleDict(
        {
            "body": nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))]),
            "head": nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 2), nn.BatchNorm1d(2)),
        }
    )

    assert last_layer(model) == "head.1"
    assert all_but(model, "head.1") == "body,head.0,head.2"
    assert last_layer(nn.LayerNorm(4)) == ""


def test_what_a_network_has_not_is_a_note_and_what_was_typed_an_error() -> None:
    convolution = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    image = torch.ones(1, 3, 8, 8)

    report = archscope.analyse("finetune", convolution, image)

    assert [row.way for row in report.section("finetune.ways").rows] == ["full", "frozen"]
    said = " ".join(note.text for note in report.notes)
    assert "LoRA: no layer here is linear" in said
    assert "recomputed: no block" in said
    none = archscope.analyse("finetune", convolution, image, settings={"lora": "none"})
    assert not any("LoRA" in note.text for note in none.notes)
    typed = {"lora": "r=2,targets=nobody"}
    with pytest.raises(UsageError, match="targets=nobody names no module"):
        archscope.analyse("finetune", convolution, image, settings=typed)


def test_a_page_has_a_chapter_of_it_where_it_is_asked_for() -> None:
    report = archscope.report("transformer", **SMALL, rf=False, train=True)
    page = report.to("html")

    assert 'id="training"' in page
    step, peak = report.figure("training-step"), report.figure("training-peak")
    assert [trace.name for trace in step.data] == ["full", "frozen", "LoRA", "recomputed"]
    rows = {row.way: row.peak for row in report.section("finetune.ways").rows}
    for number, way in enumerate(peak.data[0].y):
        assert round(sum(trace.x[number] for trace in peak.data) * 2**20) == rows[way]
    again = read_text(report.to("json"))
    assert again.section("finetune.ways").rows == report.section("finetune.ways").rows


def test_what_is_cheap_with_all_blocks_is_not_run_once_more_to_find_that_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[Subject] = []
    run = run_step.run_as

    def counted(subject: Subject, *given: Any) -> Step:
        ran.append(subject)
        return run(subject, *given)

    monkeypatch.setattr(run_step, "run_as", counted)
    archscope.memory("transformer-xl", **{**SMALL, "depth": 6, "d_ff": 8})

    assert len(ran) == 2  # four of the blocks, which leave the memories open, and then all


def test_a_step_that_is_hardly_more_than_a_forward_is_not_told_as_one() -> None:
    # forward 64·16·16 + 16·4 = 16,448 MACs, backward of the frozen way 16·4 = 64: 1.0039
    network = nn.Sequential(nn.Conv1d(16, 16, 1), nn.AvgPool1d(64), nn.Flatten(), nn.Linear(16, 4))
    image = torch.ones(1, 16, 64)

    table = str(archscope.finetune(network, image))
    step = str(archscope.train(network, image, freeze="0"))

    assert "1.0039×" in table
    assert "1.004 × the forward" in step
    network[0] = nn.Conv1d(16, 16, 16)  # 49·4,096 + 64 = 200,768; 1 + 64 / 200,768
    network[1] = nn.AvgPool1d(49)
    assert "1.0003 × the forward" in str(archscope.train(network, image, freeze="0"))


def test_work_that_is_a_lower_bound_has_its_sign_in_every_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = products_of_steps.operator_of

    def without_numbers(func: Any) -> Any:
        operator = known(func)
        silent = dataclasses.replace(operator, formula=lambda *_, **__: None)
        return silent if operator.name == "aten::addmm" else operator

    monkeypatch.setattr(products_of_steps, "operator_of", without_numbers)
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))

    table = str(archscope.finetune(network, torch.ones(3, 4)))

    (full, frozen) = (line for line in table.splitlines() if line.startswith(("full", "frozen")))
    # gradients of weights 3·4·4 + 3·4·2 = 72 and of the inputs of the second 24; frozen 24
    assert ("≥ 96" in full, "≥ 24" in frozen) == (True, True)
    deep = archscope.finetune("transformer", **SMALL).section("finetune.ways").rows
    assert [row.way for row in deep if not row.again_complete] == ["recomputed"]
