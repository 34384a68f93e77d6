"""Networks of many kinds at two sizes each, and what `rf` of one of them costs.

    python -m benchmarks.bench.field_networks LSTM 1     the second size

Prints the size, seconds of processor time, GiB at the peak of the process and seconds by the clock.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archscope
from archscope.blocks.constants import weights_without_values

BYTES = 6 << 30
"""Of data that a process may have."""


class Residual(nn.Module):
    """He et al. 2016: two convolutions beside a shortcut, over any number of axes."""

    def __init__(self, axes: int, width: int, inputs: int | None = None, stride: int = 1) -> None:
        super().__init__()
        conv, norm = getattr(nn, f"Conv{axes}d"), getattr(nn, f"BatchNorm{axes}d")
        inputs = inputs or width
        self.body = nn.Sequential(
            conv(inputs, width, 3, stride, 1, bias=False), norm(width), nn.ReLU(),
            conv(width, width, 3, 1, 1, bias=False), norm(width),
        )  # fmt: skip
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or inputs != width:
            self.skip = nn.Sequential(conv(inputs, width, 1, stride, bias=False), norm(width))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = torch.relu(self.skip(x) + self.body(x))
        return found


class UNet(nn.Module):
    """Cicek et al. 2016: two convolutions for each level, over any number of axes."""

    def __init__(self, axes: int, levels: int, width: int = 4) -> None:
        super().__init__()
        conv, pool = getattr(nn, f"Conv{axes}d"), getattr(nn, f"MaxPool{axes}d")
        up = getattr(nn, f"ConvTranspose{axes}d")
        widths = [width << level for level in range(levels)]
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.down = nn.ModuleList(
            nn.Sequential(conv(a, b, 3, 1, 1), nn.ReLU(), conv(b, b, 3, 1, 1), nn.ReLU())
            for a, b in zip([1, *widths], widths, strict=False)
        )
        self.pool = pool(2)
        self.up = nn.ModuleList(up(a, b, 2, 2) for a, b in pairs)
        self.merge = nn.ModuleList(
            nn.Sequential(conv(a, b, 3, 1, 1), nn.ReLU(), conv(b, b, 3, 1, 1), nn.ReLU())
            for a, b in pairs
        )

    def forward(self, x: Tensor) -> Tensor:
        kept: list[Tensor] = []
        for down in self.down:
            x = down(x if not kept else self.pool(x))
            kept.append(x)
        for up, merge, skip in zip(self.up, self.merge, kept[-2::-1], strict=True):
            x = merge(torch.cat([skip, up(x)], 1))
        return x


class Recurrent(nn.Module):
    """A recurrent layer of the batch first; without its last states."""

    def __init__(self, kind: type[nn.Module], layers: int = 1) -> None:
        super().__init__()
        self.layer = kind(16, 16, batch_first=True, num_layers=layers)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x)[0]
        return found


class Running(nn.Module):
    """A convolution, then a running sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.first(F.pad(x, (2, 0))).cumsum(-1)
        return found


