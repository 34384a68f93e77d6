"""Tokens cannot be changed a little, nor be NaN: what their embedding makes of them can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from archscope.dependence.answer.examine import Examination
from archscope.dependence.rules import sources

_VIEWS = frozenset(("view", "_unsafe_view", "reshape", "clone", "alias", "detach", "_to_copy"))


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens, and the one embedding that reads them; nothing else does."""

    ids: Tensor
    """(1, positions)"""
    path: str
    """Dotted path of the embedding."""
    width: int
    """Features that it gives to a token."""
    calls: frozenset[int]
    """Which of its calls read these tokens, by number from 1; others may read others."""

    @contextmanager
    def embedded_as(self, x: Tensor, model: nn.Module) -> Iterator[None]:
        """Let `model`'s embedding return `x` (N, positions, features) where it reads the tokens."""
        embedding = model.get_submodule(self.path)
        numbers = count(1)

        def instead(module: nn.Module, args: Any, output: Any) -> Any:
            if module is not embedding or next(numbers) not in self.calls:
                return None
            return x.reshape(output.shape)

        handle = register_module_forward_hook(instead)
        try:
            yield
        finally:
            handle.remove()

    def drawn(self, seed: int) -> Tensor:
        """Return random features in place of the embedding's (1, positions, features)."""
        generator = torch.Generator().manual_seed(seed)
        shape = (*self.ids.shape, self.width)
        return torch.randn(shape, generator=generator, dtype=torch.float64)


def tokens_of(model: nn.Module, exam: Examination, like: Tensor) -> Tokens | None:
    """Return tokens 0 with the embedding that alone reads them; None where there is not one."""
    carried, readers = {exam.seed}, set()
    for node in exam.graph.nodes:
        if not carried.intersection(sources(node)):
            continue
        if node.operator in _VIEWS:
            carried.update(value for value in node.outputs if value is not None)
        else:
            readers.add((node.operator, node.module))
    if len(readers) != 1 or like.dim() != 2:
        return None
    ((operator, path),) = readers
    module = dict(model.named_modules()).get(path)
    if operator != "embedding" or not isinstance(module, nn.Embedding):
        return None
    calls = (call for call in exam.graph.calls if call.path == path)
    numbers = frozenset(call.number for call in calls if carried.intersection(call.inputs))
    ids = torch.zeros(like.shape, dtype=like.dtype)
    return Tokens(ids, path, module.embedding_dim, numbers) if numbers else None
