"""speechbrain: recognition of speech and of speakers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from speechbrain.lobes.models import CRDNN, ECAPA_TDNN, ContextNet, MetricGAN_U, Xvector
from speechbrain.lobes.models.transformer import Conformer, Transformer, TransformerASR

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    sound = noise(1, 20, 20)
    yield of("CRDNN", lambda: CRDNN.CRDNN(input_shape=(1, 20, 20)), sound)
    yield of(
        "ECAPA_TDNN",
        lambda: ECAPA_TDNN.ECAPA_TDNN(
            20,
            channels=[64] * 5,
            attention_channels=16,
            kernel_sizes=[5, 3, 3, 3, 1],
            dilations=[1, 2, 3, 4, 1],
        ),
        sound,
    )
    yield of("Xvector", lambda: Xvector.Xvector(in_channels=20), noise(1, 50, 20))
    yield of(
        "ContextNet",
        lambda: ContextNet.ContextNet((1, 20, 20), num_blocks=2, strides=[1, 1]),
        sound,
    )
    yield of(
        "EnhancementGenerator", MetricGAN_U.EnhancementGenerator, noise(1, 20, 257), torch.ones(1)
    )
    yield of(
        "TransformerEncoder",
        lambda: Transformer.TransformerEncoder(num_layers=2, nhead=4, d_ffn=32, d_model=16),
        noise(1, 10, 16),
    )
    yield of(
        "ConformerEncoder",
        lambda: Conformer.ConformerEncoder(
            num_layers=2,
            nhead=4,
            d_ffn=32,
            d_model=16,
            kernel_size=3,
        ),
        src=noise(1, 10, 16),
        pos_embs=noise(1, 19, 16),
    )
    yield of(
        "TransformerASR",
        lambda: TransformerASR.TransformerASR(
            20,
            20,
            d_model=16,
            nhead=4,
            num_encoder_layers=2,
            num_decoder_layers=2,
            d_ffn=32,
        ),
        sound,
        torch.arange(1, 6)[None],
    )
