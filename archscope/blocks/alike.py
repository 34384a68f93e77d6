"""Finds blocks of a convolutional network that are alike, so that one can stand for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from typing import Any

from archscope.subject import Repeat


def repeats(blocks: Iterable[Any], *, inside: str = "") -> tuple[Repeat, ...]:
    """Return a `Repeat` per run of blocks that differ in nothing but their `path`.

    Such a block must return the shape that it takes. `inside` is the path of the module that the
    blocks' own paths start from.
    """
    runs = (tuple(run) for _, run in groupby(blocks, lambda block: replace(block, path="")))
    found = []
    for run in runs:
        keeps_shape = run[0].stride == 1 and run[0].in_channels == run[0].out_channels
        if keeps_shape and len(run) > 1:
            copies = tuple(f"{inside}{block.path}" for block in run)
            found.append(Repeat(path=copies[0], copies=copies))
    return tuple(found)
