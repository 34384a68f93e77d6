"""Blocks that are built once count as all that they stand for, in every kind of network."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from archscope import specs
from archscope.families import FAMILIES
from archscope.library import count_subject
from archscope.theory.counts import evaluate

SMALL = {"d_model": 16, "heads": 4, "vocab_size": 50, "seq_len": 12}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "decoder": ("transformer", {"depth": 4, **SMALL}),
    "post-norm encoder": (
        "transformer", {"arch": "encoder", "norm_place": "post", "depth": 3, **SMALL},
    ),
    "encoder-decoder": (
        "transformer", {"arch": "encoder-decoder", "depth": 3, "decoder_depth": 4, **SMALL},
    ),
    "dilations that take turns": (
        "transformer", {"mixer": "dilated-conv", "dilations": (1, 2, 4), "depth": 7, **SMALL},
    ),
    "experts": ("transformer", {"experts": 4, "depth": 3, "activation": "swiglu", **SMALL}),
    "full among windows, with sinks": (
        "transformer", {"attention": "window", "window": 5, "masked_window": True, "sinks": True,
                        "full_every": 3, "depth": 7, "norm_place": "sandwich", **SMALL},
    ),
    "one block for all": (
        "transformer", {"shared_blocks": True, "depth": 4, "embedding_dim": 8, **SMALL},
    ),
    "one block for all, twice": (
        "transformer", {"shared_blocks": True, "arch": "encoder-decoder", "depth": 3,
                        "decoder_depth": 4, **SMALL},
    ),
    "parallel": ("transformer", {"parallel": True, "shared_norm": True, "depth": 3, **SMALL}),
    "windows": ("transformer", {"attention": "window", "window": 5, "depth": 3, **SMALL}),
    "convolutions, alike in pairs": (
        "cnn", {"dilations": (1, 2, 2, 1, 2), "channels": (8,), "in_channels": 8, "input_size": 9},
    ),
    "residual, strided": (
        "cnn",
        {"stride": (2, 1, 1, 1), "channels": (8,), "residual": True, "norm": "batchnorm",
         "input_size": 9, "head": "classifier", "classes": 3},
    ),
    "separable convolutions": ("mobilenet", {"version": "v1", "input_size": 64}),
    "inverted residuals of 8 channels at every size": (
        "mobilenet", {"width_mult": 0.02, "input_size": 64},
    ),
    "inverted residuals that excite": ("mobilenet", {"version": "v3-small", "input_size": 64}),
    "two maps of a backbone": (
        "segmentation", {"head": "lraspp", "backbone": "mobilenet-v3-large", "output_stride": 16,
                         "input_size": 64},
    ),
    "an auxiliary head": ("segmentation", {"head": "fcn", "auxiliary": True, "input_size": 64}),
    "skips added up": (
        "wavenet", {"dilations": (1, 2), "stacks": 3, "classes": 5, "input_size": 40},
    ),
    "layers one by one": (
        "vgg", {"convolutions": (2, 3), "channels": (8, 8), "d_ff": 4, "norm": "batchnorm"},
    ),
    "levels with and without residual paths": (
        "drn", {"arch": "c", "blocks": (1, 1, 3, 1, 3, 1, 1, 3), "input_size": 32},
    ),
    "an encoder of sounds and a decoder": (
        "whisper", {"depth": 3, "decoder_depth": 4, "d_model": 8, "heads": 2, "d_ff": 12,
                    "vocab_size": 50, "input_size": 21, "target_len": 5},
    ),
    "two encoders of unlike depth": (
        "clip", {"depth": 3, "text_depth": 5, "d_model": 12, "text_d_model": 8, "text_heads": 2,
                 "d_ff": 10, "vocab_size": 50, "seq_len": 6, "input_size": 65, "batch_size": 2},
    ),
    "skips added up, norms of all time so far": (
        "conv-tasnet", {"dilations": (1, 2), "norm": "cumulative", "causal": True, "filters": 6,
                        "hidden_channels": 5, "bottleneck_channels": 4, "input_size": 99},
    ),
    "no residual path out of the last": (
        "conv-tasnet", {"dilations": (1, 2), "last_residual": False, "filters": 6, "sources": 3,
                        "hidden_channels": 5, "bottleneck_channels": 4, "input_size": 99},
    ),
    "a transducer": (
        "conformer", {"depth": 3, "d_model": 8, "heads": 2, "head": "transducer", "classes": 9,
                      "subsampling": 8, "subsampling_conv": "depthwise-separable",
                      "features": 13, "input_size": 50, "target_len": 4, "decoder_depth": 2},
    ),
    "convolutions with biases and norms": (
        "wav2vec2", {"depth": 3, "d_model": 16, "heads": 2, "d_ff": 12, "norm_place": "pre",
                     "conv_channels": (6, 4), "conv_norm": "layer", "conv_bias": True,
                     "position_groups": 4, "position_kernel": 5, "classes": 7, "input_size": 999},
    ),
    "bottlenecks": (
        "resnet", {"block": "bottleneck", "blocks": (1, 1, 2, 4), "groups": 2, "input_size": 64},
    ),
    "dilated": ("resnet", {"blocks": (1, 1, 4, 3), "output_stride": 8, "input_size": 64}),
    "drn a": ("drn", {"arch": "a", "blocks": (1, 1, 4, 3), "input_size": 64}),
    "drn d": ("drn", {"blocks": (1, 3, 1, 2, 1, 3, 3, 1), "input_size": 64}),
    "scaled": ("efficientnet", {"width_mult": 0.5, "depth_mult": 0.6, "input_size": 64}),
    "fused": (
        "efficientnet",
        {"version": "v2-s", "width_mult": 0.5, "depth_mult": 0.25, "input_size": 64},
    ),
    "fires": ("squeezenet", {"expand_step": 0, "input_size": 64}),
    "convnext v2": (
        "convnext",
        {"version": "v2", "blocks": (1, 2, 3, 4), "channels": (8, 16, 32, 64), "input_size": 64},
    ),
    "switch": ("t5", {"depth": 3, "decoder_depth": 4, "experts": 4, "d_model": 16}),
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
    kind, fields = NETWORKS[name]
    family = FAMILIES.get(kind)
    spec = specs.made(family.spec, fields)
    folded = family.subject(spec)
    assert folded.repeats, "something repeats"
    with torch.device("meta"):
        model = family.network(spec)

    ours = count_subject(folded)
    whole = count_subject(dataclasses.replace(folded, model=model, repeats=()))

    assert ours.config == specs.values(spec)
    assert ours.totals.complete, ours.notes
    for module in ours.section("modules").rows:
        assert evaluate(module.macs_form or "0", {}) == module.own_macs, module.path
    assert ours.totals == whole.totals
    for section in ours.sections:
        assert section.rows == whole.section(section.name).rows, section.name
