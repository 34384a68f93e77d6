"""Conformer (Gulati et al. 2020, section 2), named as in NeMo.

B batch, F features of a frame, T frames of the input and S of the blocks, P distances, D width of
the model, H heads, d width of a head, C channels, U tokens, V classes, J width of the joint.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import Attention, ScaledDotProduct
from archscope.blocks.components import part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.plan import Numbered
from archscope.blocks.relative_attention import RelativeDotProduct, sinusoids_of
from archscope.blocks.stack import stack
from archscope.families.conformer.spec import KERNEL, STRIDE, ConformerSpec


class Conformer(nn.Module):
    """Takes frames (B, T, F) and, as a transducer, tokens (B, U).

    Returns features (B, S, D), scores of each frame (B, S, V), or of each pair (B, S, U, V).
    """

    def __init__(self, spec: ConformerSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        self.pre_encode = Subsampling(spec) if spec.strides else None
        self.layers = stack(plan, lambda _: ConformerBlock(spec))
        self.ctc = (
            part("head", nn.Linear(spec.d_model, spec.classes)) if spec.head == "ctc" else None
        )
        self.transducer = Transducer(spec) if spec.head == "transducer" else None

    def forward(self, frames: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Take (B, T, F) and (B, U), return (B, S, D), (B, S, V) or (B, S, U, V)."""
        x = frames if self.pre_encode is None else self.pre_encode(frames)  # (B, S, D)
        count = x.shape[1]
        distance = torch.arange(count - 1, -count, -1, device=x.device)  # (P,), key before query
        places = sinusoids_of(distance, x)  # (P, D)
        for layer in self.layers:
            x = layer(x, places)  # (B, S, D)
        if self.transducer is not None:
            scores: Tensor = self.transducer(x, tokens)  # (B, S, U, V)
            return scores
        return x if self.ctc is None else self.ctc(x)


class Subsampling(nn.Module):
    """Convolutions over frames and features that leave out every second of both."""

    def __init__(self, spec: ConformerSpec) -> None:
        super().__init__()
        self.conv = nn.Sequential()
        channels, inputs = spec.channels, 1
        for number in range(spec.strides):
            separable = number > 0 and spec.subsampling_conv == "depthwise-separable"
            groups = channels if separable else 1
            self.conv.append(
                nn.Conv2d(inputs, channels, KERNEL, STRIDE, KERNEL // 2, groups=groups)
            )
            if separable:
                self.conv.append(nn.Conv2d(channels, channels, 1))
            self.conv.append(nn.ReLU())
            inputs = channels
        self.out = nn.Linear(channels * spec.bins, spec.d_model)

    def forward(self, frames: Tensor) -> Tensor:
        """Take (B, T, F), return (B, S, D)."""
        x = self.conv(frames[:, None])  # (B, C, S, bins)
        out: Tensor = self.out(x.transpose(1, 2).flatten(2))  # (B, S, D)
        return out


class ConformerBlock(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward, and a norm (figure 1)."""

    def __init__(self, spec: ConformerSpec) -> None:
        super().__init__()
        width = spec.d_model
        self.norm_feed_forward1 = nn.LayerNorm(width)
        self.feed_forward1 = _feed_forward(spec)
        self.norm_self_att = nn.LayerNorm(width)
        self.relative = spec.positions == "relative"
        self.self_attn = (
            RelativeAttention(width, spec.heads, bias=spec.bias)
            if self.relative
            else Attention(
                width,
                spec.heads,
                ScaledDotProduct(causal=False),
                bias=spec.bias,
                qkv_bias=spec.bias,
            )
        )
        self.norm_conv = nn.LayerNorm(width)
        self.conv = ConvolutionModule(spec)
        self.norm_feed_forward2 = nn.LayerNorm(width)
        self.feed_forward2 = _feed_forward(spec)
        self.norm_out = nn.LayerNorm(width)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """Take (B, S, D) and distances (P, D), return (B, S, D)."""
        x = x + 0.5 * self.feed_forward1(self.norm_feed_forward1(x))
        y = self.norm_self_att(x)
        x = x + (self.self_attn(y, places) if self.relative else self.self_attn(y))
        x = x + self.conv(self.norm_conv(x))
        x = x + 0.5 * self.feed_forward2(self.norm_feed_forward2(x))
        out: Tensor = self.norm_out(x)  # (B, S, D)
        return out


class RelativeAttention(nn.Module):
    """Attention that scores content and distance apart, to both sides (section 2.1)."""

    archscope_component = "attention"

    def __init__(self, width: int, heads: int, *, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.product = RelativeDotProduct(heads, width // heads)
        self.proj = nn.Linear(width, width, bias=bias)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """Take (B, S, D) and distances (P, D), return (B, S, D)."""
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, -1))
        r = split_heads(self.linear_pos(places), self.heads)  # (H, P, d)
        joined: Tensor = self.proj(join_heads(self.product(q, k, v, r)))  # (B, S, D)
        return joined


class ConvolutionModule(nn.Module):
    """Pointwise with a gate, depthwise, norm, swish, pointwise (figure 2).

    Of an even number of taps one more lies after the frame than before it.
    """

    archscope_component = "mixer"

    def __init__(self, spec: ConformerSpec) -> None:
        super().__init__()
        width, taps = spec.d_model, spec.kernel_size
        self.pads = ((taps - 1) // 2, taps // 2)
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1, bias=spec.bias)
        self.depthwise_conv = nn.Conv1d(width, width, taps, groups=width, bias=spec.bias)
        grouped = spec.conv_norm == "groupnorm"
        self.batch_norm = nn.GroupNorm(1, width) if grouped else nn.BatchNorm1d(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1, bias=spec.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        x = F.glu(self.pointwise_conv1(x.transpose(1, 2)), dim=1)  # (B, D, S)
        x = self.depthwise_conv(F.pad(x, self.pads))  # (B, D, S)
        x = self.pointwise_conv2(F.silu(self.batch_norm(x)))  # (B, D, S)
        return x.transpose(1, 2)


class Transducer(nn.Module):
    """A recurrent network over the text so far, joined with each frame (Graves 2012)."""

    archscope_component = "head"

    def __init__(self, spec: ConformerSpec) -> None:
        super().__init__()
        self.embedding = nn.Embedding(spec.classes, spec.embedding_dim)
        self.lstm = nn.LSTM(
            spec.embedding_dim, spec.decoder_dim, spec.decoder_depth, batch_first=True
        )
        self.enc = nn.Linear(spec.d_model, spec.joint_dim)
        self.pred = nn.Linear(spec.decoder_dim, spec.joint_dim)
        self.joint = nn.Linear(spec.joint_dim, spec.classes)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Take (B, S, D) and (B, U), return (B, S, U, V)."""
        texts, _ = self.lstm(self.embedding(tokens))  # (B, U, units)
        both = self.enc(x)[:, :, None] + self.pred(texts)[:, None]  # (B, S, U, J)
        scores: Tensor = self.joint(both.tanh())  # (B, S, U, V)
        return scores


def _feed_forward(spec: ConformerSpec) -> FeedForward:
    hidden = spec.d_ff or 4 * spec.d_model
    return FeedForward(spec.d_model, hidden, activation="silu", bias=spec.bias)
