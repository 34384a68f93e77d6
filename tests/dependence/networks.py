"""Published networks, rebuilt in a few lines each with narrow channels: reach knows no width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 4
"""Channels everywhere."""
Pairs = Sequence[tuple[int, int]]


def conv(
    kernel: int,
    stride: int = 1,
    padding: int | None = None,
    dilation: int = 1,
    *,
    channels: int = WIDTH,
    axes: int = 2,
    depthwise: bool = False,
) -> nn.Module:
    """A convolution and a ReLU."""
    kind = {1: nn.Conv1d, 2: nn.Conv2d}[axes]
    padding = dilation * (kernel - 1) // 2 if padding is None else padding
    groups = WIDTH if depthwise else 1
    return nn.Sequential(
        kind(channels, WIDTH, kernel, stride, padding, dilation, groups=groups), nn.ReLU()
    )


def pool(kernel: int, stride: int, padding: int = 0, *, ceil: bool = False) -> nn.Module:
    return nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)


def chain(*layers: nn.Module, channels: int = 3) -> nn.Sequential:
    """Layers in a row, the first of them reading an image."""
    stem = nn.Conv2d(channels, WIDTH, 1)
    return nn.Sequential(stem, *layers)


def dilated(*rates: int) -> nn.Sequential:
    return chain(*(conv(3, dilation=rate) for rate in rates))


def vgg(blocks: Sequence[int], *, last_pool: bool = True) -> nn.Sequential:
    """Simonyan & Zisserman 2015."""
    layers: list[nn.Module] = []
    for count in blocks:
        layers += [*(conv(3) for _ in range(count)), pool(2, 2)]
    return chain(*(layers if last_pool else layers[:-1]))


class Residual(nn.Module):
    """x + f(x), with a strided 1x1 where the map shrinks."""

    def __init__(self, *layers: nn.Module, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.skip = nn.Conv2d(WIDTH, WIDTH, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.skip(x) + self.body(x))


class ResNet(nn.Module):
    """He et al. 2016; `strides` and `dilations` per stage; `late`: a stage's last unit strides."""

    def __init__(
        self,
        blocks: Sequence[int],
        *,
        convs: int = 1,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        late: bool = False,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(7, 2, channels=3), pool(3, 2, 1))
        before = 1
        for number, (count, stride, rate) in enumerate(
            zip(blocks, strides, dilations, strict=True)
        ):
            units = []
            for unit in range(count):
                strided = unit == (count - 1 if late else 0)
                step, first = stride if strided else 1, before if unit == 0 else rate
                body = [conv(3, step, dilation=first)]
                body += [conv(3, dilation=rate) for _ in range(convs - 1)]
                if late and step > 1:
                    units.append(LateUnit(*body))
                else:
                    units.append(Residual(*body, stride=step))
            before = rate
            self.add_module(f"layer{number + 1}", nn.Sequential(*units))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(WIDTH, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(self.avgpool(x).flatten(1))


class LateUnit(nn.Module):
    """TF-slim's strided unit: the shortcut is a max pool of one pixel."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(F.max_pool2d(x, 1, 2) + self.body(x))


def mobilenet_v1() -> nn.Sequential:
    """Howard et al. 2017."""
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    return nn.Sequential(
        conv(3, 2, channels=3),
        *(nn.Sequential(conv(3, s, depthwise=True), conv(1)) for s in strides),
    )


class Squeeze(nn.Module):
    """Squeeze and excitation (Hu et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(WIDTH, 2, 1)
        self.fc2 = nn.Conv2d(2, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(self.avgpool(x)))))


class Inverted(nn.Module):
    """MBConv: expand, depthwise, squeeze, project."""

    def __init__(self, kernel: int, stride: int, *, same: bool, squeeze: bool) -> None:
        super().__init__()
        self.expand = conv(1)
        self.depthwise = conv(kernel, stride, depthwise=True)
        self.squeeze = Squeeze() if squeeze else nn.Identity()
        self.project = nn.Conv2d(WIDTH, WIDTH, 1)
        self.same = same

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + y if self.same else y


