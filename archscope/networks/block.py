"""The block of a Transformer: mix positions, mix features, each with a residual and a norm.

B batch, S positions, T positions of a memory, D width of the model.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.networks.attention import Attention, ScaledDotProduct, WindowDotProduct
from archscope.networks.feedforward import GATED, FeedForward, GatedFeedForward, MixtureOfExperts

if TYPE_CHECKING:
    from collections.abc import Callable

    from archscope.families.transformer import TransformerSpec


class Block(nn.Module):
    """Self-attention or a convolution, attention to a memory where there is one, feed-forward."""

    def __init__(
        self, spec: TransformerSpec, *, causal: bool, dilation: int = 1, cross: bool = False
    ) -> None:
        super().__init__()
        norm = partial(make_norm, spec, spec.d_model)
        self.pre_norm = spec.norm_place == "pre"
        self.attends = spec.mixer == "attention"
        self.ln_1 = norm()
        if self.attends:
            self.attn = _self_attention(spec, causal)
        else:
            self.mixer = DilatedMixer(spec, dilation=dilation, causal=causal)
        self.ln_cross = norm() if cross else None
        self.cross = _attention(spec, ScaledDotProduct(causal=False), cross=True) if cross else None
        self.ln_2 = norm()
        self.mlp = _feed_forward(spec)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Take (B, S, D) and, to attend to another sequence, (B, T, D); return (B, S, D)."""
        x = self._add(x, self.ln_1, self.attn if self.attends else self.mixer)
        if self.cross is not None and self.ln_cross is not None:
            x = self._add(x, self.ln_cross, partial(self.cross, memory=memory))
        return self._add(x, self.ln_2, self.mlp)  # (B, S, D)

    def _add(self, x: Tensor, norm: Callable[..., Tensor], part: Callable[..., Tensor]) -> Tensor:
        return x + part(norm(x)) if self.pre_norm else norm(x + part(x))


class DilatedMixer(nn.Module):
    """A dilated convolution in attention's place: over positions, from all features to all."""

    archscope_component = "mixer"

    def __init__(self, spec: TransformerSpec, *, dilation: int, causal: bool) -> None:
        super().__init__()
        reach = (spec.taps - 1) * dilation
        past = reach if causal else reach // 2
        self.pads = (past, reach - past)
        self.conv = nn.Conv1d(
            spec.d_model, spec.d_model, spec.taps, dilation=dilation, bias=spec.bias
        )

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        x = F.pad(x.transpose(1, 2), self.pads)  # (B, D, S + reach)
        out: Tensor = self.conv(x)  # (B, D, S)
        return out.transpose(1, 2)


def make_norm(spec: TransformerSpec, width: int) -> nn.Module:
    """Return a norm over the last `width` features, of the kind that the spec names."""
    if spec.norm == "rmsnorm":
        return nn.RMSNorm(width)
    return nn.LayerNorm(width, bias=spec.bias)


def _self_attention(spec: TransformerSpec, causal: bool) -> Attention:
    grouped = spec.key_heads != spec.heads
    if spec.window_keys is None:
        product: nn.Module = ScaledDotProduct(causal=causal, grouped=grouped)
    else:
        product = WindowDotProduct(
            window=spec.window_keys, dilation=spec.window_step, causal=causal, grouped=grouped
        )
    return _attention(spec, product, rotary=spec.positions == "rotary")


def _attention(
    spec: TransformerSpec, product: nn.Module, *, rotary: bool = False, cross: bool = False
) -> Attention:
    return Attention(
        spec.d_model,
        spec.heads,
        product,
        kv_heads=spec.key_heads,
        head_dim=spec.head_width,
        bias=spec.bias,
        qkv_bias=spec.projections_biased,
        head_norm=partial(make_norm, spec) if spec.qk_norm else None,
        rotary=rotary,
        cross=cross,
    )


def _feed_forward(spec: TransformerSpec) -> nn.Module:
    sizes = (spec.d_model, spec.hidden_width)
    if spec.experts:
        experts = (spec.experts, spec.experts_per_token)
        return MixtureOfExperts(*sizes, *experts, activation=spec.activation, bias=spec.bias)
    kind = GatedFeedForward if spec.activation in GATED else FeedForward
    return kind(*sizes, activation=spec.activation, bias=spec.bias)
