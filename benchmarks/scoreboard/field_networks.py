"""Small networks of kinds that people ask about, to hold answers against gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A network, what it is called with, and along which axes of that positions lie."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    features: int
    """The axis of the output that holds features."""


class Body(nn.Module):
    """Layers one after the other, so that no layer is called 0."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.body(x)
        return found


class Residual(nn.Module):
    """A basic block with a stride, then its average over all as a gate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(width, width, 3, 2, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.skip = nn.Conv2d(width, width, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.skip(x) + self.two(F.silu(self.one(x))))


class Squeeze(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.gate = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.conv(x))
        return x * torch.sigmoid(self.gate(x.mean((2, 3), keepdim=True)))


class Pyramid(nn.Module):
    """Parallel dilated convolutions, as in DeepLab."""

    def __init__(self) -> None:
        super().__init__()
        self.arms = nn.ModuleList(nn.Conv2d(2, 2, 3, padding=r, dilation=r) for r in (1, 3, 5))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([arm(x) for arm in self.arms], 1)


class UNet(nn.Module):
    """One step down, one up by a transposed convolution that overlaps, and what was before."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.down = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, 2, 1)
        self.up = nn.ConvTranspose2d(4, 4, 3, 2, 1, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        kept = torch.tanh(self.first(x))
        return torch.cat([kept, self.up(torch.tanh(self.down(kept)))], 1)


class Causal(nn.Module):
    """Gated convolutions padded on the left alone, with a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(4, 8, 2, dilation=2**i) for i in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            a, b = layer(F.pad(x, (layer.dilation[0], 0))).chunk(2, 1)  # type: ignore[arg-type]
            x = x + torch.tanh(a) * torch.sigmoid(b)
        return x


class NormOverTime(nn.Module):
    """The same, and a norm over time, which looks ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv1d(4, 4, 3), nn.GroupNorm(1, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(F.pad(x, (2, 0))))


class Masked(nn.Module):
    """Attention with its mask in a registered buffer: causal, or a window of that."""

    def __init__(self, length: int, window: int | None = None) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 12)
        mask = torch.ones(length, length).tril()
        self.register_buffer("mask", mask if window is None else mask.triu(1 - window))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = (q @ k.transpose(1, 2)).masked_fill(self.mask == 0, float("-inf"))
        return scores.softmax(-1) @ v


class Windows(nn.Module):
    """Attention within shifted windows of an image, features last, as Swin has."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 1, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        n, h, w, c = x.shape
        x = x.roll((-1, -1), (1, 2))
        x = x.view(n, h // 4, 4, w // 4, 4, c).transpose(2, 3).reshape(-1, 16, c)
        x = self.attention(x, x, x)[0]
        return x.view(n, h // 4, w // 4, 4, 4, c).transpose(2, 3).reshape(n, h, w, c)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.GRU(4, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x)[0]
        return found


class Loop(nn.Module):
    """A recurrence written as a Python loop."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        state, out = x.new_zeros(len(x), 4), []
        for step in range(x.shape[1]):
            state = self.cell(x[:, step], state)
            out.append(state)
        return torch.stack(out, 1)


class Running(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (2, 0))).cumsum(-1)


class BlindSpot(nn.Module):
    """A kernel whose centre is masked by a registered buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(2, 2, 3, padding=d, dilation=d) for d in (1, 2))
        hole = torch.ones(1, 1, 3, 3)
        hole[..., 1, 1] = 0
        self.register_buffer("hole", hole)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.first.weight * self.hole
        return self.second(F.conv2d(x, weight, self.first.bias, padding=1))


class Table(nn.Module):
    """Positions are read in the order of a registered table."""

    def __init__(self, length: int) -> None:
        super().__init__()
        order = torch.arange(length).reshape(4, -1).T.reshape(-1)
        self.conv = nn.Conv1d(4, 4, 3, padding=1)
        self.register_buffer("order", order)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x[:, :, self.order])


class Separable(nn.Module):
    """A depthwise convolution with gaps, then one of size 1, with a sum around both."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(4, 4, 5, padding=2 * rate, dilation=rate, groups=4)
        self.pointwise = nn.Conv1d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pointwise(F.silu(self.depthwise(x)))


