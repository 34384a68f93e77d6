"""x-transformers: transformers with all the extras."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from x_transformers import (
    ContinuousTransformerWrapper,
    Decoder,
    Encoder,
    TransformerWrapper,
    ViTransformerWrapper,
    XTransformer,
)

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    words = (torch.arange(16)[None],)
    for extra in (
        {},
        {"rotary_pos_emb": True},
        {"alibi_pos_bias": True},
        {"rel_pos_bias": True},
        {"attn_flash": True},
        {"ff_glu": True, "use_rmsnorm": True},
        {"macaron": True},
        {"sandwich_norm": True},
        {"attn_pre_talking_heads": True},
        {"attn_kv_heads": 2},
        {"attn_num_mem_kv": 4},
        {"gate_residual": True},
        {"attn_sparse_topk": 4},
        {"shift_tokens": 1},
        {"attn_qk_norm": True},
    ):
        yield of(
            f"Decoder {' '.join(extra)}",
            partial(
                lambda extra: TransformerWrapper(
                    num_tokens=64,
                    max_seq_len=32,
                    attn_layers=Decoder(dim=32, depth=2, heads=4, **extra),
                ),
                extra,
            ),
            *words,
        )
    yield of(
        "Encoder",
        lambda: TransformerWrapper(
            num_tokens=64, max_seq_len=32, attn_layers=Encoder(dim=32, depth=2, heads=4)
        ),
        *words,
    )
    yield of(
        "Continuous",
        lambda: ContinuousTransformerWrapper(
            dim_in=8,
            dim_out=8,
            max_seq_len=32,
            attn_layers=Encoder(dim=32, depth=2, heads=4),
        ),
        noise(1, 16, 8),
    )
    yield of(
        "ViTransformerWrapper",
        lambda: ViTransformerWrapper(
            image_size=32,
            patch_size=8,
            num_classes=10,
            attn_layers=Encoder(dim=32, depth=2, heads=4),
        ),
        noise(1, 3, 32, 32),
    )
    yield of(
        "XTransformer",
        lambda: XTransformer(
            dim=32,
            enc_num_tokens=64,
            enc_depth=2,
            enc_heads=4,
            enc_max_seq_len=32,
            dec_num_tokens=64,
            dec_depth=2,
            dec_heads=4,
            dec_max_seq_len=32,
        ),
        *(words * 2),
    )