class Loop(nn.Module):
    """An Elman network, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.RNNCell(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        state, found = x.new_zeros(x.shape[0], 8), []
        for step in x.unbind(1):
            state = self.cell(step, state)
            found.append(state)
        return torch.stack(found, 1)


class Scan(nn.Module):
    """Gu and Dao 2023: a selective scan, as their reference in Python."""

    def __init__(self, width: int = 8, states: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 4, groups=width, padding=3)
        self.of_step = nn.Linear(width, 2 * states + width)
        self.rates = nn.Parameter(torch.rand(width, states))
        self.states = states

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.conv(x.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        into, out, step = self.of_step(x).split([self.states, self.states, x.shape[2]], -1)
        step = F.softplus(step)
        decay = torch.exp(step[..., None] * -self.rates)
        given = step[..., None] * into[:, :, None] * x[..., None]
        state, found = x.new_zeros(x.shape[0], x.shape[2], self.states), []
        for at in range(x.shape[1]):
            state = decay[:, at] * state + given[:, at]
            found.append((state * out[:, at, None]).sum(-1))
        return torch.stack(found, 1)


class Windows(nn.Module):
    """Liu et al. 2021: attention within windows, every second time of shifted ones."""

    def __init__(self, axes: int, blocks: int, width: int = 16, size: int = 4) -> None:
        super().__init__()
        self.axes, self.size = axes, size
        self.qkv = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        places = tuple(range(1, 1 + self.axes))
        for number, layer in enumerate(self.qkv):
            shift = number % 2 * self.size // 2
            x = x + torch.roll(
                self._within(torch.roll(x, (-shift,) * self.axes, places), layer),
                (shift,) * self.axes,
                places,
            )
        return x

    def _within(self, x: Tensor, layer: nn.Module) -> Tensor:
        batch, *sides, width = x.shape
        cut = [part for side in sides for part in (side // self.size, self.size)]
        axes = range(1, 1 + 2 * self.axes)
        order = [0, *axes[::2], *axes[1::2], len(axes) + 1]
        back = [order.index(axis) for axis in range(len(order))]
        x = x.reshape(batch, *cut, width).permute(order)
        shape = x.shape
        q, k, v = layer(x.reshape(-1, self.size**self.axes, width)).chunk(3, -1)
        x = ((q @ k.transpose(1, 2)).softmax(-1) @ v).reshape(shape)
        return x.permute(back).reshape(batch, *sides, width)


class Swin(nn.Module):
    """Liu et al. 2021: patches, stages of window attention, patches merged; a U-Net's decoder."""

    def __init__(self, axes: int, stages: int = 3, width: int = 12, decodes: bool = False) -> None:
        super().__init__()
        conv, up = getattr(nn, f"Conv{axes}d"), getattr(nn, f"ConvTranspose{axes}d")
        widths = [width << stage for stage in range(stages)]
        self.stem = conv(3, width, 2, 2)
        self.stages = nn.ModuleList(Windows(axes, 2, one) for one in widths)
        self.merge = nn.ModuleList(conv(one, 2 * one, 2, 2) for one in widths[:-1])
        self.up = nn.ModuleList(up(2 * one, one, 2, 2) for one in widths[-2::-1] if decodes)
        self.after = nn.ModuleList(Residual(axes, one) for one in widths[-2::-1] if decodes)

    def forward(self, x: Tensor) -> Tensor:
        x, kept = self.stem(x), []
        for number, stage in enumerate(self.stages):
            if number:
                x = self.merge[number - 1](x)
            x = stage(x.movedim(1, -1)).movedim(-1, 1)
            kept.append(x)
        for up, after, skip in zip(self.up, self.after, kept[-2::-1], strict=False):
            x = after(skip + up(x))
        return x


class Pyramid(nn.Module):
    """Zhao et al. 2017: pools of several sizes beside the map, resized to it."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.trunk = _residuals(2, (2, 2, 2, 2), width)
        self.parts = nn.ModuleList(nn.Conv2d(8 * width, 4, 1) for _ in range(4))
        self.last = nn.Conv2d(8 * width + 16, 5, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.trunk(x)
        made = [
            F.interpolate(part(F.adaptive_avg_pool2d(y, bins)), y.shape[2:], mode="bilinear")
            for part, bins in zip(self.parts, (1, 2, 3, 6), strict=True)
        ]
        return F.interpolate(self.last(torch.cat([y, *made], 1)), x.shape[2:], mode="bilinear")


class SegFormer(nn.Module):
    """Xie et al. 2021: attention to a reduced map, in stages; all stages resized and mixed."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        widths, reductions = [width << stage for stage in range(4)], (8, 4, 2, 1)
        kernels = ((7, 4, 3), (3, 2, 1), (3, 2, 1), (3, 2, 1))
        self.embed = nn.ModuleList(
            nn.Conv2d(a, b, *kernel)
            for a, b, kernel in zip([3, *widths], widths, kernels, strict=False)
        )
        self.reduce = nn.ModuleList(
            nn.Conv2d(one, one, by, by) for one, by in zip(widths, reductions, strict=True)
        )
        self.attend = nn.ModuleList(
            nn.MultiheadAttention(one, 1, batch_first=True) for one in widths
        )
        self.mix = nn.ModuleList(nn.Conv2d(one, one, 3, padding=1, groups=one) for one in widths)
        self.head = nn.ModuleList(nn.Conv2d(one, width, 1) for one in widths)

    def forward(self, x: Tensor) -> Tensor:
        found: list[Tensor] = []
        parts = zip(self.embed, self.reduce, self.attend, self.mix, self.head, strict=True)
        for embed, reduce, attend, mix, head in parts:
            x = embed(x)
            tokens, less = x.flatten(2).transpose(1, 2), reduce(x).flatten(2).transpose(1, 2)
            x = x + attend(tokens, less, less, need_weights=False)[0].transpose(1, 2).reshape(
                x.shape
            )
            x = x + mix(x)
            made = head(x)
            found.append(F.interpolate(made, found[0].shape[2:]) if found else made)
        return torch.cat(found, 1)


