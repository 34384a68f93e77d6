"""What an optimiser keeps for each parameter that is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor

from archscope.errors import UsageError, did_you_mean
from archscope.records import frozen
from archscope.training.fake import unwrapped
from archscope.training.muon import HAS_MUON, MuonAndAdamW

Make = Callable[[list[Tensor]], "torch.optim.Optimizer | MuonAndAdamW"]


@frozen
class Optimiser:
    """One way to update parameters, and what it keeps from step to step."""

    name: str
    """What the user types, e.g. `adamw`."""
    help: str
    """What it keeps, and its source."""
    bytes_of: Callable[[Tensor], int]
    """Bytes of its state for one parameter, by the formula of its source."""
    make: Make | None
    """Makes torch's own, updating one tensor after the other; None where torch has none."""
    sparse: bool = False
    """Whether it takes sparse gradients."""
    by_shape: bool = False
    """Whether what its update takes depends on a parameter's shape, and not on its size alone."""
    doubles_at_once: bool = False
    """Whether an update of all tensors at once, torch's default on a card, makes as much again as
    these take."""


def _two_moments(parameter: Tensor) -> int:
    return 2 * parameter.nbytes + _STEP


def _momentum(parameter: Tensor) -> int:
    return parameter.nbytes


def _factored(parameter: Tensor) -> int:
    """Return a mean for each row and each column of a matrix, of the last two axes."""
    if parameter.ndim < 2:
        return parameter.nbytes + _STEP
    *batch, rows, columns = parameter.shape
    return prod(batch) * (rows + columns) * parameter.element_size() + _STEP


def _blockwise(parameter: Tensor) -> int:
    """Return two moments of a byte for each number, a scale for each 256; small ones in fp32."""
    if parameter.numel() < 4096:
        return 2 * 4 * parameter.numel()
    return 2 * (parameter.numel() + 4 * -(-parameter.numel() // 256))


_STEP = 4
"""Bytes of a step counter, one for each parameter."""


def _torch(name: str, **settings: Any) -> Make:
    def make(parameters: list[Tensor]) -> torch.optim.Optimizer:
        return unwrapped(getattr(torch.optim, name))(parameters, **settings)

    return make


_ALL = (
    Optimiser(
        name="adamw",
        help="two moments for each parameter (Loshchilov and Hutter 2019)",
        bytes_of=_two_moments,
        make=_torch("AdamW", foreach=False),
        doubles_at_once=True,
    ),
    Optimiser(
        name="adam",
        help="two moments for each parameter (Kingma and Ba 2015)",
        bytes_of=_two_moments,
        make=_torch("Adam", foreach=False),
        doubles_at_once=True,
    ),
    Optimiser(
        name="sgd",
        help="nothing: gradients alone",
        bytes_of=lambda parameter: 0,
        make=_torch("SGD", lr=0.1, foreach=False),
        sparse=True,
    ),
    Optimiser(
        name="momentum",
        help="SGD with momentum: one number for each parameter (Polyak 1964)",
        bytes_of=_momentum,
        make=_torch("SGD", lr=0.1, momentum=0.9, foreach=False),
    ),
    Optimiser(
        name="rmsprop",
        help="a mean of squares for each parameter (Tieleman and Hinton 2012, lecture 6.5)",
        bytes_of=lambda parameter: parameter.nbytes + _STEP,
        make=_torch("RMSprop", foreach=False),
        doubles_at_once=True,
    ),
    Optimiser(
        name="lion",
        help="momentum, one number for each parameter (Chen et al. 2023, algorithm 2)",
        bytes_of=_momentum,
        make=None,
    ),
    Optimiser(
        name="adafactor",
        help="a mean for each row and column of a matrix (Shazeer and Stern 2018, section 3)",
        bytes_of=_factored,
        make=_torch("Adafactor", foreach=False),
        by_shape=True,
    ),
    Optimiser(
        name="muon",
        help="momentum for matrices and filters, AdamW's two moments for vectors (Jordan 2024)",
        bytes_of=lambda parameter: (_momentum if parameter.ndim > 1 else _two_moments)(parameter),
        make=MuonAndAdamW if HAS_MUON else None,
        by_shape=True,
    ),
    Optimiser(
        name="8bit",
        help="AdamW with moments of one byte, a scale for each 256 (Dettmers et al. 2022)",
        bytes_of=_blockwise,
        make=None,
    ),
)
OPTIMISERS = {optimiser.name: optimiser for optimiser in _ALL}
"""By what the user types."""


def optimiser(name: str) -> Optimiser:
    """Return the optimiser of a name; raises `UsageError` with the nearest."""
    if name not in OPTIMISERS:
        near = did_you_mean(name, tuple(OPTIMISERS))
        raise UsageError(f"optimizer: {name!r} is not one of {', '.join(OPTIMISERS)}.{near}")
    return OPTIMISERS[name]


def state_tensors(made: torch.optim.Optimizer | MuonAndAdamW) -> list[Tensor]:
    """Return the tensors that an optimiser of torch's holds."""
    return [value for state in made.state.values() for value in _tensors(state.values())]


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    return [value for value in values if isinstance(value, Tensor)]
