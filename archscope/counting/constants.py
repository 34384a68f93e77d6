"""Numbers that scripted modules hold as constants of their code, where nobody sees parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archscope.counting.uninitialised import memory_of


@dataclass(frozen=True, slots=True)
class Constants:
    """What tensors the code of scripted modules holds."""

    tensors: int = 0
    """How many; one that several lines of code name counts once."""
    numbers: int = 0
    """How many numbers in all."""
    alone: bool = False
    """Whether these modules have no parameters beside, as `torch.jit.freeze` leaves them."""


def constants_of(model: nn.Module) -> Constants:
    """Return the floating-point tensors, single numbers left out, in the code of scripted modules.

    >>> constants_of(torch.jit.freeze(torch.jit.script(nn.Linear(4, 2).eval())))
    Constants(tensors=2, numbers=10, alone=True)
    """
    scripted = [each for each in model.modules() if isinstance(each, torch.jit.ScriptModule)]
    held = {memory_of(tensor): tensor.numel() for each in scripted for tensor in _in_code(each)}
    parameters = any(True for each in scripted for _ in each.parameters())
    return Constants(tensors=len(held), numbers=sum(held.values()), alone=not parameters)


def _in_code(module: torch.jit.ScriptModule) -> Iterator[Tensor]:
    with suppress(RuntimeError, AttributeError):  # without a forward there is no code of one
        code: Any = module.graph
        for node in code.findAllNodes("prim::Constant", recurse=True):
            value = node.output().toIValue()
            if isinstance(value, Tensor) and value.dim() and value.is_floating_point():
                yield value