def _residuals(axes: int, counts: tuple[int, ...], width: int = 8) -> nn.Sequential:
    conv = getattr(nn, f"Conv{axes}d")
    blocks: list[nn.Module] = [conv(3, width, 7, 2, 3), nn.ReLU()]
    inputs = width
    for stage, count in enumerate(counts):
        for number in range(count):
            stride = 2 if stage and not number else 1
            blocks.append(Residual(axes, width << stage, inputs, stride))
            inputs = width << stage
    return nn.Sequential(*blocks)


def _video() -> nn.Sequential:
    """Tran et al. 2018: the trunk of r3d_18."""
    found = _residuals(3, (2, 2, 2, 2), 16)
    found[0] = nn.Conv3d(3, 16, (3, 7, 7), (1, 2, 2), (1, 3, 3))
    return found


def _convs(axes: int, count: int) -> nn.Module:
    return nn.Sequential(*(getattr(nn, f"Conv{axes}d")(4, 4, 3, padding=1) for _ in range(count)))


Shape = tuple[int, ...]
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Shape, Shape]] = {
    "400 conv 1-D": (lambda: _convs(1, 400), (1, 4, 512), (1, 4, 1024)),
    "400 conv 2-D": (lambda: _convs(2, 400), (1, 4, 256, 256), (1, 4, 512, 512)),
    "400 conv residual": (
        lambda: nn.Sequential(*(Residual(2, 4) for _ in range(200))),
        (1, 4, 256, 256),
        (1, 4, 512, 512),
    ),
    "conv stack, wide": (lambda: _convs(2, 12), (1, 4, 4096, 4096), (1, 4, 8192, 8192)),
    "LSTM": (lambda: Recurrent(nn.LSTM), (1, 1000, 16), (1, 4000, 16)),
    "GRU of 2 layers": (lambda: Recurrent(nn.GRU, 2), (1, 1000, 16), (1, 4000, 16)),
    "running sum": (Running, (1, 4, 32768), (1, 4, 65536)),
    "loop": (Loop, (1, 250, 8), (1, 500, 8)),
    "scan": (Scan, (1, 125, 8), (1, 250, 8)),
    "r3d_18": (_video, (1, 3, 16, 112, 112), (1, 3, 32, 224, 224)),
    "3-D U-Net of 5 levels": (lambda: UNet(3, 5), (1, 1, 32, 32, 32), (1, 1, 64, 64, 64)),
    "2-D U-Net of 5 levels": (lambda: UNet(2, 5), (1, 1, 256, 256), (1, 1, 512, 512)),
    "swin": (lambda: Swin(2), (1, 3, 128, 128), (1, 3, 256, 256)),
    "SwinUNETR": (lambda: Swin(3, decodes=True), (1, 3, 32, 32, 32), (1, 3, 64, 64, 64)),
    "ResNet-50-like": (lambda: _residuals(2, (3, 4, 6, 3)), (1, 3, 224, 224), (1, 3, 448, 448)),
    "PSPNet": (Pyramid, (1, 3, 192, 192), (1, 3, 384, 384)),
    "SegFormer": (SegFormer, (1, 3, 256, 256), (1, 3, 512, 512)),
}


def measure(name: str, which: int) -> None:
    """Print what one network costs at one size."""
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    torch.set_num_threads(1)
    build, *shapes = NETWORKS[name]
    with weights_without_values() as finish:
        model: Any = finish(build()).eval()
    x = torch.empty(shapes[which], device="meta")
    archscope.analyse("rf", nn.Conv1d(4, 4, 3), torch.zeros(1, 4, 9))  # imports what is needed
    start, working = perf_counter(), process_time()
    archscope.analyse("rf", model, x)
    seconds, busy = perf_counter() - start, process_time() - working
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print("x".join(map(str, shapes[which])), busy, peak, seconds, sep="\t")


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2]))
