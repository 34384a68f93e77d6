"""Medians of `archscope time` against the field's own timers, paired, in one run, as ratios.

On a CPU against `torch.utils.benchmark.Timer.blocked_autorange` (aim: within 5%), on a card against
`triton.testing.do_bench` (aim: within 2%).

A card is held where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import nn

import archscope
from benchmarks.bench.rows import Row

PAIRS = 25
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


def ours(model: nn.Module, inputs: tuple[torch.Tensor, ...], **settings: object) -> float:
    report = archscope.time(model, *inputs, **settings)  # type: ignore[arg-type]
    return float(report.section("passes").rows[0].median_s)


def compare(name: str, anchor: str, pairs: list[tuple[float, float]], aim: float) -> Row:
    """Return the median of the ratios."""
    a, b = (1e3 * median(side) for side in zip(*pairs, strict=True))
    ratio = median(a / b for a, b in pairs)
    return Row(what=f"median time of {name}", ours=a, unit="ms, clock", anchor=anchor, theirs=b,
               ratio=ratio, aim=aim, judged="near 1")  # fmt: skip


def alternating(
    mine: Callable[[], float], theirs: Callable[[], float]
) -> list[tuple[float, float]]:
    """Measure in turns, so that what else the machine does falls on both alike."""
    mine(), theirs()
    pairs = []
    for number in range(PAIRS):
        if number % 2:
            b, a = theirs(), mine()
        else:
            a, b = mine(), theirs()
        pairs.append((a, b))
    return pairs


def cpu(budget: float = 0.4) -> Iterator[Row]:
    """Hold the CPU's median against `blocked_autorange` on the same module.

    One thread: two would wait for each other whenever another program takes a processor.
    """
    from torch.utils.benchmark import Timer

    torch.set_num_threads(1)
    convolutions = nn.Sequential(
        *(nn.Conv2d(i, 32, 3, padding=1) for i in (3, 32, 32)), nn.Flatten()
    )
    cases: tuple[Case, ...] = (
        ("matrix product, 512 x 512", Product(512), (torch.randn(512, 512),)),
        ("3 convolutions at 64 x 64", convolutions, (torch.randn(1, 3, 64, 64),)),
        transformer(2, 64, 1, d_model=128, heads=4, vocab_size=1000),
    )
    for name, model, inputs in cases:
        model.eval()
        timer = Timer(
            "model(*inputs)",
            globals={"model": model, "inputs": inputs},
            num_threads=1,
        )

        def theirs(timer: Timer = timer) -> float:
            with torch.no_grad():
                return float(timer.blocked_autorange(min_run_time=budget / 2).median)

        def mine(model: nn.Module = model, inputs: tuple[torch.Tensor, ...] = inputs) -> float:
            return ours(model, inputs, device="cpu", runs=10_000, budget=budget)

        yield compare(name, "`blocked_autorange`", alternating(mine, theirs), 0.05)


def gpu() -> Iterator[Row]:
    """Hold a card's median against Triton's `do_bench` on the same module."""
    from triton.testing import do_bench

    n = 8192
    cases: tuple[Case, ...] = (
        (f"bf16 matrix product, {n} x {n}", Product(n), (torch.randn(n, n),)),
        transformer(12, 1024, 8),
    )
    for name, model, inputs in cases:
        moved = model.eval().to("cuda", torch.bfloat16)
        given = tuple(
            x.to("cuda", torch.bfloat16 if x.is_floating_point() else x.dtype) for x in inputs
        )

        def theirs(moved: nn.Module = moved, given: tuple[torch.Tensor, ...] = given) -> float:
            with torch.no_grad():
                return float(do_bench(lambda: moved(*given), return_mode="median")) / 1e3

        def mine(moved: nn.Module = moved, given: tuple[torch.Tensor, ...] = given) -> float:
            return ours(moved, given, device="cuda", dtype="bf16", cuda_graph=False)

        yield compare(name, "Triton's `do_bench`", alternating(mine, theirs), 0.02)


def rows() -> Iterator[Row]:
    """Yield what this machine has."""
    yield from cpu()
    if torch.cuda.is_available():
        yield from gpu()
