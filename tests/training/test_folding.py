"""Blocks that repeat are run once: what they keep and do together is what all of them do."""

from __future__ import annotations

from typing import Any

import pytest

from archscope import loaders
from archscope.analyses.memory.sections import sections as memory_sections
from archscope.analyses.memory.settings import Settings
from archscope.analyses.train.analysis import run as train
from archscope.subject import Request, Subject
from archscope.training.unfolding import unfolded

SMALL = {"d_model": 16, "heads": 2, "seq_len": 8, "vocab_size": 32, "depth": 3}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "decoder": ("transformer", SMALL),
    "encoder and decoder": ("transformer", {**SMALL, "arch": "encoder-decoder"}),
    "experts": ("transformer", {**SMALL, "ffn": "moe:4/2", "positions": "rotary"}),
    "shared blocks": ("albert-base-v2", {"depth": 3, "seq_len": 8}),
    "buffers": ("resnet18", {"input_size": 32, "batch_size": 2}),
}


def subject(name: str) -> Subject:
    text, fields = NETWORKS[name]
    return loaders.load(text, Request(fields=fields)).subject()


@pytest.mark.parametrize("lora", ["", "r=2"])
@pytest.mark.parametrize("name", NETWORKS)
def test_folded_and_whole_do_the_same(name: str, lora: str) -> None:
    folded = subject(name)

    once, whole = train(folded, lora=lora), train(unfolded(folded), lora=lora)

    assert once[0].totals == whole[0].totals
    assert once[0].totals.complete
    assert {row.path: row for row in once[0].rows} == {row.path: row for row in whole[0].rows}


@pytest.mark.parametrize("name", NETWORKS)
def test_folded_and_whole_keep_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    it = subject(name)
    whole = memory_sections(it, Settings())[0].totals
    monkeypatch.setattr("archscope.analyses.memory.ran.LARGEST_WHOLE", 0)
    folded = memory_sections(it, Settings())[0]

    assert folded.totals.peak is None
    assert any("the peak is unknown" in note.text for note in folded.notes)
    for name in ("saved", "activations", "weights", "buffers", "gradients", "states", "inputs"):
        assert getattr(folded.totals, name) == getattr(whole, name)
