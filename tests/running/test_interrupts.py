"""An interrupt at any moment leaves the network and the process as found; threads wait."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import nn

import archscope
from tests.running.awkward import KINDS
from tests.running.fingerprint import fingerprint
from tests.warm import Warm


def test_an_interrupt_harms_nothing(warm: Warm) -> None:
    ran = warm.run("-m", "tests.running.interrupted", "3")

    assert ran.returncode == 0, ran.stderr
    said = [line.split() for line in ran.stdout.splitlines()]
    assert len(said) == 6
    assert all(int(interrupted) > 0 and changed == "0" for _, interrupted, changed in said), said


@pytest.mark.filterwarnings("ignore")
def test_threads_wait_for_each_other() -> None:
    kinds = ["counts its calls", "writes to a buffer", "scripted", "recurrent", "an encoder"]
    made = [KINDS[kind]() for kind in kinds]
    expected = [archscope.params(model, *inputs).totals for model, inputs in made]
    before = [fingerprint(model, inputs) for model, inputs in made]
    found: list[tuple[int, Any]] = []

    def count(first: int) -> None:
        for step in range(5):
            number = (first + step) % len(made)
            model, inputs = made[number]
            found.append((number, archscope.params(model, *inputs).totals))

    threads = [threading.Thread(target=count, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 20
    assert all(totals == expected[number] for number, totals in found)
    assert [fingerprint(model, inputs) for model, inputs in made] == before


def test_a_thread_that_runs_the_network_meanwhile_is_not_disturbed() -> None:
    model = nn.Sequential(*[nn.Linear(8, 8) for _ in range(20)]).eval()
    x, stop, runs, failures = torch.randn(2, 8), threading.Event(), [0], []
    expected = model(x)

    def use() -> None:
        while not stop.wait(0.001):  # else it keeps the other from running
            try:
                if not torch.equal(model(x), expected):
                    failures.append("another result")
                runs[0] += 1
            except Exception as error:
                failures.append(repr(error))

    thread = threading.Thread(target=use)
    thread.start()
    try:
        for _ in range(5):
            assert archscope.params(model, x).totals.macs == 20 * 2 * 8 * 8
    finally:
        stop.set()
        thread.join()

    assert runs[0]
    assert not failures