def inverted(stages: Sequence[tuple[int, int, int]], *, squeeze: bool) -> nn.Sequential:
    """Stages of (blocks, kernel, stride) behind a strided stem."""
    blocks: list[nn.Module] = [conv(3, 2, channels=3)]
    for count, kernel, stride in stages:
        for number in range(count):
            step = stride if number == 0 else 1
            blocks.append(Inverted(kernel, step, same=number > 0, squeeze=squeeze))
    return nn.Sequential(*blocks)


MOBILENET_V2 = ((1, 3, 1), (2, 3, 2), (3, 3, 2), (4, 3, 2), (3, 3, 1), (3, 3, 2), (1, 3, 1))
EFFICIENTNET_B0 = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))


class Concat(nn.Module):
    """Branches side by side, and a 1x1 that keeps the width."""

    def __init__(self, *branches: nn.Module, mix: bool = True) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.mix = nn.Conv2d(WIDTH * len(branches), WIDTH, 1) if mix else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(torch.cat([branch(x) for branch in self.branches], dim=1))


def googlenet() -> nn.Sequential:
    """Szegedy et al. 2015, as torchvision has it: 3x3 in the 5x5 branch, pools in ceil mode."""

    def inception() -> nn.Module:
        pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(1))
        return Concat(
            conv(1), nn.Sequential(conv(1), conv(3)), nn.Sequential(conv(1), conv(3)), pooled
        )

    return nn.Sequential(
        conv(7, 2, channels=3), pool(3, 2, ceil=True), conv(1), conv(3), pool(3, 2, ceil=True),
        inception(), inception(), pool(3, 2, ceil=True),
        *(inception() for _ in range(5)), pool(2, 2, ceil=True), inception(), inception(),
    )  # fmt: skip


