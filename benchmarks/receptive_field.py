"""Time and memory of a graph's receptive fields, against one gradient mask of one unit.

    python benchmarks/receptive_field.py [repeats]

For each network, in one run of one process per way: all layers, the chosen unit against every map
within, and for comparison what people do otherwise, one float64 gradient of one output unit with
respect to the same input, which gives one layer's window and no more. Medians over repeats; the
first call, which imports what it needs, is shown apart. Peak memory is the process's own, less what
it held before.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.dependence.answer.receptive import receptive
from archscope.subject import Inputs

REPEATS = 5


class Bottleneck(nn.Module):
    """He et al. 2016, with the stride in the 3x3 convolution."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width),
        )  # fmt: skip
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or inputs != 4 * width:
            skip = nn.Conv2d(inputs, 4 * width, 1, stride, bias=False)
            self.skip = nn.Sequential(skip, nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.skip(x) + self.body(x))


def resnet50() -> nn.Module:
    """The trunk of ResNet-50."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks: list[nn.Module] = []
    inputs = 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(count):
            blocks.append(Bottleneck(inputs, width, stride if number == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*stem, *blocks)


class UNet(nn.Module):
    """Ronneberger et al. 2015, valid convolutions."""

    def __init__(self, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(
            self._two(a, b) for a, b in zip([1, *widths], widths, strict=False)
        )
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
        self.merge = nn.ModuleList(self._two(a, b) for a, b in pairs)

    @staticmethod
    def _two(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.Conv2d(outputs, outputs, 3), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for number, block in enumerate(self.down):
            x = block(x if number == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x, skip = up(x), skips.pop()
            cut = (skip.shape[2] - x.shape[2]) // 2
            x = merge(torch.cat([skip[:, :, cut : cut + x.shape[2], cut : cut + x.shape[3]], x], 1))
        return x


class WaveNet(nn.Module):
    """van den Oord et al. 2016: 30 gated layers in three cycles of dilations 1 to 512."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.rates = [2**n for n in range(10)] * 3
        self.stem = nn.Conv1d(1, width, 1)
        self.gated = nn.ModuleList(nn.Conv1d(width, 2 * width, 2, dilation=r) for r in self.rates)
        self.out = nn.ModuleList(nn.Conv1d(width, 2 * width, 1) for _ in self.rates)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        total = torch.zeros_like(x)
        for rate, gated, out in zip(self.rates, self.gated, self.out, strict=True):
            filtered, gate = gated(F.pad(x, (rate, 0))).chunk(2, dim=1)
            residual, skip = out(torch.tanh(filtered) * torch.sigmoid(gate)).chunk(2, dim=1)
            x, total = x + residual, total + skip
        return total


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "ResNet-50, 512 x 512": (resnet50, (1, 3, 512, 512)),
    "U-Net, 572 x 572": (UNet, (1, 1, 572, 572)),
    "WaveNet of 30 layers, 8192 samples": (WaveNet, (1, 1, 8192)),
}


def layers(model: nn.Module, x: Tensor) -> None:
    """All layers of the graph, at the given size."""
    receptive(model, Inputs(args=(x,)))


def maps(model: nn.Module, x: Tensor) -> None:
    """The same, and the unit in the middle against every map within."""
    _ = receptive(model, Inputs(args=(x,))).maps


def gradient(model: nn.Module, x: Tensor) -> None:
    """One float64 gradient mask of one output unit."""
    wide = model.double().eval()
    x = x.double().requires_grad_(True)
    y = wide(x)
    middle = tuple(size // 2 for size in y.shape[2:])
    (found,) = torch.autograd.grad(y[(0, slice(None), *middle)].sum(), x)
    assert bool((found != 0).any())


WAYS = {"layers": layers, "maps": maps, "gradient": gradient}


def measure(network: str, way: str, repeats: int) -> None:
    """Print the first time, the median of the others, and the memory, of one way."""
    build, shape = NETWORKS[network]
    torch.manual_seed(0)
    model = build().eval()
    x = torch.randn(shape)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(repeats + 1):
        start = perf_counter()
        WAYS[way](model, x)
        times.append(perf_counter() - start)
    held = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    print(times[0], median(times[1:]), held)


def main() -> None:
    """Measure networks in every way, each in a process of its own: all, or those named."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    wanted = sys.argv[2:] or NETWORKS
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {repeats} repeats")
    for network in wanted:
        found = {}
        for way in WAYS:
            command = [sys.executable, __file__, "--one", network, way, str(repeats)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[way] = [float(number) for number in done.stdout.split()]
        base = found["gradient"][1]
        print(network)
        for way, (first, typical, held) in found.items():
            print(
                f"  {way:9} {typical:7.3f} s  {typical / base:5.2f} x gradient"
                f"  first {first:6.2f} s  memory {held:5.2f} GiB"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
