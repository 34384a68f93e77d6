"""wav2vec 2.0 (Baevski et al. 2020, section 2), HuBERT (Hsu et al. 2021) and XLS-R.

B batch, T samples, I and C channels of a convolution, F frames, D width of the model, V characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import Attention, ScaledDotProduct
from archscope.blocks.components import Shape, part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.norm_place import PostNormBlock, PreNormBlock
from archscope.blocks.plan import Numbered
from archscope.blocks.stack import stack
from archscope.families.wav2vec2.spec import Convolution, Wav2Vec2Spec, convolutions
from archscope.theory.counts import ClosedForm, positions_of, tap_normalised


class Wav2Vec2(nn.Module):
    """Takes samples (B, T); returns features (B, F, D), or scores of characters (B, F, V)."""

    def __init__(self, spec: Wav2Vec2Spec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        self.feature_extractor = FeatureExtractor(spec)
        self.feature_projection = FeatureProjection(
            convolutions(spec)[-1].out_channels, spec.d_model
        )
        masked = nn.Parameter(torch.rand(spec.d_model)) if spec.mask_embedding else None
        self.register_parameter("masked_spec_embed", masked)
        self.encoder = Encoder(spec, plan)
        self.lm_head = part("head", nn.Linear(spec.d_model, spec.classes)) if spec.classes else None

    def forward(self, samples: Tensor) -> Tensor:
        """Take (B, T), return (B, F, D) or (B, F, V)."""
        x = self.feature_projection(self.feature_extractor(samples))  # (B, F, D)
        out: Tensor = self.encoder(x)  # (B, F, D)
        return out if self.lm_head is None else self.lm_head(out)


class FeatureExtractor(nn.Module):
    """Strided convolutions without padding: one frame for so many samples."""

    def __init__(self, spec: Wav2Vec2Spec) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(
            ConvolutionLayer(
                layer,
                norm="layer" if spec.conv_norm == "layer" else "none" if number else "group",
                bias=spec.conv_bias,
            )
            for number, layer in enumerate(convolutions(spec))
        )

    def forward(self, samples: Tensor) -> Tensor:
        """Take (B, T), return (B, C, F)."""
        x = samples[:, None]  # (B, 1, T)
        for layer in self.conv_layers:
            x = layer(x)
        return x


class ConvolutionLayer(nn.Module):
    """gelu(norm(conv(x))): a norm of channels over time, of frames over channels, or none."""

    def __init__(self, layer: Convolution, *, norm: str, bias: bool) -> None:
        super().__init__()
        channels = layer.out_channels
        self.conv = nn.Conv1d(
            layer.in_channels, channels, layer.kernel_size, layer.stride, bias=bias
        )
        norms: dict[str, Callable[[int], nn.Module]] = {
            "group": partial(nn.GroupNorm, channels),
            "layer": nn.LayerNorm,
        }
        self.layer_norm = norms[norm](channels) if norm in norms else None
        self.over_channels = norm == "layer"

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, T), return (B, C, F)."""
        x = self.conv(x)  # (B, C, F)
        if self.layer_norm is not None:
            x = x.transpose(1, 2) if self.over_channels else x
            x = self.layer_norm(x)
            x = x.transpose(1, 2) if self.over_channels else x  # (B, C, F)
        return F.gelu(x)


class FeatureProjection(nn.Module):
    """From the channels of the last convolution to the width of the model."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, width)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, C, F), return (B, F, D)."""
        out: Tensor = self.projection(self.layer_norm(x.transpose(1, 2)))  # (B, F, D)
        return out


class Encoder(nn.Module):
    """Positions by a convolution, and blocks; one norm before post-norm blocks or after others."""

    def __init__(self, spec: Wav2Vec2Spec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, spec.d_model)
        self.pos_conv_embed = PositionalConvolution(
            spec.d_model, spec.position_kernel, spec.position_groups
        )
        self.layer_norm = norm()
        self.norm_first = spec.norm_place == "post"
        kind = PostNormBlock if self.norm_first else PreNormBlock

        def block(_: Numbered) -> nn.Module:
            attention = Attention(spec.d_model, spec.heads, ScaledDotProduct(causal=False))
            return kind(norm, attention, FeedForward(spec.d_model, spec.d_ff, activation="gelu"))

        self.layers = stack(plan, block)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, F, D)."""
        x = x + self.pos_conv_embed(x)  # (B, F, D)
        if self.norm_first:
            x = self.layer_norm(x)
        for layer in self.layers:
            x = layer(x)  # (B, F, D)
        return x if self.norm_first else self.layer_norm(x)


class PositionalConvolution(nn.Module):
    """gelu of a grouped convolution that keeps the length: relative positions of a frame.

    As in the authors' code, an even number of taps gives a frame too many, which is dropped: one
    more of the taps lies before a frame than after it.
    """

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.conv = TapNormConv1d(width, kernel, groups)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, F, D)."""
        near = self.conv(x.transpose(1, 2))[..., : x.shape[1]]  # (B, D, F)
        return F.gelu(near).transpose(1, 2)


class TapNormConv1d(nn.Module):
    """A convolution with weight g v / |v|, one g for each tap (Salimans & Kingma 2016)."""

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        grouped = groups > 1
        self.archscope_component = "conv_grouped" if grouped else "conv_spatial"
        self.archscope_layer = "grouped conv 1d" if grouped else "conv 1d"
        self.padding, self.groups = kernel // 2, groups
        plain = nn.Conv1d(width, width, kernel, groups=groups)
        self.weight_v = plain.weight  # (D, D / groups, K)
        self.weight_g = nn.Parameter(torch.ones(1, 1, kernel))
        self.bias = plain.bias

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, D, F), return (B, D, F), or one frame more of an even number of taps."""
        norm = self.weight_v.pow(2).sum((0, 1), keepdim=True).pow(0.5)  # (1, 1, K)
        weight = self.weight_v * (self.weight_g / norm)  # (D, D / groups, K)
        return F.conv1d(x, weight, self.bias, padding=self.padding, groups=self.groups)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """As a grouped convolution, with one more parameter for each tap."""
        width, _, kernel = self.weight_v.shape
        return tap_normalised(
            positions=positions_of(output), width=width, groups=self.groups, kernel=kernel
        )
