"""Many variants: counted in closed form, counted by both engines, and what another worker adds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from archscope.families import FAMILIES
from archscope.library import plan_sweep, run_sweep
from archscope.subject import Request
from benchmarks.bench.rows import Row

MANY = 10_000
FEW, SAMPLE = 50, 400
"""So many variants are counted by both engines, and what lies between is told in proportion, since
workers take seconds to start."""
FIELDS = {
    "depth": "4:16",
    "channels": "16:256:16",
    "dilations": "1/2/4;1/2/5;1/1/2;2/2/2;1/3/9",
    "kernel_size": "3;5;7;9;11",
    "norm": "batch,none",
}
VARIANTS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "cnn": {
        "depth": tuple(range(4, 14)),
        "channels": tuple((width,) for width in range(16, 264, 20)),
        "kernel_size": ((3,), (5,), (7,), (9,), (11,)),
        "dilations": ((1,), (1, 2, 4, 8), (1, 2, 5), (1, 3)),
        "residual": (False, True),
        "norm": ("none", "batch"),
        "causal": (True,),
        "input_size": (16_000,),
    },
    "transformer": {
        "depth": tuple(range(2, 42, 4)),
        "d_model": tuple(range(128, 1408, 128)),
        "heads": (4, 8),
        "d_ff": tuple(range(512, 4096, 512))[:5],
        "seq_len": (128, 512, 1024, 2048, 4096),
        "activation": ("gelu", "swiglu"),
    },
}
"""Fields and their values, of which all combinations are counted in closed form."""
_TICKS = os.sysconf("SC_CLK_TCK")


def rows() -> Iterator[Row]:
    """Yield the census of each family with many variants, then the sweep by both engines."""
    for name, axes in VARIANTS.items():
        given = [dict(zip(axes, each, strict=True)) for each in product(*axes.values())]
        yield Row(
            what=f"{MANY:,} variants of {name} in closed form",
            ours=_census(name, given),
            aim=5.0,
            judged="ours",
        )  # fmt: skip
    _swept(FEW, 1)  # compiles and warms what both take
    (one, alone), (two, shared) = _each(1), _each(2)
    yield Row(
        what=f"{MANY:,} variants of cnn by both engines, 2 workers",
        ours=two * MANY, unit="s, clock", aim=60.0, judged="ours",
    )  # fmt: skip
    yield Row(
        what="efficiency of a second worker, by the clock", ours=one / two / 2, unit="", aim=0.9,
        judged="at least",
    )  # fmt: skip
    yield Row(
        what="a variant, 2 workers", ours=1e3 * shared, unit="ms", anchor="1 worker",
        theirs=1e3 * alone, ratio=shared / alone, clock=two / one,
    )  # fmt: skip


def _each(workers: int) -> tuple[float, float]:
    """Return the seconds that one variant more takes: by the clock, and of processors."""
    few, many = _swept(FEW, workers), _swept(SAMPLE, workers)
    return (many[0] - few[0]) / (SAMPLE - FEW), (many[1] - few[1]) / (SAMPLE - FEW)


def _census(name: str, given: list[dict[str, object]]) -> float:
    """Return the seconds of processor time that specs take to be made and counted."""
    family = FAMILIES.get(name)
    assert family.census is not None
    began = time.process_time()
    for each in given:
        census = family.census(family.spec(**each))
        census.params, census.macs, census.activations  # noqa: B018
    return (time.process_time() - began) * MANY / len(given)


def _swept(variants: int, workers: int) -> tuple[float, float]:
    """Return the seconds of the clock, and those of processors, in the parent and its workers."""
    asked = plan_sweep("cnn", Request(fields=FIELDS), measure="params,macs", sample=variants)
    below: dict[int, float] = {}
    known: set[int] = set()

    def watch(progress: object) -> None:
        done = getattr(progress, "done", 0)
        if len(known) < workers or done % 50 == 0:
            known.update(_below(os.getpid()))
        if done % 50 == 0 or done == getattr(progress, "total", 0):
            below.update({pid: _seconds(pid) for pid in known if _seconds(pid)})

    began, own = time.monotonic(), time.process_time()
    report = run_sweep(asked, workers=workers, executor="processes", watch=watch)
    clock, own = time.monotonic() - began, time.process_time() - own
    assert all(row.status == "done" for row in report.section("sweep.variants").rows)
    return clock, own + sum(below.values())


def _below(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += new
    return found


def _seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
