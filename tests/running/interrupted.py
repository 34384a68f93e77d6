"""Interrupts each verb at random moments and says what was changed: run by `test_interrupts.py`.

A process of its own: pytest does not like an interrupt in one of its own hooks.
"""

from __future__ import annotations

import faulthandler
import random
import signal
import sys
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import nn

import archscope
from archscope.dependence.answer import size_trials
from tests.running.awkward import Acting
from tests.running.fingerprint import fingerprint, of_process

VERBS: dict[str, Callable[..., object]] = {
    "params": archscope.params,
    "rf": archscope.receptive_field,
    "report": archscope.report,
}
AGAIN = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
"""Seconds after which a second interrupt follows the first."""


class Deep(nn.Module):
    """Blocks that count their calls, and an encoder that torch would fuse."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [Acting(_count) for _ in range(8)]
        self.blocks = nn.Sequential(*blocks, nn.TransformerEncoderLayer(4, 2, 8, batch_first=True))

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return self.blocks(value)


def _count(self: Any, value: torch.Tensor) -> None:
    self.calls = getattr(self, "calls", 0) + 1


def tried(verb: Callable[..., object], tries: int, twice: bool, seed: int = 1) -> tuple[int, int]:
    """Return how often a verb was interrupted, and how often something was changed by that."""
    chance, more, armed = random.Random(seed), [0], [False]

    def interrupt(*_: object) -> None:
        if not armed[0]:
            return
        if more[0]:
            more[0] = 0
            signal.setitimer(signal.ITIMER_REAL, chance.choice(AGAIN))
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGALRM, interrupt)
    model, x = Deep().train(), torch.randn(2, 4)
    verb(model, x)
    start = perf_counter()
    verb(model, x)
    took = perf_counter() - start
    before, process, interrupted, changed = fingerprint(model, x), of_process(), 0, 0
    for _ in range(tries):
        try:
            more[0], armed[0] = twice, True
            signal.setitimer(signal.ITIMER_REAL, max(chance.random() * took, 1e-4))
            try:
                verb(model, x)
            finally:
                armed[0] = False
        except KeyboardInterrupt:
            interrupted += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        changed += fingerprint(model, x) != before or of_process() != process
    return interrupted, changed


if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.dump_traceback_later(200, exit=True)  # what hangs says where
    warnings.simplefilter("ignore")
    # A shell that starts something in the background has it ignore interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Otherwise nearly all interrupts come while sizes of inputs are tried.
    size_trials.MOST_OPERATORS = 100
    for name, verb in VERBS.items():
        for twice in (False, True):
            print(name, *tried(verb, int(sys.argv[1]), twice))
