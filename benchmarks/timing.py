"""Medians of `archscope time` against the field's own timers, paired, in one run, as ratios.

On a CPU against `torch.utils.benchmark.Timer.blocked_autorange`, 20 modules; on a card against
`triton.testing.do_bench`. The aim is 2%: of each module's median ratio; and that the interval of a
table, p5 to p95, holds the other's median in 90% of all pairs.

Each pair times one copy of the module, at another place in memory than the pair before: where
weights lie makes a kernel of some microseconds faster or slower by several percent, for either.

python benchmarks/timing.py                 # what this machine has; on a CPU a quarter of an hour
python benchmarks/timing.py cpu --pairs 5   # one of: cpu, gpu
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from statistics import median

import torch
from torch import nn

import archscope
from archscope.study import analyse
from archscope.subject import Inputs, Subject

AIM, COVERED = 0.02, 0.9
Case = tuple[str, nn.Module, tuple[torch.Tensor, ...]]


class Product(nn.Module):
    """A matrix product of N x N."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n, n))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


def transformer(depth: int, seq_len: int, batch: int, **fields: int) -> Case:
    model = archscope.build("transformer", depth=depth, seq_len=seq_len, batch_size=batch, **fields)
    words = torch.randint(fields.get("vocab_size", 50_257), (batch, seq_len))
    return f"transformer of {depth} blocks, {batch} x {seq_len} tokens", model, (words,)


Ours = tuple[float, float, float]
"""Median, and the interval of the table."""
Given = tuple[torch.Tensor, ...]
Mine = Callable[[nn.Module, Given], Ours]
Theirs = Callable[[nn.Module, Given], float]


def ours(model: nn.Module, inputs: Given, **settings: object) -> Ours:
    """Return what `archscope.time` measures of a module, of this one and of no copy."""
    subject = Subject(name="", model=model, inputs=Inputs(args=inputs), origin="memory")
    row = analyse("time", subject, copy=False, **settings).section("passes").rows[0]
    return row.median_s, row.p5_s, row.p95_s


@dataclass
class Tally:
    """How the modules came out."""

    pairs: int
    only: str = ""
    """A word that the names of cases hold."""
    within: list[bool] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)

    def compare(self, case: Case, mine: Mine, theirs: Theirs) -> None:
        """Print both medians, the median of the ratios, and the quarters between which half lie."""
        name, model, inputs = case
        if self.only not in name:
            return
        pairs = alternating(model, inputs, mine, theirs, self.pairs)
        ratios = sorted(a[0] / b for a, b in pairs)
        ratio = median(ratios)
        held = [a[1] <= b <= a[2] for a, b in pairs]
        a, b = median(each[0][0] for each in pairs), median(each[1] for each in pairs)
        self.within.append(abs(ratio - 1) <= AIM)
        self.covered += held
        quarters = f"{ratios[len(ratios) // 4]:.3f} … {ratios[-1 - len(ratios) // 4]:.3f}"
        print(
            f"{name:36} {1e3 * a:9.3f} ms / {1e3 * b:9.3f} ms = {ratio:.3f} "
            f"({'ok' if self.within[-1] else 'OUTSIDE'}; {quarters}; held {sum(held)}/{len(held)})",
            flush=True,
        )

    def tell(self) -> None:
        """Print what all of them come to."""
        if not self.covered:
            sys.exit(f"no case is called {self.only!r}")
        share = sum(self.covered) / len(self.covered)
        print(
            f"median within {AIM:.0%}: {sum(self.within)} of {len(self.within)} modules, "
            f"{self.pairs} pairs each; the interval holds the other's median in {share:.1%} of "
            f"{len(self.covered)} pairs (aim {COVERED:.0%})"
        )


def alternating(
    model: nn.Module, inputs: Given, mine: Mine, theirs: Theirs, pairs: int
) -> list[tuple[Ours, float]]:
    """Measure in turns, so that what else the machine does falls on both alike."""
    mine(model, inputs), theirs(model, inputs)
    found = []
    for number, each in enumerate([deepcopy(model) for _ in range(pairs)]):
        if number % 2:
            b, a = theirs(each, inputs), mine(each, inputs)
        else:
            a, b = mine(each, inputs), theirs(each, inputs)
        found.append((a, b))
    return found


