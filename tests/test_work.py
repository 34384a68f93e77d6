"""How much work is done, counted and not timed: modules imported, passes run, functions called.

A ceiling stands a little above what is done today, of calls by half. What goes beyond it does
twice, or for each position or block, what was done once; where that is meant the ceiling is raised.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.families import FAMILIES

ROOT = Path(__file__).parents[1]
PACKAGE = str(ROOT / "archscope")
SAVED = [str(ROOT / "reports" / name) for name in ("gpt2-12.json", "gpt2-24.json")]

IMPORTED = {
    "--help": 150,
    "list": 210,
    "rf --dilations 1,2,4": 290,
    "rf suggest --target 63": 280,
    "compare {0} {1}": 280,
    "plan llama-3-70b --gpu h100 --gpus 64": 370,
    "kv gpt2": 350,
    "scaling gpt2": 335,
    "facts kv-*": 410,
}
"""The most modules that a command may have imported when it ends, Python's own among them."""
PROBE = """
import json, os, sys
for typed in json.loads(sys.argv[1]):
    read, write = os.pipe()
    if not os.fork():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            from archscope.cli import main
            main(typed)
        except SystemExit:
            pass
        os.write(write, json.dumps([*sys.modules]).encode())
        os._exit(0)
    os.close(write)
    with open(read) as told:
        print(told.read())
    os.wait()
"""
"""Runs each command in a process that has imported next to nothing, and prints what it has then."""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """Return the names of the modules that each command imports."""
    if not hasattr(os, "fork"):
        pytest.skip("no processes that are copies here")
    commands = [typed.format(*SAVED).split() for typed in IMPORTED]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(commands)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(IMPORTED, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("typed", IMPORTED)
def test_a_command_imports_little(typed: str, imported: dict[str, list[str]]) -> None:
    names = imported[typed]
    by_package = Counter(name.partition(".")[0] for name in names)

    assert len(names) <= IMPORTED[typed], f"of these packages: {by_package.most_common(12)}"


class Watched(nn.Module):
    """A network that tells how often it runs, copies of it too."""

    runs = 0

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Conv1d(4, 4, 3, padding=1) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        Watched.runs += 1
        return self.layers(x)


RUNS = {"params": 2, "rf": 90, "train": 1, "memory": 1}
"""The most forward passes that an answer may take."""


@pytest.mark.parametrize("verb", RUNS)
def test_an_answer_takes_few_passes(verb: str) -> None:
    Watched.runs = 0
    getattr(archscope, verb)(Watched(), torch.zeros(1, 4, 64))

    assert 0 < Watched.runs <= RUNS[verb]


def calls(run: Callable[[], object]) -> Counter[str]:
    """Return how often each function of archscope is called; what is cached is so before."""
    found: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            where = frame.f_code.co_filename.removeprefix(PACKAGE)
            found[f"{where}:{frame.f_code.co_qualname}"] += 1

    run()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def convolutions(size: int, depth: int = 3) -> archscope.Report:
    """Return what outputs of dilated convolutions see, by the operators that ran."""
    layers = (nn.Conv1d(2, 2, 3, padding=2**n, dilation=2**n) for n in range(depth))
    return archscope.rf(nn.Sequential(*layers), torch.zeros(1, 2, size, device="meta"))


def census(count: int) -> list[int]:
    """Return the parameters of so many networks in closed form."""
    family = FAMILIES.get("cnn")
    assert family.census is not None
    return [family.census(family.spec(depth=4 + each)).params for each in range(count)]


CALLED: dict[str, tuple[Callable[[], object], int]] = {
    "params of a Transformer": (lambda: archscope.params("transformer", depth=24), 24_000),
    "params of a module": (lambda: archscope.params(Watched(), torch.zeros(1, 4, 64)), 6_000),
    "rf of a stack": (lambda: archscope.rf(dilations=(1, 2, 4, 8)), 6_500),
    "rf by operators": (lambda: convolutions(64), 115_000),
    "memory of a module": (lambda: archscope.memory(Watched(), torch.zeros(1, 4, 64)), 5_000),
    "a census of 50 networks": (lambda: census(50), 46_000),
    "a plan": (lambda: archscope.plan("gpt2", gpu="h100"), 39_000),
    "a cache": (lambda: archscope.kv("gpt2"), 28_000),
    "a table": (lambda: str(archscope.params("gpt2", flops=False)), 17_000),
    "a page": (lambda: archscope.params("gpt2", flops=False).to("html"), 50_000),
}
"""What is asked a second time, and the most calls of archscope's own functions that it may take."""


@pytest.mark.parametrize("name", CALLED)
def test_an_answer_calls_few_functions(name: str) -> None:
    run, most = CALLED[name]
    found = calls(run)

    assert found.total() <= most, f"most often: {found.most_common(8)}"


GROWING: dict[str, tuple[Callable[[], object], Callable[[], object], float]] = {
    "blocks": (
        lambda: archscope.params("transformer", depth=6, seq_len=16),
        lambda: archscope.params("transformer", depth=48, seq_len=16),
        1.5,
    ),
    "positions": (lambda: convolutions(64), lambda: convolutions(2048), 1.2),
}
"""A network, one that has many more that are alike, and how many times the work that may be."""


@pytest.mark.parametrize("name", GROWING)
def test_what_is_alike_is_done_once(name: str) -> None:
    few, many, most = GROWING[name]
    small, large = calls(few), calls(many)

    assert large.total() <= most * small.total(), f"more often: {(large - small).most_common(8)}"
