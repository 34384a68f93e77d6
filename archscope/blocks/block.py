"""The block of a Transformer: mix positions, mix features, each with a residual and a norm.

B batch, S positions, T positions of a memory, D width of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import Attention, ScaledDotProduct, WindowDotProduct
from archscope.blocks.feedforward import GATED, FeedForward, GatedFeedForward, MixtureOfExperts
from archscope.blocks.masked_attention import MaskedDotProduct

if TYPE_CHECKING:
    from archscope.families.transformer.spec import TransformerSpec


Part = Callable[[Tensor], Tensor]


class Block(nn.Module):
    """Self-attention or a convolution, attention to a memory where there is one, feed-forward."""

    def __init__(
        self, spec: TransformerSpec, number: int = 0, *, causal: bool, cross: bool = False
    ) -> None:
        super().__init__()
        norm = partial(make_norm, spec, spec.d_model)
        self.norm_place = spec.norm_place
        sandwich = spec.norm_place == "sandwich"
        self.parallel = spec.parallel
        self.attends = spec.mixer == "attention"
        self.ln_1 = norm()
        if self.attends:
            self.attn = _self_attention(spec, causal, spec.window_of(number))
        else:
            self.mixer = DilatedMixer(spec, dilation=spec.dilation(number), causal=causal)
        self.ln_1_out = norm() if sandwich else None
        self.ln_cross = norm() if cross else None
        self.cross = _attention(spec, ScaledDotProduct(causal=False), cross=True) if cross else None
        self.ln_cross_out = norm() if cross and sandwich else None
        self.ln_2 = None if spec.shared_norm else norm()
        self.mlp = _feed_forward(spec)
        self.ln_2_out = norm() if sandwich else None

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Take (B, S, D) and, to attend to another sequence, (B, T, D); return (B, S, D)."""
        mix = self.attn if self.attends else self.mixer
        if self.parallel:
            first: Tensor = self.ln_1(x)  # (B, S, D)
            second = first if self.ln_2 is None else self.ln_2(x)  # (B, S, D)
            both: Tensor = x + mix(first) + self.mlp(second)  # (B, S, D)
            return both
        x = self._add(x, mix, self.ln_1, self.ln_1_out)
        if self.cross is not None:
            x = self._add(x, partial(self.cross, memory=memory), self.ln_cross, self.ln_cross_out)
        return self._add(x, self.mlp, self.ln_2, self.ln_2_out)  # (B, S, D)

    def _add(self, x: Tensor, part: Part, norm: Part | None, norm_out: Part | None) -> Tensor:
        assert norm is not None
        if self.norm_place == "post":
            return norm(x + part(x))
        answer = part(norm(x))
        return x + (answer if norm_out is None else norm_out(answer))


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
    return nn.LayerNorm(width, bias=spec.norms_biased)


def _self_attention(spec: TransformerSpec, causal: bool, window: int | None) -> Attention:
    rotary = spec.positions == "rotary"
    return _attention(spec, _product(spec, causal, window), rotary=rotary)


def _product(spec: TransformerSpec, causal: bool, window: int | None) -> nn.Module:
    grouped = spec.key_heads != spec.heads
    alibi = spec.positions == "alibi"
    if spec.sinks or alibi or (window is not None and spec.masked_window):
        return MaskedDotProduct(
            spec.heads,
            causal=causal,
            window=window,
            alibi=alibi,
            sinks=spec.sinks,
            grouped=grouped,
        )
    if window is None:
        return ScaledDotProduct(causal=causal, grouped=grouped)
    return WindowDotProduct(
        window=window, dilation=spec.window_step, causal=causal, grouped=grouped
    )


def _attention(
    spec: TransformerSpec, product: nn.Module, *, rotary: bool = False, cross: bool = False
) -> Attention:
    return Attention(
        spec.d_model,
        spec.heads,
        product,
        kv_heads=spec.key_heads,
        head_dim=spec.head_width,
        bias=spec.attention_biased,
        qkv_bias=spec.projections_biased,
        head_norm=partial(make_norm, spec) if spec.qk_norm else None,
        rotary=rotary,
        rotary_dim=spec.rotary_dim,
        cross=cross,
    )


def _feed_forward(spec: TransformerSpec) -> nn.Module:
    sizes = (spec.d_model, spec.hidden_width)
    if spec.experts:
        experts = (spec.experts, spec.experts_per_token)
        return MixtureOfExperts(
            *sizes,
            *experts,
            activation=spec.activation,
            bias=spec.bias,
            router_bias=spec.router_bias,
        )
    kind = GatedFeedForward if spec.activation in GATED else FeedForward
    return kind(*sizes, activation=spec.activation, bias=spec.bias)
