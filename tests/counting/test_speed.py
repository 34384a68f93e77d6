"""What keeps a count of many modules quick."""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn

import archscope
from archscope.counting.dispatcher_count import DispatcherCount
from archscope.counting.folding import Folding


class Watched(Counter[str]):
    """Counts how often it is gone through."""

    gone_through = 0

    def items(self) -> Any:
        self.gone_through += 1
        return super().items()


def test_what_stands_for_many_is_looked_up_once() -> None:
    folding = Folding(nn.Identity(), DispatcherCount())
    folding.copies = [("a.2", "a.1"), *((f"b{number}", "a") for number in range(50))]
    counted = Watched({"a": 1, "a.1": 2, "ab": 5})

    folding.unfold(counted)

    assert counted == {
        "a": 1, "a.1": 2, "a.2": 2, "ab": 5,
        **{f"b{number}{rest}": macs for number in range(50) for rest, macs in
           (("", 1), (".1", 2), (".2", 2))},
    }  # fmt: skip
    assert counted.gone_through == 2


COLLECTS: list[bool] = []


class Asking(nn.Linear):
    """A layer that looks whether Python collects its garbage."""

    def forward(self, input: Tensor) -> Tensor:
        COLLECTS.append(gc.isenabled())
        return super().forward(input)


def test_garbage_waits_while_shapes_are_counted() -> None:
    COLLECTS.clear()

    archscope.params(Asking(4, 4), torch.zeros(1, 4))

    assert COLLECTS == [False, False]  # one engine after the other
    assert gc.isenabled()
