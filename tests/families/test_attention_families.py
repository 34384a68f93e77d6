"""Networks of attention that have a family of their own: specs, folding, outlines and presets."""

from __future__ import annotations

from typing import Any

import pytest

from archscope.errors import SpecError
from archscope.families import FAMILIES

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