class Dense(nn.Module):
    """Huang et al. 2017: each layer reads all before it, side by side."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(WIDTH * (n + 1), WIDTH, 3, padding=1) for n in range(count)
        )
        self.out = nn.Conv2d(WIDTH * (count + 1), WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.layers:
            maps.append(torch.relu(layer(torch.cat(maps, dim=1))))
        return self.out(torch.cat(maps, dim=1))


def densenet121() -> nn.Sequential:
    layers: list[nn.Module] = [conv(7, 2, channels=3), pool(3, 2, 1)]
    for number, count in enumerate((6, 12, 24, 16)):
        layers += [Dense(count), *([nn.AvgPool2d(2, 2)] if number < 3 else [])]
    return nn.Sequential(*layers)


def inception_v3() -> nn.Sequential:
    """Szegedy et al. 2016, to Mixed_7c, as torchvision has it."""

    def valid(kernel: int, stride: int = 1, channels: int = WIDTH) -> nn.Module:
        return conv(kernel, stride, 0, channels=channels)

    def flat(rows: int, columns: int) -> nn.Module:
        return nn.Conv2d(WIDTH, WIDTH, (rows, columns), padding=(rows // 2, columns // 2))

    def averaged() -> nn.Module:
        return nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(1))

    def a() -> nn.Module:
        return Concat(conv(1), nn.Sequential(conv(1), conv(5)),
                      nn.Sequential(conv(1), conv(3), conv(3)), averaged())  # fmt: skip

    def b() -> nn.Module:
        return Concat(valid(3, 2), nn.Sequential(conv(1), conv(3), valid(3, 2)), pool(3, 2))

    def c() -> nn.Module:
        return Concat(
            conv(1),
            nn.Sequential(conv(1), flat(1, 7), flat(7, 1)),
            nn.Sequential(conv(1), flat(7, 1), flat(1, 7), flat(7, 1), flat(1, 7)),
            averaged(),
        )

    def d() -> nn.Module:
        flattened = nn.Sequential(conv(1), flat(1, 7), flat(7, 1), valid(3, 2))
        return Concat(nn.Sequential(conv(1), valid(3, 2)), flattened, pool(3, 2))

    def e() -> nn.Module:
        split = Concat(flat(1, 3), flat(3, 1))
        again = Concat(flat(1, 3), flat(3, 1))
        return Concat(conv(1), nn.Sequential(conv(1), split),
                      nn.Sequential(conv(1), conv(3), again), averaged())  # fmt: skip

    return nn.Sequential(
        valid(3, 2, channels=3), valid(3), conv(3), pool(3, 2), valid(1), valid(3), pool(3, 2),
        a(), a(), a(), b(), c(), c(), c(), c(), d(), e(), e(),
    )  # fmt: skip


class UNet(nn.Module):
    """Ronneberger et al. 2015: `valid` convolutions and 2x2 up-convolutions, or padded ones."""

    def __init__(self, depth: int = 4, *, valid: bool = True) -> None:
        super().__init__()
        padding = 0 if valid else 1

        def two(channels: int = WIDTH) -> nn.Module:
            return nn.Sequential(
                conv(3, padding=padding, channels=channels), conv(3, padding=padding)
            )

        self.down = nn.ModuleList(two(1 if n == 0 else WIDTH) for n in range(depth + 1))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2) if valid else nn.Upsample(scale_factor=2)
            for _ in range(depth)
        )
        self.merge = nn.ModuleList(two(2 * WIDTH) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for number, block in enumerate(self.down):
            x = block(x if number == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x, skip = up(x), skips.pop()
            cut = (skip.shape[2] - x.shape[2]) // 2
            skip = skip[:, :, cut : cut + x.shape[2], cut : cut + x.shape[3]]
            x = merge(torch.cat([skip, x], dim=1))
        return x


class Swin(nn.Module):
    """Liu et al. 2021, tiny: windows of 7, shifted by 3 in every other block; masks of -100."""

    def __init__(self, size: int = 224, blocks: Sequence[int] = (2, 2, 6, 2)) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, WIDTH, 4, 4)
        self.stages = nn.ModuleList()
        side = size // 4
        for number, count in enumerate(blocks):
            shifts = [0 if n % 2 == 0 or side <= 7 else 3 for n in range(count)]
            merge = nn.Linear(4 * WIDTH, WIDTH) if number else nn.Identity()
            stage = nn.ModuleDict(
                {"merge": merge, "blocks": nn.ModuleList(SwinBlock(side, s) for s in shifts)}
            )
            self.stages.append(stage)
            side //= 2

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).permute(0, 2, 3, 1)  # (N, H, W, C)
        for number, stage in enumerate(self.stages):
            if number:
                corners = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
                x = stage["merge"](torch.cat(corners, dim=-1))
            for block in stage["blocks"]:
                x = block(x)
        return x


class SwinBlock(nn.Module):
    def __init__(self, side: int, shift: int, window: int = 7) -> None:
        super().__init__()
        self.shift, self.window = shift, window
        self.norm = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.mlp = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU())
        if shift:
            part = torch.zeros(side)
            part[-window:-shift], part[-shift:] = 1, 2
            region = self._split((part[:, None] * 3 + part)[None, :, :, None])[..., 0]
            mask = (region[:, None] != region[:, :, None]).float() * -100
            self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        shape = x.shape
        y = (
            torch.roll(self.norm(x), (-self.shift, -self.shift), (1, 2))
            if self.shift
            else self.norm(x)
        )
        q, k, v = self.qkv(self._split(y)).chunk(3, dim=-1)
        scores = q @ k.transpose(1, 2) / WIDTH**0.5
        if self.shift:
            scores = scores + self.mask
        y = self._join(scores.softmax(-1) @ v, shape)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(x)

    def _split(self, x: Tensor) -> Tensor:
        n, h, w, c = x.shape
        side = self.window
        x = x.view(n, h // side, side, w // side, side, c).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(-1, side * side, c)

    def _join(self, x: Tensor, shape: torch.Size) -> Tensor:
        n, h, w, c = shape
        side = self.window
        x = x.view(n, h // side, w // side, side, side, c).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(n, h, w, c)


class Language(nn.Module):
    """Tokens, attention under a mask, and a head: `window` keys per query, or all before it."""

    def __init__(
        self, depth: int, *, window: int | None = None, fused: bool = False, causal: bool = True
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, WIDTH)
        self.blocks = nn.ModuleList(
            LanguageBlock(window, fused=fused, causal=causal) for _ in range(depth)
        )
        self.head = nn.Linear(WIDTH, 11)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class LanguageBlock(nn.Module):
    def __init__(self, window: int | None, *, fused: bool, causal: bool) -> None:
        super().__init__()
        self.window, self.fused, self.causal = window, fused, causal
        self.norm = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1]
        places = torch.arange(length, device=x.device)
        apart = places[:, None] - places
        seen = torch.ones(length, length, dtype=torch.bool, device=x.device)
        if self.causal:
            seen = seen & (apart >= 0)
        if self.window is not None:
            seen = seen & (apart < self.window)
        q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
        if self.fused:
            y = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None], attn_mask=seen)[
                :, 0
            ]
        else:
            scores = (q @ k.transpose(1, 2)).masked_fill(~seen, torch.finfo(x.dtype).min)
            y = scores.softmax(-1) @ v
        return x + self.out(y)


class CausalConv(nn.Module):
    """A convolution that looks back alone; with `leak` it looks so far ahead."""

    def __init__(self, rate: int, kernel: int = 2, leak: int = 0) -> None:
        super().__init__()
        self.past = rate * (kernel - 1) - leak
        self.leak = leak
        self.conv = nn.Conv1d(WIDTH, WIDTH, kernel, dilation=rate)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.conv(F.pad(x, (self.past, self.leak))))


class WaveNet(nn.Module):
    """van den Oord et al. 2016: gated dilated convolutions of kernel 2, residual and skip paths."""

    def __init__(self, cycles: int = 1, depth: int = 10, *, channels: int = WIDTH) -> None:
        super().__init__()
        rates = [2**n for n in range(depth)] * cycles
        self.filters = nn.ModuleList(nn.Conv1d(channels, channels, 2, dilation=r) for r in rates)
        self.gates = nn.ModuleList(nn.Conv1d(channels, channels, 2, dilation=r) for r in rates)
        self.residual = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in rates)
        self.skip = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in rates)
        self.rates = rates

    def forward(self, x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for number, rate in enumerate(self.rates):
            past = F.pad(x, (rate, 0))
            gated = torch.tanh(self.filters[number](past)) * torch.sigmoid(self.gates[number](past))
            total = total + self.skip[number](gated)
            x = x + self.residual[number](gated)
        return total


def tcn(kernel: int, levels: int) -> nn.Sequential:
    """Bai et al. 2018: two causal convolutions per level, rates doubling."""
    return nn.Sequential(
        *(
            nn.Sequential(CausalConv(2**level, kernel), CausalConv(2**level, kernel))
            for level in range(levels)
        )
    )


def wav2vec2_features() -> nn.Sequential:
    """Baevski et al. 2020: the feature encoder."""
    kernels, strides = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
    pairs = zip(kernels, strides, strict=True)
    return nn.Sequential(*(conv(k, s, 0, axes=1) for k, s in pairs))


def aspp(*rates: int) -> nn.Module:
    """DeepLab's parallel dilated convolutions, and a 1x1."""
    return chain(Concat(conv(1), *(conv(3, dilation=rate) for rate in rates)))


def bagnet(*kernels: int) -> nn.Sequential:
    """Brendel & Bethge 2019: a ResNet-50 whose later kernels are 1x1; valid convolutions."""
    layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 1), conv(3, padding=0)]
    for blocks, kernel, stride in zip((3, 4, 6, 3), kernels, (2, 2, 2, 1), strict=True):
        for number in range(blocks):
            step = stride if number == 0 else 1
            layers.append(conv(3 if kernel and number == 0 else 1, step, padding=0))
    return nn.Sequential(*layers)
