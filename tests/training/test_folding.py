"""Blocks that repeat are run once: what they keep and do together is what all of them do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from archscope import loaders
from archscope.analyses.memory.sections import sections as memory_sections
from archscope.analyses.memory.settings import Settings
from archscope.analyses.train.analysis import run as train
from archscope.subject import Request, Subject
from archscope.training.folding import names, times_saved
from archscope.training.optimisers import optimiser
from archscope.training.peak import peak, timeline
from archscope.training.recipe import Recipe, Recompute
from archscope.training.step import Step, run_step
from archscope.training.unfolded_changes import laid_out
from archscope.training.unfolding import shorter, unfolded

SMALL = {"d_model": 16, "heads": 2, "seq_len": 8, "vocab_size": 32, "depth": 3}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "decoder": ("transformer", SMALL),
    "encoder and decoder": (
        "transformer",
        {**SMALL, "arch": "encoder-decoder", "depth": 2, "decoder_depth": 3},
    ),
    "experts": ("transformer", {**SMALL, "ffn": "moe:4/2", "positions": "rotary"}),
    "shared blocks": ("albert-base-v2", {"depth": 2, "seq_len": 8}),
    "buffers": ("resnet18", {"blocks": (3, 1, 1, 1), "input_size": 32, "batch_size": 2}),
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
    assert once[0].rows == whole[0].rows


@pytest.mark.parametrize("name", NETWORKS)
def test_folded_and_whole_keep_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    it = subject(name)
    whole = memory_sections(it, Settings())[0]
    monkeypatch.setattr("archscope.analyses.memory.run_step.LARGEST_WHOLE", 0)
    folded = memory_sections(it, Settings())[0]

    assert folded.totals.peak is None
    assert any("the peak is unknown" in note.text for note in folded.notes)
    for name in ("saved", "activations", "weights", "buffers", "gradients", "states", "inputs"):
        assert getattr(folded.totals, name) == getattr(whole.totals, name)
    assert [row.path for row in folded.rows] == [row.path for row in whole.rows]


TINY = {**SMALL, "d_model": 8}
HALVES = {
    "depth": 3,
    "d_model": 8,
    "axial_dims": (4, 4),
    "axial_shape": (2, 4),
    "heads": 2,
    "head_dim": 3,
    "d_ff": 6,
    "hashed": 0,
    "local_chunk": 2,
    "seq_len": 4,
}
STRETCHES: dict[str, tuple[str, dict[str, Any], Recipe, int]] = {
    "periods": (
        "transformer",
        {**TINY, "depth": 10, "attention": "window:3", "full_every": 2},
        Recipe(recompute=Recompute(every=2)),
        1,
    ),
    "two stacks, several passes": (
        "transformer",
        {**TINY, "arch": "encoder-decoder", "depth": 1, "decoder_depth": 6},
        Recipe(attention="math", recompute=Recompute(every=0, core=True)),
        2,
    ),
    "blocks that hand on two things": (
        "reformer",
        {**HALVES, "depth": 6},
        Recipe(),
        1,
    ),
    "no backward but of the head": (
        "vit",
        {"depth": 6, "d_model": 8, "heads": 2, "patch_size": 4, "input_size": 8, "classes": 3},
        Recipe(freeze=("blocks", "patch_emb", "class_token", "pos_emb", "ln_f")),
        1,
    ),
}


@pytest.mark.parametrize("case", STRETCHES)
def test_a_few_blocks_tell_what_all_have_alive(case: str) -> None:
    text, fields, recipe, passes = STRETCHES[case]
    it = loaders.load(text, Request(fields=fields)).subject()
    short = shorter(it, recipe)
    assert short is not None

    few = run_step(short, recipe, optimiser("adamw"), passes=passes)
    whole = run_step(unfolded(it), recipe, optimiser("adamw"), passes=passes)

    assert len(few.changes) < len(whole.changes)
    assert peak(few) == peak(whole)
    assert [*timeline(few)] == [*timeline(whole)]
    assert kept(few) == kept(whole)


def kept(step: Step) -> Counter[str]:
    """Return the bytes that each module keeps, copies of blocks each by itself."""
    found = Counter[str]()
    for saved in step.saved:
        copies = list(names(saved.path, step.repeats))[: times_saved(saved, step.repeats)]
        found.update(dict.fromkeys(copies, saved.bytes))
    return found


def test_a_first_block_that_is_given_one_thing_twice_stands_for_no_other() -> None:
    it = loaders.load("reformer", Request(fields=HALVES)).subject()

    step = run_step(it, Recipe(), optimiser("sgd"))

    assert kept(step) == kept(run_step(unfolded(it), Recipe(), optimiser("sgd")))


def test_a_stretch_that_is_not_steady_tells_nothing() -> None:
    it = loaders.load("transformer", Request(fields={**TINY, "depth": 6})).subject()
    short = shorter(it, Recipe())
    assert short is not None
    step = run_step(short, Recipe(), optimiser("sgd"))
    place = next(n for n, change in enumerate(step.changes) if change.path == "blocks.2.mlp")
    changes = list(step.changes)
    changes[place] = replace(changes[place], bytes=changes[place].bytes + 8)

    assert peak(replace(step, changes=tuple(changes))) is None


def test_what_every_block_hands_to_the_end_is_told_by_no_few() -> None:
    fields = {**TINY, "d_ff": 8, "depth": 6}
    it = loaders.load("transformer-xl", Request(fields=fields)).subject()
    short = shorter(it, Recipe())
    assert short is not None

    few = run_step(short, Recipe(), optimiser("sgd"))

    assert laid_out(few) is None
    assert peak(few) is None


def test_a_shared_block_whose_first_run_needs_no_gradient_ends() -> None:
    fields = {**TINY, "vocab_size": 0, "positions": "none", "shared_blocks": True}
    it = loaders.load("transformer", Request(fields=fields)).subject()

    assert peak(run_step(it, Recipe(), optimiser("sgd"))) is not None
    assert train(it)[0].totals.complete
