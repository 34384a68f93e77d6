"""Both engines on small networks of many kinds, against torch's counter alone."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archscope
from benchmarks.bench.rows import ROOT, Row, against, here
from benchmarks.bench.small_networks import NETWORKS

AIM = 4.0
SHOWN = 3
"""So many of the slowest have rows of their own."""
Made = tuple[Callable[[], nn.Module], tuple[Any, ...], dict[str, Any]]


def networks() -> dict[str, Made]:
    """Return those of `small_networks.py`, and those whose counts the tests know by hand."""
    sys.path.insert(0, str(ROOT / "tests" / "counting"))
    from known_cases import CASES

    found: dict[str, Made] = {name: (make, given, {}) for name, (make, given) in NETWORKS.items()}
    known = {name: (case.model, case.inputs, dict(case.named)) for name, case in CASES.items()}
    return {**found, **known}


def rows() -> Iterator[Row]:
    """Yield the median of all, then the slowest."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    found = [row for name, made in networks().items() if (row := _row(name, made)) is not None]
    found.sort(key=lambda row: row.ratio or 0.0, reverse=True)
    ratios = [row.ratio for row in found if row.ratio is not None]
    yield Row(
        what=f"`params` of {len(found)} small networks, the median",
        ours=median(row.ours for row in found if row.ours is not None),
        anchor="`FlopCounterMode`",
        theirs=median(row.theirs for row in found if row.theirs is not None),
        ratio=median(ratios),
        clock=median(row.clock for row in found if row.clock is not None),
        aim=AIM,
    )
    yield from found[:SHOWN]


def _row(name: str, made: Made) -> Row | None:
    """Return the row of one; None where torch's counter does not run it."""
    make, args, named = made
    model = make().eval()

    def theirs() -> None:
        # Without no_grad: a fused encoder layer is one operator, and counts nothing here.
        with FlopCounterMode(display=False):
            model(*deepcopy(args), **deepcopy(named))

    try:
        theirs()
    except Exception:
        return None
    return against(
        f"`params` of {name}",
        lambda: here(lambda: archscope.params(model, *args, **named)),
        "`FlopCounterMode`",
        lambda: here(theirs),
        pairs=3,
    )
