"""A known product before and after the timing: shows whether other processes use the machine.

Noise is seen in the samples themselves; what is steady is not, as a program that has half of the
processors all the time, or a card that others use or that runs at a low clock.
"""

from __future__ import annotations

from time import perf_counter, thread_time

import torch

from archscope.errors import is_out_of_memory
from archscope.records import frozen
from archscope.timing.clocks import Clock
from archscope.timing.sampling import Plan, Stage, sample
from archscope.timing.statistics import percentile
from archscope.timing.surroundings import any_algorithm

RUNS = 10
SIZE = 256
"""Rows and columns of the matrices on a CPU: half a millisecond on one thread."""
SIZES_ON_CARD = (4096, 2048, 1024, 512)
"""On an accelerator the first that takes no longer than `LONGEST_S`; the first of all is large
enough that arithmetic limits any card."""
LONGEST_S = 0.03
CHANGED = 0.1
"""A product that takes so much longer or shorter afterwards: the machine is not as it was."""
LEAST_SHARE = 0.9
"""Of the processors' time that one program alone gets."""
LEAST_OF_PEAK = 0.35
"""Of a card's cited peak that a large product reaches on one that nobody else uses."""


@frozen
class Product:
    """What a product of two square matrices took."""

    size: int
    """Rows and columns."""
    median_s: float
    least_s: float
    processors: float | None
    """The share of the time that the calling thread had a processor, at most 1; None on a card.

    It takes part in every product, and spins while it waits for others; how many others a library
    wakes for a product is its own affair, so that their time tells nothing.
    """

    @property
    def flops_per_s(self) -> float:
        """FLOP/s of the fastest, two for each multiply-accumulate."""
        return 2 * self.size**3 / self.least_s


def product(
    device: torch.device, clock: Clock, dtype: torch.dtype, like: Product | None = None
) -> Product | None:
    """Time a product on `device`, of 32 bits on a CPU; None where there is no memory for it.

    It is as large as an earlier one that it is `like`.
    """
    on_cpu = device.type == "cpu"
    kind = torch.float32 if on_cpu else dtype
    try:
        size = SIZE if on_cpu else _size(device, clock, kind) if like is None else like.size
        stage = _stage(size, device, kind)
    except RuntimeError as error:
        if is_out_of_memory(error):
            return None
        raise
    with torch.no_grad(), any_algorithm():
        wall, busy = perf_counter(), thread_time()
        plan = Plan(warmup=2, runs=RUNS, budget_s=1.0, sample_s=0.0)
        found = sample([stage], clock, plan, what="timing a known product")
        wall, busy = perf_counter() - wall, thread_time() - busy
    if found.interrupted:
        raise KeyboardInterrupt
    seconds = found.whole()
    share = min(busy / wall, 1.0)
    return Product(
        size=size,
        median_s=percentile(sorted(seconds), 0.5),
        least_s=min(seconds),
        processors=share if on_cpu else None,
    )


def _stage(size: int, device: torch.device, dtype: torch.dtype) -> Stage:
    a, b, made = (torch.ones(size, size, dtype=dtype, device=device) for _ in range(3))
    return Stage(name="product", run=lambda: torch.mm(a, b, out=made))


def _size(device: torch.device, clock: Clock, dtype: torch.dtype) -> int:
    """Return the largest size that a device is done with soon, by how long the smallest takes."""
    least = SIZES_ON_CARD[-1]
    stage = _stage(least, device, dtype)
    with torch.no_grad(), any_algorithm():
        stage.run()
        start = clock.mark()
        stage.run()
        end = clock.mark()
        clock.wait()
    once = clock.seconds(start, end)
    fitting = (size for size in SIZES_ON_CARD if once * (size / least) ** 3 <= LONGEST_S)
    return next(fitting, least)


def changed(before: Product, after: Product) -> bool:
    """Return whether the same product takes another time than before, its fastest run too."""
    medians = abs(after.median_s / before.median_s - 1)
    fastest = abs(after.least_s / before.least_s - 1)
    return min(medians, fastest) > CHANGED


def is_shared(found: Product) -> bool:
    """Return whether other programs had the processors meanwhile."""
    return found.processors is not None and found.processors < LEAST_SHARE
