"""Arguments that modules and closed forms, or several closed forms, share. No torch."""

from __future__ import annotations

from typing import Any

import archscope.families.transformer.kinds as kinds
from archscope.families.transformer.spec import TransformerSpec


def gated_delta(spec: TransformerSpec, mixer: kinds.GatedDelta) -> dict[str, Any]:
    """Return the sizes of a gated delta net."""
    return {
        "heads": mixer.delta_heads,
        "key_heads": mixer.key_heads,
        "key_dim": mixer.delta_key_dim,
        "value_dim": mixer.delta_value_dim,
        "taps": mixer.delta_kernel,
        "bias": spec.bias,
    }


def lightning(spec: TransformerSpec) -> dict[str, Any]:
    """Return the sizes of lightning attention."""
    return {"heads": spec.heads, "head_dim": spec.head_width, "bias": spec.attention_biased}


def state_space(
    spec: TransformerSpec, mixer: kinds.StateSpace | kinds.DualStateSpace
) -> dict[str, Any]:
    """Return the sizes of Mamba's block, without its norms."""
    return {
        "state": mixer.state_size,
        "taps": mixer.state_kernel,
        "expand": mixer.expansion,
        "bias": spec.bias,
        "conv_bias": spec.bias if mixer.state_conv_bias is None else mixer.state_conv_bias,
    }


def dual_state_space(spec: TransformerSpec, mixer: kinds.DualStateSpace) -> dict[str, Any]:
    """Return the sizes of Mamba-2's block."""
    return {
        **state_space(spec, mixer),
        "head_dim": mixer.state_head_dim,
        "groups": mixer.state_groups,
        "chunk": mixer.state_chunk,
    }


def mixture(spec: TransformerSpec, experts: kinds.MixtureOfExperts) -> dict[str, Any]:
    """Return the sizes of a mixture of experts, but for its widths."""
    return {
        "experts": experts.experts,
        "chosen": experts.chosen,
        "activation": spec.activation,
        "bias": spec.bias,
        "router_bias": experts.router_bias,
        "shared": experts.shared_ff,
        "shared_gate": experts.shared_gate,
    }
