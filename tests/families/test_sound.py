"""Networks of sound, and CLIP: what they count, what they see and how they behave for real."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import archscope
from archscope import loaders
from archscope.families import FAMILIES
from archscope.library import count_subject
from archscope.subject import Request
from archscope.theory.counts import evaluate

pytestmark = pytest.mark.usefixtures("few_sizes")

SMALL: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    # 87 samples: 4 frames of 5 + 7 + 9 taps with strides 5, 2, 2, no padding
    "wav2vec2": (
        "wav2vec2",
        {"depth": 1, "d_model": 8, "heads": 2, "d_ff": 6, "conv_kernels": (5, 3, 2),
         "conv_strides": (5, 2, 2), "conv_channels": (4,), "position_kernel": 4,
         "position_groups": 2, "input_size": 87, "batch_size": 2},
        (2, 4, 8),
    ),
    "whisper": (
        "whisper",
        {"depth": 1, "d_model": 8, "heads": 2, "d_ff": 6, "mel_bins": 3, "vocab_size": 11,
         "input_size": 9, "target_len": 4, "batch_size": 2},
        (2, 4, 11),
    ),
    "clip": (
        "clip",
        {"depth": 1, "d_model": 8, "heads": 2, "text_depth": 1, "text_d_model": 6,
         "text_heads": 2, "vocab_size": 11, "seq_len": 5, "patch_size": 4, "input_size": 9,
         "batch_size": 2},
        (2, 2),
    ),
    "conv-tasnet": (
        "conv-tasnet",
        {"filters": 6, "filter_length": 4, "hidden_channels": 5, "bottleneck_channels": 4,
         "dilations": (1, 2), "stacks": 2, "sources": 3, "input_size": 41, "batch_size": 2},
        (2, 3, 41),
    ),
    "conformer": (
        "conformer",
        {"depth": 1, "d_model": 8, "heads": 2, "kernel_size": 4, "features": 6, "classes": 7,
         "head": "transducer", "target_len": 3, "input_size": 18, "batch_size": 2},
        (2, 5, 3, 7),
    ),
    "conformer without positions": (
        "conformer",
        {"depth": 1, "d_model": 8, "heads": 2, "kernel_size": 5, "features": 8, "classes": 7,
         "positions": "none", "subsampling": 1, "head": "ctc", "input_size": 18},
        (1, 18, 7),
    ),
}  # fmt: skip


def _built(kind: str, fields: dict[str, Any]) -> tuple[Any, list[Tensor]]:
    torch.manual_seed(0)
    family = FAMILIES.get(kind)
    spec = family.spec(**fields)
    inputs = [x.double() if x.is_floating_point() else x for x in family.inputs(spec).args]
    return family.network(spec).double().eval(), inputs


@pytest.mark.parametrize("name", SMALL)
def test_a_forward_pass_returns_what_the_spec_says(name: str) -> None:
    kind, fields, shape = SMALL[name]
    model, inputs = _built(kind, fields)

    with torch.no_grad():
        out = model(*inputs)

    assert tuple(out.shape) == shape
    assert out.isfinite().all()
    assert out.std() > 0


@pytest.mark.parametrize("name", SMALL)
def test_every_layer_has_its_closed_form(name: str) -> None:
    kind, fields, _ = SMALL[name]
    family = FAMILIES.get(kind)

    report = count_subject(family.subject(family.spec(**fields)))

    assert report.totals.complete, report.notes
    for module in report.section("modules").rows:
        assert evaluate(module.macs_form or "0", {}) == module.own_macs, module.path


# As the authors' code, run on shapes by torch's own counter, says.
WORK = {
    "whisper-tiny": (37_184_640 + 576_000, 35_541_098_496),  # transformers
    "wav2vec2-base:mask_embedding=false": (94_370_944, 74_066_523_136),  # torchaudio
    "conv_tasnet_base": (4_984_881, 19_649_327_104),  # torchaudio
    "clip-vit-base-patch32": (151_277_313, 7_388_582_400),  # transformers
    # torchaudio's Conformer(144, 4, 576, 16, 31) on 250 frames: 1,925,568,000 that it sees, and
    # attention, 16 blocks of 2 * 250 * 250 * 144
    "conformer:positions=none,subsampling=1,features=144,kernel_size=31,input_size=250": (
        7_771_392,
        1_925_568_000 + 288_000_000,
    ),
}


@pytest.mark.parametrize("text", WORK)
def test_a_network_does_the_work_that_its_authors_code_does(text: str) -> None:
    totals = count_subject(loaders.load(text, Request()).subject()).totals

    assert (totals.trainable + totals.frozen, totals.macs) == WORK[text]


@pytest.mark.parametrize(
    ("text", "window", "jump"),
    [
        ("wav2vec2-base", 400, 320),  # 10 taps, then strides 5, 2, 2, 2, 2, 2, 2
        ("wav2vec2-large-lv60", 400, 320),
        ("whisper-tiny", 5, 2),  # 3 frames, and one more at each side
        ("conformer-s", 7, 4),  # 3 + 2 * 2
        ("clip-vit-base-patch16", 16, 16),
        # Two frames of 16 samples, 8 apart, each of which sees 2 * (1 + 2) * 2 frames more.
        ("conv-tasnet:dilations=1/2,stacks=2", 8 * (1 + 12) + 16, 1),
    ],
)
def test_what_is_before_attention_or_norms_over_time_sees(
    text: str, window: int, jump: int
) -> None:
    totals = archscope.rf(text).totals

    assert {totals.receptive_field[0], totals.jump[0]} == {window, jump}
    assert totals.reads_all


def test_cumulative_norms_are_of_all_time_so_far_and_no_more() -> None:
    fields = {**SMALL["conv-tasnet"][1], "norm": "cumulative", "causal": True}
    model, (mixture,) = _built("conv-tasnet", fields)
    norm = model.mask_generator.input_norm
    with torch.no_grad():
        frames = model.encoder(mixture)  # (2, 6, F)
        for end in (1, 4):
            so_far = frames[..., :end]
            mean, deviation = so_far.mean((1, 2)), so_far.std((1, 2), correction=0)
            expected = (so_far[..., -1] - mean[:, None]) / deviation[:, None]
            torch.testing.assert_close(norm(frames)[..., end - 1], expected, rtol=1e-4, atol=0)
        before = model(mixture)
        changed = mixture.clone()
        changed[..., 20] += 1
        after = model(changed)
    # A frame of 4 samples, 2 apart, is in outputs up to 3 samples before the last that it reads.
    assert torch.equal(after[..., :17], before[..., :17])
    assert not torch.equal(after[..., 17:20], before[..., 17:20])


def test_cumulative_norms_are_more_than_the_closed_form_tells() -> None:
    report = archscope.rf(
        "conv-tasnet", dilations=(1,), stacks=1, causal=True, norm="cumulative",
        filter_length=4, input_size=24, graph=True,
    )  # fmt: skip

    assert any("agree in" in note.text for note in report.notes)
    assert any("over all frames so far" in note.text for note in report.notes)
    assert report.totals.receptive_field == (24,)


def test_a_conformer_tells_before_from_after() -> None:
    # One more tap of four lies after a frame, and scores of distances are to both sides.
    fields = {**SMALL["conformer"][1], "subsampling": 1, "features": 8, "head": "none"}
    model, (frames,) = _built("conformer", fields)
    with torch.no_grad():
        model.layers[0].self_attn.product.position.normal_()
        assert not torch.allclose(model(frames.flip(1)).flip(1), model(frames))
        for layer in (model.layers[0].self_attn.linear_pos, model.layers[0].conv.depthwise_conv):
            layer.weight.zero_()
        torch.testing.assert_close(model(frames.flip(1)).flip(1), model(frames))


def test_a_text_of_clip_is_read_where_it_ends() -> None:
    model, (images, texts) = _built(*SMALL["clip"][:2])
    texts = torch.tensor([[3, 10, 1, 1, 1], [3, 4, 5, 10, 1]])  # 10 ends a text
    padded = torch.tensor([[3, 10, 2, 6, 7], [3, 4, 5, 10, 9]])
    with torch.no_grad():
        torch.testing.assert_close(model(images, texts), model(images, padded))


def test_whispers_encoder_knows_positions_that_are_not_trained() -> None:
    model, (spectrogram, tokens) = _built(*SMALL["whisper"][:2])
    table = model.encoder.pos_emb.weight
    assert not table.requires_grad
    torch.testing.assert_close(table[0], torch.tensor([0.0] * 4 + [1.0] * 4).double())
    # 4 waves, the last 10,000 times as long as the first
    torch.testing.assert_close(table[1, 3], torch.tensor(1e-4).double().sin())
    with torch.no_grad():
        before = model(spectrogram, tokens)
        changed = tokens.clone()
        changed[:, 2] = (changed[:, 2] + 1) % 11
        after = model(spectrogram, changed)
    assert torch.equal(after[:, :2], before[:, :2])
    assert not torch.equal(after[:, 2], before[:, 2])
