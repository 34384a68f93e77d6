"""A network that others wrote, and what it is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Call = tuple[nn.Module, tuple[Any, ...], Mapping[str, Any]]
"""A network, and the positional and named arguments of one call."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A network by name; it is made where it is judged, in a process of its own."""

    name: str
    make: Callable[[], Call]


def of(name: str, build: Callable[[], nn.Module], *args: Any, **kwargs: Any) -> Stranger:
    """Return the network that `build` makes, with one call's arguments."""
    return Stranger(name, lambda: (build(), args, kwargs))


def noise(*shape: int) -> Tensor:
    """Return random numbers."""
    return torch.randn(shape)


def integers(*values: int) -> Tensor:
    """Return a row of integers: steps, lengths, classes."""
    return torch.tensor(values)


def words(length: int = 16) -> Tensor:
    """Return one sentence (1, length) of words that every vocabulary has."""
    return torch.arange(5, 5 + length)[None]


def reason(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
