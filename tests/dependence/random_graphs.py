"""Random small networks that are linear with positive weights, so that a gradient is zero only
where there is no path: branches, strides, pools, up-sampling, rolls, reshapes, writes."""

from __future__ import annotations

import random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONV: dict[int, Any] = {1: F.conv1d, 2: F.conv2d}
TRANSPOSED: dict[int, Any] = {1: F.conv_transpose1d, 2: F.conv_transpose2d}
POOL: dict[int, Any] = {1: F.avg_pool1d, 2: F.avg_pool2d}
LINEAR = {1: "linear", 2: "bilinear"}
KINDS = (
    *("conv", "conv", "strided", "depthwise", "pool", "nearest", "linear", "transposed", "roll"),
    *("flip", "reshape", "slice", "pixel_shuffle", "pad", "write", "mean", "channels", "unfold"),
    *("stack", "residual", "concatenation"),
)
LARGEST = 20
"""Positions along an axis up to which a map is widened."""


class RandomGraph(nn.Module):
    """The network of one seed: (1, 2, *positions) to (1, channels, *positions)."""

    def __init__(self, seed: int, axes: int) -> None:
        super().__init__()
        self.seed, self.axes = seed, axes

    def forward(self, x: Tensor) -> Tensor:
        self.draw = random.Random(self.seed)
        self.generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.draw.randint(2, 6)):
            x = self._layer(x, 0)
        return x

    def _layer(self, x: Tensor, depth: int) -> Tensor:
        kind = self.draw.choice(KINDS)
        if kind in ("residual", "concatenation"):
            return self._branches(x, depth, kind) if depth < 2 else x
        made: Tensor | None = getattr(self, f"_{kind}")(x)
        return x if made is None else made

    def _branches(self, x: Tensor, depth: int, kind: str) -> Tensor:
        a = b = x
        for _ in range(self.draw.randint(0, 2)):
            a = self._layer(a, depth + 1)
        for _ in range(self.draw.randint(1, 2)):
            b = self._layer(b, depth + 1)
        cut = [slice(0, min(p, q)) for p, q in zip(a.shape[2:], b.shape[2:], strict=True)]
        a, b = a[(..., *cut)], b[(..., *cut)]
        return torch.cat([a, b], 1) if kind == "concatenation" else self._mixed(a) + self._mixed(b)

    def _mixed(self, x: Tensor, channels: int = 2) -> Tensor:
        return CONV[self.axes](x, self._weight(channels, x.shape[1], (1,) * self.axes))

    def _weight(self, outputs: int, inputs: int, kernel: tuple[int, ...]) -> Tensor:
        shape = (outputs, inputs, *kernel)
        return torch.rand(shape, generator=self.generator, dtype=torch.float64) + 0.1

    def _each(self, low: int, high: int) -> tuple[int, ...]:
        return tuple(self.draw.randint(low, high) for _ in range(self.axes))

    def _conv(self, x: Tensor) -> Tensor | None:
        kernel, rate = self._each(1, 4), self._each(1, 3)
        reach = [d * (k - 1) for d, k in zip(rate, kernel, strict=True)]
        padding = tuple(self.draw.randint(0, r) for r in reach)
        sizes = [n + 2 * p - r for n, p, r in zip(x.shape[2:], padding, reach, strict=True)]
        if min(sizes) < 1:
            return None
        weight = self._weight(self.draw.randint(1, 3), x.shape[1], kernel)
        return CONV[self.axes](x, weight, padding=padding, dilation=rate)

    def _strided(self, x: Tensor) -> Tensor | None:
        kernel, stride = self._each(1, 3), self._each(1, 2)
        if any(n < k for n, k in zip(x.shape[2:], kernel, strict=True)):
            return None
        weight = self._weight(2, x.shape[1], kernel)
        return CONV[self.axes](x, weight, stride=stride, padding=tuple(k // 2 for k in kernel))

    def _depthwise(self, x: Tensor) -> Tensor:
        kernel = self._each(1, 3)
        weight = self._weight(x.shape[1], 1, kernel)
        padding = tuple(k // 2 for k in kernel)
        return CONV[self.axes](x, weight, padding=padding, groups=x.shape[1])

    def _pool(self, x: Tensor) -> Tensor | None:
        if min(x.shape[2:]) < 3:
            return None
        return POOL[self.axes](x, 2, 2, ceil_mode=self.draw.random() < 0.5)

    def _nearest(self, x: Tensor) -> Tensor | None:
        return F.interpolate(x, scale_factor=2) if max(x.shape[2:]) < LARGEST else None

    def _linear(self, x: Tensor) -> Tensor | None:
        if max(x.shape[2:]) >= LARGEST:
            return None
        size = tuple(n + self.draw.randint(0, 5) for n in x.shape[2:])
        corners = self.draw.random() < 0.5
        return F.interpolate(x, size=size, mode=LINEAR[self.axes], align_corners=corners)

    def _transposed(self, x: Tensor) -> Tensor | None:
        if max(x.shape[2:]) >= LARGEST:
            return None
        kernel, stride = self._each(1, 4), self._each(1, 2)
        weight = self._weight(x.shape[1], 2, kernel)
        padding = tuple(min(1, k // 2) for k in kernel)
        return TRANSPOSED[self.axes](x, weight, stride=stride, padding=padding)

    def _roll(self, x: Tensor) -> Tensor:
        return torch.roll(x, self._each(-3, 3), tuple(range(2, x.dim())))

    def _flip(self, x: Tensor) -> Tensor:
        return x.flip(2)

    def _reshape(self, x: Tensor) -> Tensor:
        return x.flatten(2).reshape(1, x.shape[1], *reversed(x.shape[2:]))

    def _slice(self, x: Tensor) -> Tensor | None:
        return x[:, :, self.draw.randint(0, 1) : -1] if x.shape[2] > 3 else None

    def _pixel_shuffle(self, x: Tensor) -> Tensor | None:
        if self.axes == 1 or max(x.shape[2:]) >= LARGEST:
            return None
        return F.pixel_shuffle(self._mixed(x, 4), 2)

    def _pad(self, x: Tensor) -> Tensor:
        modes = (
            ["constant", "replicate", "circular", "reflect"]
            if min(x.shape[2:]) > 3
            else ["constant"]
        )
        sides = tuple(self.draw.randint(0, 2) for _ in range(2 * self.axes))
        return F.pad(x, sides, mode=self.draw.choice(modes))

    def _write(self, x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[:, :, 1:] = x[:, :, :-1]
        out[:, :, :1] += x[:, :, -1:]
        out[:, :1].mul_(2)
        return out

    def _mean(self, x: Tensor) -> Tensor | None:
        positions = tuple(range(2, x.dim()))
        return x + x.mean(positions, keepdim=True) if self.draw.random() < 0.3 else None

    def _channels(self, x: Tensor) -> Tensor:
        return torch.cat([x, x], 1)[:, ::2]

    def _unfold(self, x: Tensor) -> Tensor | None:
        if self.axes == 1 or min(x.shape[2:]) < 3:
            return None
        windows = F.unfold(x, 2)
        return windows.reshape(1, -1, x.shape[2] - 1, x.shape[3] - 1)[:, :3]

    def _stack(self, x: Tensor) -> Tensor:
        return torch.stack([x, x * 2], -1).sum(-1)
