"""Muon for matrices and filters, and AdamW for all else, as one optimiser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from archscope.training.fake import unwrapped

HAS_MUON = hasattr(torch.optim, "Muon")
"""Whether this torch has it."""


class MuonAndAdamW:
    """torch's Muon, which takes matrices alone, beside its AdamW for vectors and single numbers.

    A filter is a matrix of a row for each channel that it makes (Jordan 2024).
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._matrices = [(each, _as_matrix(each)) for each in parameters if each.dim() > 1]
        others = [each for each in parameters if each.dim() < 2]
        self._optimisers: list[torch.optim.Optimizer] = []
        if self._matrices:
            muon: Any = unwrapped(torch.optim.Muon)
            self._optimisers.append(muon([matrix for _, matrix in self._matrices]))
        if others:
            adamw: Any = unwrapped(torch.optim.AdamW)
            self._optimisers.append(adamw(others, foreach=False))

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The settings of both."""
        return [group for each in self._optimisers for group in each.param_groups]

    @property
    def state(self) -> Mapping[Any, Any]:
        """What both keep, by parameter."""
        return dict(chain.from_iterable(each.state.items() for each in self._optimisers))

    def step(self) -> None:
        """Update all parameters by their gradients."""
        filters = [pair for pair in self._matrices if pair[0] is not pair[1]]
        for parameter, matrix in filters:
            matrix.grad = None if parameter.grad is None else parameter.grad.flatten(1)
        for each in self._optimisers:
            each.step()
        for _, matrix in filters:
            matrix.grad = None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients."""
        for each in self._optimisers:
            each.zero_grad(set_to_none)
        for parameter, _ in self._matrices:
            parameter.grad = None


def _as_matrix(parameter: Tensor) -> Tensor:
    """Return a matrix in a parameter's memory: itself, or one of a row for each of its first."""
    return parameter if parameter.dim() == 2 else nn.Parameter(parameter.detach().flatten(1))
