"""What makes a named network may be the user's code: random numbers are as they were after it."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import archscope
from archscope.analyses import ANALYSES
from archscope.errors import ArchscopeError

NET = """\
import random
import numpy
import torch

def Net():
    random.random(), numpy.random.rand()
    return torch.nn.Linear(3, 3)
"""


def numbers() -> tuple[Any, ...]:
    """Return the states of all generators that a process has."""
    return random.getstate()[1], np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


def asked(analysis: str, net: str) -> None:
    """Ask an analysis of a network of the user's own; whether it can tell is another matter."""
    with suppress(ArchscopeError):
        archscope.analyse(analysis, net, input_shape="1,3")


@pytest.mark.parametrize(
    "ask",
    [
        lambda net: archscope.time("conv 4 k3; relu", runs=1, warmup=1),
        lambda net: archscope.rf("conv 4 k3; relu", verify=True),
        lambda net: archscope.params(net, input_shape="1,3"),
        lambda net: archscope.report(net, input_shape="1,3"),
        lambda net: archscope.compare(net, "lenet", input_shape="1,3"),
        lambda net: archscope.sweep(net, measure="params"),
        *(partial(asked, each.name) for each in ANALYSES.each() if each.name not in ("time", "rf")),
    ],
)
def test_random_numbers_are_as_they_were(ask: Callable[[str], Any], tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text(NET)
    before = numbers()

    ask(f"{net}:Net")

    assert numbers() == before


def test_what_is_built_for_the_user_is_drawn_anew_each_time() -> None:
    one, other = (archscope.build("cnn", depth=1, channels=(4,)) for _ in range(2))

    assert not torch.equal(next(one.parameters()), next(other.parameters()))
