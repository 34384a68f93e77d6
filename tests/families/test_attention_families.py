"""Networks of attention that have a family of their own: specs, folding, outlines and presets."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from archscope import loaders, presets, specs
from archscope.errors import SpecError
from archscope.families import FAMILIES
from archscope.library import count_subject
from archscope.subject import Request
from archscope.theory.counts import evaluate

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "switch": ("t5", {"depth": 3, "decoder_depth": 5, "experts": 4, "d_model": 16}),
    "swin": ("swin", {"blocks": (1, 4), "heads": (3, 6), "input_size": 90}),
    "deepseek": ("deepseek", {"depth": 4, "dense_blocks": 2, "q_rank": 8, "routing": "balanced"}),
    "mamba": ("mamba", {"depth": 3, "d_model": 20, "seq_len": 30, "tied": False, "bias": True,
                        "inner_norm": True}),
    "mamba-2": ("mamba", {"version": "v2", "depth": 3, "d_model": 20, "head_dim": 8,
                          "chunk_size": 7, "seq_len": 30}),
    "mobilebert": ("mobilebert", {"depth": 2, "seq_len": 12, "layer_norm": True}),
    "xlnet": ("xlnet", {"depth": 2, "segments": True, "seq_len": 12}),
    "transformer-xl with scores": (
        "transformer-xl",
        {"depth": 2, "seq_len": 8, "scores": True, "cutoffs": (20, 90), "div_val": 2},
    ),
    "longformer": ("longformer", {"depth": 2, "seq_len": 600, "window": 64, "global_tokens": 2}),
    "reformer": ("reformer", {"depth": 4, "seq_len": 500, "hashes": 2, "ff_chunk": 128}),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_folded_and_whole_count_the_same(name: str) -> None:
    """The default of each family is held to the same by the contract of all families."""
    kind, fields = NETWORKS[name]
    family = FAMILIES.get(kind)
    spec = specs.made(family.spec, fields)
    folded = family.subject(spec)
    assert folded.repeats, "something repeats"
    with torch.device("meta"):
        model = family.network(spec)

    ours = count_subject(folded)
    whole = count_subject(dataclasses.replace(folded, model=model, repeats=()))

    assert ours.totals.complete, ours.notes
    for module in ours.section("modules").rows:
        assert evaluate(module.macs_form or "0", {}) == module.own_macs, module.path
    assert ours.config == specs.values(spec)
    assert ours.totals == whole.totals
    for section in ours.sections:
        assert section.rows == whole.section(section.name).rows, section.name


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("t5", {"buckets": 30}, "buckets"),
    ("t5", {"max_distance": 16}, "max_distance"),
    ("vit", {"heads": 5}, "Nearest: 4, 6"),
    ("vit", {"input_size": 15}, "patch_size"),
    ("swin", {"heads": (3, 6)}, "each of the 4 stages"),
    ("swin", {"heads": (3, 6, 12, 23)}, "768 channels of stage 3"),
    ("swin", {"input_size": 3}, "patch_size"),
    ("deepseek", {"top_k": 65}, "64"),
    ("deepseek", {"rope_dim": 7}, "Nearest: 6, 8"),
    ("mamba", {"version": "v2", "head_dim": 5}, "Nearest: 4, 6"),
    ("mamba", {"chunk_size": 8}, "v2"),
    ("mobilebert", {"heads": 3}, "heads: 3 does not divide bottleneck 128. Nearest: 2, 4"),
    ("mobilebert", {"seq_len": 513}, "seq_len: 513 is more than the 512 rows of max_positions"),
    ("xlnet", {"heads": 7}, "Nearest: 6, 8"),
    ("xlnet", {"d_model": 765, "heads": 5}, "Nearest: 764, 766"),
    ("transformer-xl", {"heads": 7}, "Nearest: 4, 8"),
    ("transformer-xl", {"d_model": 511, "heads": 7}, "Nearest: 510, 512"),
    ("transformer-xl", {"cutoffs": (50, 20)}, "does not rise"),
    ("transformer-xl", {"cutoffs": (204,)}, "vocab_size"),
    ("transformer-xl", {"cutoffs": (20, 90), "div_val": 32}, "without features"),
    ("longformer", {"window": 511}, "Nearest: 510, 512"),
    ("longformer", {"heads": 7}, "Nearest: 6, 8"),
    ("longformer", {"seq_len": 4097}, "4098 rows"),
    ("longformer", {"seq_len": 5, "global_tokens": 6}, "seq_len"),
    ("reformer", {"axial_dims": (256, 512)}, "d_model"),
    ("reformer", {"axial_shape": (128,)}, "two numbers"),
    ("reformer", {"seq_len": 65537}, "65536 positions"),
    ("reformer", {"buckets": (64, 7)}, "Nearest: 6, 8"),
    ("clip", {"text_heads": 7}, "Nearest: 4, 8"),
    ("clip", {"seq_len": 78}, "max_positions"),
    ("clip", {"input_size": 31}, "patch_size"),
    ("conformer", {"heads": 5}, "Nearest: 4, 6"),
    ("conformer", {"subsampling": 1}, "d_model"),
    ("conformer", {"subsampling": 6}, "Nearest: 4, 8"),
    ("conformer", {"d_model": 9, "heads": 3}, "Nearest: 8, 10"),
    ("wav2vec2", {"input_size": 399}, "400 samples"),
    ("wav2vec2", {"conv_strides": (5,) * 8}, "give 1 to 7"),
    ("wav2vec2", {"position_groups": 7}, "Nearest: 6, 8"),
    ("whisper", {"input_size": 3001}, "1501 frames"),
    ("whisper", {"target_len": 449}, "target_positions"),
    ("whisper", {"kernel_size": 4}, "Nearest: 3, 5"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "words"), WRONG, ids=str)
def test_what_does_not_fit_is_refused_in_words(
    kind: str, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        FAMILIES.get(kind).spec(**fields)
    assert words in str(caught.value)


def test_the_longformers_windows_reach_as_far_as_convolutions() -> None:
    outline = FAMILIES.get("longformer").outline
    assert outline is not None
    spec = FAMILIES.get("longformer").spec

    assert [layer.kernel for layer in outline(spec()).layers] == [513] * 12
    assert not outline(spec()).partial
    assert "from the second block on" in outline(spec(global_tokens=1)).partial


def test_the_memory_of_transformer_xl_is_in_a_remark() -> None:
    family = FAMILIES.get("transformer-xl")
    assert family.outline is not None

    (remark,) = family.outline(family.spec(depth=12, memory=150, seq_len=150)).remarks

    assert "1,800 tokens before" in remark  # 12 blocks x 150
    assert not family.outline(family.spec(memory=0)).remarks


FAMILIES_HERE = {kind for kind, _ in NETWORKS.values()}
PRESETS = [
    name
    for name in presets.names()
    if presets.load(name).family in FAMILIES_HERE and presets.load(name).same_as is None
]
DATA = Path(__file__).parents[1] / "data"
ROWS = json.loads((DATA / "rows" / "special.json").read_text())
MODELS = {row["name"]: row for row in json.loads((DATA / "models.json").read_text())}
FAR = 0.03
"""From here on a published figure that differs must say why."""


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in ROWS])
def test_a_preset_counts_to_the_end(name: str) -> None:
    """Those that have a row of reference figures are held against it elsewhere."""
    totals = count_subject(loaders.load(name, Request()).subject()).totals

    assert totals.complete
    _check_figures(name, dataclasses.asdict(totals))


def test_published_figures_are_near_the_reference_or_say_why_not() -> None:
    for name in {*ROWS} & {*PRESETS}:
        row = MODELS[name]
        total = row["params_trainable"]
        active = row.get("params_active", total)
        _check_figures(name, {"trainable": total, "active": active, "macs": row["macs"]})


def _check_figures(name: str, counted: dict[str, Any]) -> None:
    for figure in presets.load(name).published:
        near = pytest.approx(figure.value, rel=FAR)
        assert figure.reason or counted[figure.quantity] == near, (name, figure)