class First(nn.Module):
    """The first of what a module returns."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.module(x)[0]
        return made


def on_cpu() -> Iterator[Case]:
    """Yield 20 modules of 20 kinds, from some ten microseconds to some ten milliseconds."""
    images, small = torch.randn(1, 3, 64, 64), torch.randn(4, 32, 32, 32)
    words, steps = torch.randn(8, 64, 128), torch.randn(64, 4, 64)
    yield "matrix product, 512 x 512", Product(512), (torch.randn(512, 512),)
    yield "matrix times vector, 512", nn.Linear(512, 512), (torch.randn(1, 512),)
    yield (
        "perceptron of 3 layers",
        nn.Sequential(nn.Linear(256, 512), nn.GELU(), nn.Linear(512, 512), nn.GELU()),
        (torch.randn(64, 256),),
    )
    three = (nn.Conv2d(i, 32, 3, padding=1) for i in (3, 32, 32))
    yield "3 convolutions at 64 x 64", nn.Sequential(*three), (images,)
    yield "convolution, dilation 4", nn.Conv2d(32, 32, 3, padding=4, dilation=4), (small,)
    yield "convolution, depthwise", nn.Conv2d(32, 32, 3, padding=1, groups=32), (small,)
    yield "convolution, pointwise", nn.Conv2d(32, 64, 1), (small,)
    yield "convolution, transposed", nn.ConvTranspose2d(32, 16, 2, 2), (small,)
    yield "convolution, 1-D", nn.Conv1d(64, 64, 9, padding=4), (torch.randn(2, 64, 2000),)
    yield "convolution, 3-D", nn.Conv3d(4, 8, 3), (torch.randn(1, 4, 16, 16, 16),)
    yield "batch norm", nn.BatchNorm2d(32), (small,)
    yield "group norm", nn.GroupNorm(8, 32), (small,)
    yield "layer norm", nn.LayerNorm(128), (words,)
    yield "average pool", nn.AvgPool2d(2), (small,)
    yield "softmax", nn.Softmax(-1), (words,)
    yield "embedding", nn.Embedding(1000, 256), (torch.randint(1000, (16, 256)),)
    yield "LSTM of 64 steps", First(nn.LSTM(64, 64)), (steps,)
    yield "GRU of 64 steps", First(nn.GRU(64, 64)), (steps,)
    yield (
        "encoder layer",
        nn.TransformerEncoderLayer(128, 4, 256, batch_first=True),
        (words,),
    )
    yield transformer(2, 64, 1, d_model=128, heads=4, vocab_size=1000)


def cpu(tally: Tally, budget: float = 0.4) -> None:
    """Hold the CPU's median against `blocked_autorange` on the same module.

    One thread: two would wait for each other whenever another program takes a processor.
    """
    from torch.utils.benchmark import Timer

    torch.set_num_threads(1)

    def theirs(model: nn.Module, inputs: Given) -> float:
        given = {"model": model, "inputs": inputs}
        timer = Timer("model(*inputs)", globals=given, num_threads=1)
        with torch.no_grad():
            return float(timer.blocked_autorange(min_run_time=budget / 2).median)

    def mine(model: nn.Module, inputs: Given) -> Ours:
        return ours(model, inputs, device="cpu", runs=10_000, budget=budget)

    for name, model, inputs in on_cpu():
        tally.compare((name, model.eval(), inputs), mine, theirs)


def gpu(tally: Tally) -> None:
    """Hold a card's median against Triton's `do_bench` on the same module."""
    from triton.testing import do_bench

    n = 8192
    cases: tuple[Case, ...] = (
        (f"bf16 matrix product, {n} x {n}", Product(n), (torch.randn(n, n),)),
        transformer(12, 1024, 8),
    )

    def theirs(model: nn.Module, inputs: Given) -> float:
        with torch.no_grad():
            return float(do_bench(lambda: model(*inputs), return_mode="median")) / 1e3

    def mine(model: nn.Module, inputs: Given) -> Ours:
        return ours(model, inputs, device="cuda", dtype="bf16", cuda_graph=False)

    for name, model, inputs in cases:
        given = tuple(
            x.to("cuda", torch.bfloat16 if x.is_floating_point() else x.dtype) for x in inputs
        )
        tally.compare((name, model.eval().to("cuda", torch.bfloat16), given), mine, theirs)


PARTS: dict[str, Callable[[Tally], None]] = {"cpu": cpu, "gpu": gpu}

KEPT = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
"""Makes the C library keep freed memory. It otherwise gives that of one program back to the system
after every run and not that of the other, as chance has it, and the page faults are 7% of 4 ms."""

if __name__ == "__main__":
    if not KEPT.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEPT})
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", help=f"{' and '.join(PARTS)}; default: what this machine has"
    )
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    chosen = parser.parse_args()
    for part in chosen.parts or (["cpu", "gpu"] if torch.cuda.is_available() else ["cpu"]):
        tally = Tally(chosen.pairs, chosen.only)
        PARTS[part](tally)
        tally.tell()
