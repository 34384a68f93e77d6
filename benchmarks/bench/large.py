"""Large networks: one of the user's own, published ones, depth, and a trillion parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.bench.rows import ARCHSCOPE, Cost, Row, against, program

LARGEST = ("gpt3-175B", "llama-3.1-405b", "deepseek-v3", "gpt-oss-120b")
"""Published networks that are counted; the last has windows by mask, sinks and experts."""
SHAPE = str(Path(__file__).with_name("llama_shape.py"))
MEBIBYTES = 1024.0
"""What any count may hold at most."""


def rows() -> Iterator[Row]:
    """Yield times, then what was held."""
    yield from shape()
    engines = [sys.executable, "-W", "ignore", "-c", "import torch, fvcore.nn"]
    for name in LARGEST:
        yield from held(f"`params {name}`", ["params", name, "--total"], engines, 2.0)
    yield against(
        "`params --depth 1000`",
        lambda: program([*ARCHSCOPE, "params", "--depth", "1000"]),
        "`params --depth 12`",
        lambda: program([*ARCHSCOPE, "params", "--depth", "12"]),
        aim=1.1,
        pairs=3,
    )
    trillion = ["params", "--total", "--depth", "128", "--d-model", "25600", "--heads", "200"]
    yield from held("`params` of 10^12 parameters", trillion, engines, None)


def shape() -> Iterator[Row]:
    """Yield what a decoder of plain torch with the shape of Llama 3.1 405B costs at 2,048 tokens.

    Importing torch is not part of the seconds: the script says its own.
    """
    most: dict[str, list[float]] = {"archscope": [], "torch": []}

    def run(how: str) -> Cost:
        cost = program([sys.executable, "-W", "ignore", SHAPE, how])
        most[how].append(cost.mebibytes)
        return cost

    what = "`params` of the shape of Llama 3.1 405B"
    yield against(
        what,
        lambda: run("archscope"),
        "`FlopCounterMode`",
        lambda: run("torch"),
        aim=1.3,
        pairs=3,
    )
    yield Row(
        what=f"{what}, most held", ours=max(most["archscope"]), unit="MiB",
        anchor="`FlopCounterMode`", theirs=max(most["torch"]), aim=700.0, judged="ours",
    )  # fmt: skip


def held(
    what: str, typed: Sequence[str], engines: Sequence[str], aim: float | None
) -> Iterator[Row]:
    """Yield the time of a command against importing the engines, and the most that it held."""
    most: list[float] = []

    def run() -> Cost:
        cost = program([*ARCHSCOPE, *typed])
        most.append(cost.mebibytes)
        return cost

    row = against(
        what, run, "importing torch and fvcore", lambda: program(engines), aim=aim, pairs=2
    )
    yield row
    yield replace(row, what=f"{what}, most held", ours=max(most), unit="MiB", anchor="",
                  theirs=None, ratio=None, clock=None, aim=MEBIBYTES, judged="ours")  # fmt: skip
