"""Fields as large as they may be: nothing is made element by element, or dense, to be counted."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from archscope.families.swin.network import WindowBias
from tests.warm import Warm

LIMIT_S = 60
"""Of a processor: many times what each takes; what loops over elements takes longer by far."""
MEMORY = 4 * 2**30
"""Bytes of data; torch itself takes some 300 MB."""


BOUNDED = f"""
import resource
from archscope.cli import main
resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({LIMIT_S}, {LIMIT_S}))
main()
"""


def total(warm: Warm, *arguments: str) -> str:
    """Return what `params --total` says of a network, within bounds of time and memory."""
    done = warm.run("-c", BOUNDED, "params", *arguments, "--total")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_window_of_swin_takes_no_loop_over_pairs(warm: Warm) -> None:
    # 24 blocks, each with an index of (128^2)^2 pairs of positions.
    assert f"{24 * 128**4:,}" in total(warm, "swin_s", "--window", "128")


@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_the_index_of_a_window_is_the_offset_of_each_pair(window: int) -> None:
    places = list(product(range(window), repeat=2))
    offsets = [
        (row - other + window - 1) * (2 * window - 1) + column - beside + window - 1
        for (row, column), (other, beside) in product(places, repeat=2)
    ]
    assert torch.equal(WindowBias(window, 2).index, torch.tensor(offsets))