class Patches(nn.Module):
    """An image in patches that do not overlap, mixed by a convolution over patches."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mix = nn.Conv2d(2, 4, 4, 4), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(F.gelu(self.embed(x)))


def dilated(*rates: int) -> nn.Module:
    """Convolutions of kernel 3 over an image."""
    return Body(*(nn.Conv2d(2, 2, 3, padding=r, dilation=r) for r in rates))


CASES: dict[str, Case] = {
    "convolutions": Case(lambda: dilated(1, 1, 1), (1, 2, 15, 15), (2, 3), 1),
    "dilated 2, 2, 2": Case(lambda: dilated(2, 2, 2), (1, 2, 19, 19), (2, 3), 1),
    "dilated 1, 2, 9": Case(lambda: dilated(1, 2, 9), (1, 2, 31, 31), (2, 3), 1),
    "strides and skips": Case(lambda: Body(Residual(2), Residual(2)), (1, 2, 32, 32), (2, 3), 1),
    "squeeze-and-excite": Case(lambda: Squeeze(4), (1, 4, 9, 9), (2, 3), 1),
    "parallel dilations": Case(Pyramid, (1, 2, 17, 17), (2, 3), 1),
    "U-Net": Case(UNet, (1, 2, 16, 16), (2, 3), 1),
    "bilinear up": Case(
        lambda: Body(
            nn.Conv2d(2, 2, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.Conv2d(2, 2, 3, padding=1),
        ),
        (1, 2, 9, 9), (2, 3), 1,
    ),
    "blind outputs": Case(
        lambda: Body(nn.ConvTranspose2d(2, 2, 3, stride=2, dilation=2)), (1, 2, 8, 8), (2, 3), 1
    ),
    "causal gates": Case(Causal, (1, 4, 24), (2,), 1),
    "norm over time": Case(NormOverTime, (1, 4, 24), (2,), 1),
    "attention to all": Case(
        lambda: Body(nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True)),
        (1, 12, 4), (1,), 2,
    ),
    "causal attention": Case(lambda: Masked(12), (1, 12, 4), (1,), 2),
    "windowed attention": Case(lambda: Masked(12, 4), (1, 12, 4), (1,), 2),
    "shifted windows": Case(Windows, (1, 8, 8, 4), (1, 2), 3),
    "recurrent layer": Case(Recurrent, (1, 12, 4), (1,), 2),
    "recurrence as a loop": Case(Loop, (1, 10, 4), (1,), 2),
    "running sum": Case(Running, (1, 4, 16), (2,), 1),
    "masked kernel": Case(BlindSpot, (1, 2, 13, 13), (2, 3), 1),
    "table of indices": Case(lambda: Table(16), (1, 4, 16), (2,), 1),
    "dilated 1, 2, 4, 8": Case(
        lambda: Body(*(nn.Conv1d(4, 4, 3, padding=r, dilation=r) for r in (1, 2, 4, 8))),
        (1, 4, 48), (2,), 1,
    ),
    "separable with gaps": Case(
        lambda: Body(Separable(1), Separable(3)), (1, 4, 32), (2,), 1
    ),
    "patches": Case(Patches, (1, 2, 16, 16), (2, 3), 1),
    "pools and strides": Case(
        lambda: Body(nn.Conv2d(2, 2, 7, 2, 3), nn.AvgPool2d(3, 2, 1), nn.Conv2d(2, 2, 3, 2, 1)),
        (1, 2, 33, 33), (2, 3), 1,
    ),
    "a volume": Case(
        lambda: Body(nn.Conv3d(1, 2, 3, padding=1), nn.Conv3d(2, 1, 3, padding=2, dilation=2)),
        (1, 1, 7, 7, 7), (2, 3, 4), 1,
    ),
}  # fmt: skip
