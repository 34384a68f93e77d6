"""Names networks: each makes one in training mode, and the arguments of one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Made = tuple[nn.Module, tuple[Any, ...]]
USERS: dict[str, Callable[[], Made]] = {}
"""By what is peculiar to it."""


class Runs(nn.Module):
    """Runs a function of itself and its inputs."""

    def __init__(self, run: Callable[..., Any], **held: Any) -> None:
        super().__init__()
        self.run = run
        for name, each in held.items():
            setattr(self, name, each)

    def forward(self, *inputs: Any) -> Any:
        return self.run(self, *inputs)


def rows() -> Tensor:
    return torch.linspace(-1, 1, 32 * 16).reshape(32, 16)


def image() -> Tensor:
    return torch.linspace(-1, 1, 2 * 3 * 16 * 16).reshape(2, 3, 16, 16)


def words() -> Tensor:
    return torch.arange(24).reshape(4, 6)


def fc(inputs: int = 16, outputs: int = 16) -> nn.Module:
    return nn.Linear(inputs, outputs)


def mlp() -> nn.Module:
    return nn.Sequential(fc(), nn.GELU(), fc(), nn.Tanh())


def user(name: str, *inputs: Callable[[], Any], **parts: Callable[[], Any]) -> Callable[..., None]:
    """Name what a forward does with a network's parts and its inputs, rows where none are said."""

    def keep(run: Callable[..., Any]) -> None:
        def make() -> Made:
            held = {key: part() for key, part in parts.items()}
            return Runs(run, **held), tuple(each() for each in inputs or (rows,))

        USERS[name] = make

    return keep


def of(name: str, make: Callable[[], nn.Module], *inputs: Callable[[], Any]) -> None:
    USERS[name] = lambda: (make(), tuple(each() for each in inputs or (rows,)))
