"""Medians of `archscope time` against the field's own timers, on a few of `benchmarks/timing.py`'s
modules: that holds all of them, and the intervals too, and takes a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import torch

from benchmarks import timing
from benchmarks.bench.rows import Row

CHOSEN = ("matrix product, 512 x 512", "3 convolutions at 64 x 64", "encoder layer")
PAIRS = 15


class Rows(timing.Tally):
    """Pairs of the chosen modules as rows of the table; of a card, all."""

    def __init__(self, anchor: str, chosen: tuple[str, ...] | None) -> None:
        super().__init__(PAIRS)
        self.rows: list[Row] = []
        self._anchor, self._chosen = anchor, chosen

    def compare(self, name: str, mine: timing.Mine, theirs: timing.Theirs) -> None:
        """Keep the median of the ratios."""
        if self._chosen is not None and name not in self._chosen:
            return
        pairs = timing.alternating(mine, theirs, self.pairs)
        a, b = (1e3 * median(side) for side in zip(*((a[0], b) for a, b in pairs), strict=True))
        self.rows.append(
            Row(
                what=f"median time of {name}",
                ours=a,
                unit="ms, clock",
                anchor=self._anchor,
                theirs=b,
                ratio=median(a[0] / b for a, b in pairs),
                aim=timing.AIM,
                judged="near 1",
            )
        )


def rows() -> Iterator[Row]:
    """Yield what this machine has."""
    found = Rows("`blocked_autorange`", CHOSEN)
    timing.cpu(found)
    yield from found.rows
    if torch.cuda.is_available():
        found = Rows("Triton's `do_bench`", None)
        timing.gpu(found)
        yield from found.rows
