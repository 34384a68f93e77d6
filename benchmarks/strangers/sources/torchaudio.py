"""torchaudio: speech and music."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torchaudio import models

from benchmarks.strangers.stranger import Stranger, integers, noise, of


def networks() -> Iterator[Stranger]:
    some: dict[str, Any] = {"input_dim": 16, "num_heads": 4, "ffn_dim": 32, "num_layers": 2}
    yield of("Wav2Letter", lambda: models.Wav2Letter(10), noise(1, 1, 4000))
    yield of(
        "ConvTasNet",
        lambda: models.ConvTasNet(enc_num_feats=32, msk_num_feats=16, msk_num_layers=2),
        noise(1, 1, 2000),
    )
    yield of("DeepSpeech", lambda: models.DeepSpeech(20, 32, 10), noise(1, 30, 20))
    yield of(
        "WaveRNN",
        lambda: models.WaveRNN(
            [5, 5, 8],
            16,
            200,
            n_res_block=2,
            n_rnn=16,
            n_fc=16,
            n_freq=20,
            n_hidden=16,
            n_output=16,
        ),
        noise(1, 1, 1200),
        noise(1, 1, 20, 10),
    )
    yield of(
        "Tacotron2",
        lambda: models.Tacotron2(decoder_max_step=10),
        torch.arange(12)[None],
        integers(12),
        noise(1, 80, 20),
        integers(20),
    )
    yield of(
        "Conformer",
        lambda: models.Conformer(depthwise_conv_kernel_size=7, **some),
        noise(1, 20, 16),
        integers(20),
    )
    yield of(
        "Emformer",
        lambda: models.Emformer(segment_length=4, right_context_length=1, **some),
        noise(1, 21, 16),
        integers(20),
    )
    yield of("wav2vec2_base", models.wav2vec2_base, noise(1, 4000))
    yield of("HDemucs", lambda: models.HDemucs(["a", "b"], channels=8), noise(1, 2, 44100))
