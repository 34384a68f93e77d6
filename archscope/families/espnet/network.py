"""ESPNet (Mehta et al. 2018), named as in the authors' code.

B batch, I channels in, O channels out, K classes, H x W positions of the image, X x Y of a level,
x x y after the stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import lists
from archscope.blocks.residual import convolution
from archscope.blocks.stack import sequence
from archscope.families.espnet.spec import EspnetSpec, Pyramid

EPS = 1e-3
"""Of all norms (the authors' code)."""


class NormActivation(nn.Sequential):
    """A norm and an activation with a slope for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=EPS)
        self.act = nn.PReLU(channels)


class ConvNormActivation(nn.Sequential):
    """A convolution of 3x3 without bias, a norm and an activation."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs, 3, stride=stride)
        self.bn = nn.BatchNorm2d(outputs, eps=EPS)
        self.act = nn.PReLU(outputs)


class DilatedPyramid(nn.Module):
    """Reduce, split, transform and merge (figure 1): a convolution, and dilated ones on its output.

    With fusion each output but the first is added to those of smaller dilations (section 3.2); the
    first has the channels that do not divide.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        dilations: Sequence[int],
        fusion: bool,
        stride: int = 1,
        residual: bool = False,
    ) -> None:
        super().__init__()
        within = outputs // len(dilations)
        first = outputs - within * (len(dilations) - 1)
        self.fusion, self.residual = fusion, residual
        self.c1 = convolution(inputs, within, 1 if stride == 1 else 3, stride=stride)
        self.names = tuple(f"d{number}" for number, _ in enumerate(dilations))
        for name, dilation in zip(self.names, dilations, strict=True):
            channels = first if name == self.names[0] else within
            self.add_module(name, convolution(within, channels, 3, dilation=dilation))
        self.bn = NormActivation(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        reduced = self.c1(x)  # (B, O/5, x, y)
        first, *others = (self.get_submodule(name)(reduced) for name in self.names)
        merged = [first]
        for number, y in enumerate(others):
            merged.append(merged[-1] + y if self.fusion and number else y)
        y = torch.cat(merged, 1)  # (B, O, x, y)
        out: Tensor = self.bn(x + y if self.residual else y)
        return out


class Encoder(nn.Module):
    """Three levels; the image, made smaller, and the level's first map go around each."""

    def __init__(self, spec: EspnetSpec, blocks: Sequence[Pyramid]) -> None:
        super().__init__()
        first, second, third = spec.channels
        plan = lists(blocks)
        pyramid = partial(DilatedPyramid, dilations=spec.dilations, fusion=spec.fusion)

        def level(number: int) -> nn.Sequential:
            return sequence(
                plan.get(f"encoder.level{number}", ()),
                lambda block: pyramid(block.channels, block.channels, residual=True),
            )

        self.widths = (first + spec.in_channels, 2 * second + spec.in_channels, 2 * third)
        self.level1 = ConvNormActivation(spec.in_channels, first, stride=2)
        self.sample1, self.sample2 = _halved(1), _halved(2)
        self.b1 = NormActivation(self.widths[0])
        self.level2_0 = pyramid(self.widths[0], second, stride=2)
        self.level2 = level(2)
        self.b2 = NormActivation(self.widths[1])
        self.level3_0 = pyramid(self.widths[1], third, stride=2)
        self.level3 = level(3)
        self.b3 = NormActivation(self.widths[2])
        self.classifier = part("head", convolution(self.widths[2], spec.classes, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take (B, I, H, W), return (B, O, H/2, W/2), (B, O, H/4, W/4) and (B, K, H/8, W/8)."""
        fine = self.b1(torch.cat([self.level1(image), self.sample1(image)], 1))
        before = self.level2_0(fine)  # (B, 64, H/4, W/4)
        after = self.level2(before)
        middle = self.b2(torch.cat([after, before, self.sample2(image)], 1))
        before = self.level3_0(middle)  # (B, 128, H/8, W/8)
        coarse = self.b3(torch.cat([before, self.level3(before)], 1))
        return fine, middle, self.classifier(coarse)


def _halved(times: int) -> nn.Sequential:
    """Return means of 3x3 that halve the image so often."""
    return nn.Sequential(*(nn.AvgPool2d(3, stride=2, padding=1) for _ in range(times)))


class Decoder(nn.Module):
    """Scores of the encoder, doubled in size and joined with those of finer levels (figure 4 d)."""

    def __init__(self, spec: EspnetSpec, widths: Sequence[int]) -> None:
        super().__init__()
        classes = spec.classes
        self.level3_C = convolution(widths[1], classes, 1)
        self.br = nn.BatchNorm2d(classes, eps=EPS)
        self.conv = ConvNormActivation(widths[0] + classes, classes)
        self.up_l3 = nn.Sequential(_doubled(classes))
        self.combine_l2_l3 = nn.Sequential(
            NormActivation(2 * classes),
            DilatedPyramid(2 * classes, classes, dilations=spec.dilations, fusion=spec.fusion),
        )
        self.up_l2 = nn.Sequential(_doubled(classes), NormActivation(classes))
        self.classifier = _doubled(classes)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> Tensor:
        """Take what the encoder returns, return (B, K, H, W)."""
        coarse = self.up_l3(self.br(coarse))  # (B, K, H/4, W/4)
        joined = torch.cat([self.level3_C(middle), coarse], 1)
        joined = self.up_l2(self.combine_l2_l3(joined))  # (B, K, H/2, W/2)
        scores: Tensor = self.classifier(self.conv(torch.cat([joined, fine], 1)))
        return scores


def _doubled(channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels, channels, 2, stride=2, bias=False)


class Espnet(nn.Module):
    """The encoder, which alone is ESPNet-C, and the decoder."""

    def __init__(self, spec: EspnetSpec, blocks: Sequence[Pyramid]) -> None:
        super().__init__()
        self.encoder = Encoder(spec, blocks)
        widths = self.encoder.widths
        self.decoder = part("head", Decoder(spec, widths)) if spec.decoder else None

    def forward(self, image: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, K, H, W), without a decoder (B, K, H/8, W/8)."""
        fine, middle, coarse = self.encoder(image)
        scores: Tensor = coarse if self.decoder is None else self.decoder(fine, middle, coarse)
        return scores
