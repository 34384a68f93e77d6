"""What keeps a count of many modules quick."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch import nn

from archscope.counting.dispatcher import DispatcherCount
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
