"""diffusers: denoisers and autoencoders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import diffusers as d
import torch

from benchmarks.strangers.stranger import Stranger, integers, noise, of


def networks() -> Iterator[Stranger]:
    small: dict[str, Any] = {"block_out_channels": (32, 64), "norm_num_groups": 8}
    cross = {**small, "cross_attention_dim": 32, "attention_head_dim": 8, "sample_size": 16}
    plain = {
        **small,
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
    }
    heads: dict[str, Any] = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2}
    step, words = integers(10), noise(1, 7, 32)
    down = ("CrossAttnDownBlock2D", "DownBlock2D")
    yield of(
        "UNet2DModel",
        lambda: d.UNet2DModel(
            sample_size=32,
            down_block_types=("DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D"),
            **small,
        ),
        noise(1, 3, 32, 32),
        step,
    )
    yield of(
        "UNet2DConditionModel",
        lambda: d.UNet2DConditionModel(
            down_block_types=down,
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            **cross,
        ),
        noise(1, 4, 16, 16),
        step,
        words,
    )
    yield of(
        "UNet3DConditionModel",
        lambda: d.UNet3DConditionModel(
            down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
            up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
            **cross,
        ),
        noise(1, 4, 3, 16, 16),
        step,
        words,
    )
    yield of(
        "UNet1DModel",
        lambda: d.UNet1DModel(
            in_channels=14,
            out_channels=14,
            block_out_channels=(16, 32),
            down_block_types=("DownResnetBlock1D",) * 2,
            up_block_types=("UpResnetBlock1D",),
            mid_block_type="MidResTemporalBlock1D",
            out_block_type="OutConv1DBlock",
            time_embedding_type="positional",
            act_fn="mish",
            use_timestep_embedding=True,
            flip_sin_to_cos=False,
            freq_shift=1,
            layers_per_block=1,
            norm_num_groups=8,
            downsample_each_block=False,
        ),
        noise(1, 14, 16),
        step,
    )
    yield of(
        "ControlNetModel",
        lambda: d.ControlNetModel(
            down_block_types=down,
            conditioning_embedding_out_channels=(16, 32),
            **{k: v for k, v in cross.items() if k != "sample_size"},
        ),
        noise(1, 4, 16, 16),
        step,
        words,
        noise(1, 3, 32, 32),
    )
    yield of("AutoencoderKL", lambda: d.AutoencoderKL(**plain), noise(1, 3, 32, 32))
    yield of("VQModel", lambda: d.VQModel(**plain), noise(1, 3, 32, 32))
    yield of(
        "AsymmetricAutoencoderKL",
        lambda: d.AsymmetricAutoencoderKL(
            down_block_out_channels=(32,),
            up_block_out_channels=(32,),
            norm_num_groups=8,
        ),
        noise(1, 3, 32, 32),
    )
    yield of("AutoencoderTiny", d.AutoencoderTiny, noise(1, 3, 64, 64))
    yield of(
        "AutoencoderOobleck",
        lambda: d.AutoencoderOobleck(
            encoder_hidden_size=16,
            decoder_channels=16,
            downsampling_ratios=[2, 4],
            channel_multiples=[1, 2],
            decoder_input_channels=8,
        ),
        noise(1, 2, 512),
    )
    yield of(
        "AutoencoderKLTemporalDecoder",
        lambda: d.AutoencoderKLTemporalDecoder(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D",) * 2,
        ),
        sample=noise(2, 3, 32, 32),
        num_frames=2,
    )
    yield of(
        "DiTTransformer2DModel",
        lambda: d.DiTTransformer2DModel(sample_size=8, **heads),
        noise(1, 4, 8, 8),
        integers(1),
        integers(1),
    )
    yield of(
        "PixArtTransformer2DModel",
        lambda: d.PixArtTransformer2DModel(
            sample_size=8,
            cross_attention_dim=32,
            caption_channels=24,
            use_additional_conditions=False,
            **heads,
        ),
        hidden_states=noise(1, 4, 8, 8),
        encoder_hidden_states=noise(1, 7, 24),
        timestep=integers(1),
    )
    yield of(
        "SD3Transformer2DModel",
        lambda: d.SD3Transformer2DModel(
            sample_size=8,
            joint_attention_dim=32,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            pos_embed_max_size=96,
            **heads,
        ),
        noise(1, 16, 8, 8),
        words,
        noise(1, 64),
        integers(1),
    )
    yield of(
        "FluxTransformer2DModel",
        lambda: d.FluxTransformer2DModel(
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
        hidden_states=noise(1, 16, 4),
        encoder_hidden_states=words,
        pooled_projections=noise(1, 32),
        timestep=torch.tensor([1.0]),
        img_ids=noise(16, 3),
        txt_ids=noise(7, 3),
        guidance=None,
    )
    yield of(
        "Transformer2DModel",
        lambda: d.Transformer2DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=32,
            norm_num_groups=8,
        ),
        noise(1, 32, 8, 8),
    )
    yield of(
        "PriorTransformer",
        lambda: d.PriorTransformer(embedding_dim=32, num_embeddings=7, **heads),
        noise(1, 32),
        integers(1),
        noise(1, 32),
        words,
    )
    yield of(
        "CogVideoXTransformer3DModel",
        lambda: d.CogVideoXTransformer3DModel(
            text_embed_dim=32,
            sample_width=8,
            sample_height=8,
            sample_frames=9,
            max_text_seq_length=7,
            time_embed_dim=16,
            in_channels=4,
            **heads,
        ),
        noise(1, 3, 4, 8, 8),
        words,
        integers(1),
    )
