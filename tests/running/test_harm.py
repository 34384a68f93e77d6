"""Whatever a network does and holds, every verb leaves it, its inputs and the process as found."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import archscope
from archscope.errors import ArchscopeError
from archscope.running.process import process_as_found
from tests.running.awkward import ACTING, KINDS
from tests.running.fingerprint import fingerprint, of_process

FEW: dict[str, Any] = {"device": "cpu", "warmup": 0, "runs": 1, "budget": 0.005}
VERBS: dict[str, Callable[..., object]] = {  # params and rf run within others
    "rf --verify": lambda model, *inputs: archscope.receptive_field(model, *inputs, verify=True),
    "rf --erf": lambda model, *inputs: archscope.receptive_field(model, *inputs, erf=1),
    "time": lambda model, *inputs: archscope.time(model, *inputs, **FEW),
    "time --pass train": lambda model, *inputs: archscope.time(model, *inputs, step="train", **FEW),
    "report": archscope.report,
    "audit": archscope.audit,
    "memory --check": lambda model, *inputs: archscope.memory(model, *inputs, check=True),
    "train --lora": lambda model, *inputs: archscope.train(model, *inputs, lora="r=2"),
}

PAIRS = [(kind, verb) for at, kind in enumerate(KINDS) for verb in list(VERBS)[at % 4 :: 4]]
"""Two verbs for each network, and others for the next three, which are of its sort in most cases;
`make torture` asks every network by every verb.
"""


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time the product of matrices that tells how busy the machine is once, not ten times."""
    monkeypatch.setattr("archscope.timing.calibration.RUNS", 1)


@pytest.mark.parametrize(("kind", "verb"), PAIRS)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("few_sizes", "unsearched", "once")
def test_nothing_is_harmed(kind: str, verb: str) -> None:
    model, inputs = KINDS[kind]()
    model.train()
    for module in list(model.modules())[1:2]:
        module.eval()
    before, process = fingerprint(model, inputs), of_process()

    with contextlib.suppress(ArchscopeError):  # it may be refused, but not harmed
        VERBS[verb](model, *inputs)

    assert of_process() == process
    assert fingerprint(model, inputs) == before


OTHERWISE = frozenset(
    (
        *("holds an open file", "holds a generator function", "holds a lock"),
        *("holds a module of Python's", "runs under autocast"),
    )
)
"""Kinds whose forward changes nothing: they are awkward to copy."""


@pytest.mark.filterwarnings("ignore")
def test_the_fingerprint_notices_what_a_forward_does() -> None:
    unnoticed = {kind for kind in ACTING if not process_as_found(lambda: noticed(kind))}  # noqa: B023

    assert unnoticed == OTHERWISE


def noticed(kind: str) -> bool:
    model, inputs = KINDS[kind]()
    model.eval()
    before, process = fingerprint(model, inputs), of_process()
    with contextlib.suppress(Exception, SystemExit, GeneratorExit):
        model(*inputs)
    return fingerprint(model, inputs) != before or of_process() != process


def test_a_dictionary_that_refuses_to_be_copied_is_copied_item_by_item() -> None:
    class Batch(dict[str, Any]):
        __getattr__ = dict.__getitem__  # `copy.deepcopy` asks it for __deepcopy__: a KeyError

    class Writing(nn.Linear):
        def forward(self, batch: Batch) -> torch.Tensor:
            batch["x"] = batch.x * 2
            batch.list.append(1)
            return super().forward(batch.x)

    x, inner = torch.zeros(2, 8), Batch(y=[])
    batch = Batch(x=x, list=[], inner=inner)
    assert archscope.params(Writing(8, 4), batch).totals.macs == 2 * 8 * 4
    assert archscope.train(Writing(8, 4), batch).totals.backward == 2 * 8 * 4
    assert batch.x is x
    assert (batch.list, batch.inner, inner) == ([], inner, {"y": []})


def test_a_network_may_call_deeper_than_python_allows_by_default() -> None:
    """Hooks are calls too: 200 modules within each other ran, but could not be counted."""
    found = sys.getrecursionlimit()

    assert process_as_found(lambda: calls(1_500)) == 1_500
    assert sys.getrecursionlimit() == found


def calls(depth: int) -> int:
    return 1 + calls(depth - 1) if depth else 0


def test_a_backward_that_waits_is_possible_after_the_network_itself_ran() -> None:
    class Counting(nn.Linear):
        def __init__(self) -> None:
            super().__init__(4, 2)
            self.steps = torch.zeros(())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            itself.steps += 1
            return super().forward(x) / self.steps

    itself = Counting()
    loss = itself(torch.zeros(3, 4)).sum()

    archscope.receptive_field(itself, torch.zeros(3, 4))

    loss.backward()
    assert itself.steps == itself.steps._version == 1
