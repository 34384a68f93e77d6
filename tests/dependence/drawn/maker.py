"""Draws layers one after the other, each for the shape that it is given."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import prod
from typing import TypeAlias

import torch
from torch import Tensor, nn

from drawn.parts import Branches

LARGEST = 24
"""Positions along an axis up to which a map is widened."""
MOST = 4096
"""Elements of a map."""

Draw: TypeAlias = "Callable[[Maker, Tensor], nn.Module | None]"
"""Makes a layer for an input; None where it does not fit."""
Table: TypeAlias = dict[int, list[Draw]]
"""What may follow, by the number of axes of positions."""


class Maker:
    """Draws layers for a shape: (1, C, *positions), or (1, *positions, C) where `last`."""

    def __init__(self, seed: int, tables: tuple[Table, Table]) -> None:
        self.draw = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.last = False
        self.tables = tables
        """What may follow where features are first, and where they are last."""

    def network(self, x: Tensor, layers: int, depth: int = 0) -> tuple[nn.Sequential, Tensor]:
        """Return so many layers for an input, and what they make of it."""
        made: list[nn.Module] = []
        while len(made) < layers:
            layer = self.layer(x, depth)
            if layer is None:
                continue
            with torch.no_grad():
                y = layer.double()(x)
            if 0 in y.shape or max(y.shape) > 2 * LARGEST or prod(y.shape) > MOST:
                continue
            made.append(layer)
            x = y
        return nn.Sequential(*made), x

    def layer(self, x: Tensor, depth: int) -> nn.Module | None:
        """Return a layer of some kind that fits; None where the kind that was drawn does not."""
        if depth < 2 and self.draw.random() < 0.15:
            return self.branches(x, depth)
        rank = x.dim() - 2
        table = self.tables[self.last][rank]
        before, self.places = self.last, x.shape[1:-1] if self.last else x.shape[2:]
        self.width = x.shape[-1] if self.last else x.shape[1]
        made: nn.Module | None = self.draw.choice(table)(self, x)
        if made is None:
            self.last = before
        return made

    def branches(self, x: Tensor, depth: int) -> nn.Module | None:
        before = self.last
        one, a = self.network(x, self.draw.randint(0, 2), depth + 1)
        after, self.last = self.last, before
        two, b = self.network(x, self.draw.randint(1, 2), depth + 1)
        if self.last != after or a.dim() != b.dim():
            self.last = before
            return None
        features = -1 if after else 1
        add = a.shape[features] == b.shape[features] and self.draw.random() < 0.5
        return Branches(one, two, features, add=add)

    def each(self, low: int, high: int) -> tuple[int, ...]:
        return tuple(self.draw.randint(low, high) for _ in self.places)

    def kept(self, *shape: int, share: float = 0.6) -> Tensor:
        """Return a mask of zeros and ones."""
        return (torch.rand(shape, generator=self.generator) < share).double()

    def seen(self, size: int) -> Tensor:
        """Return which of the columns each row sees; always its own."""
        rows, columns = torch.arange(size)[:, None], torch.arange(size)
        kind = self.draw.choice(("causal", "window", "causal window", "dilated", "random"))
        width = self.draw.randint(1, 3)
        mask = {
            "causal": columns <= rows,
            "window": (rows - columns).abs() <= width,
            "causal window": (columns <= rows) & (rows - columns <= width),
            "dilated": (rows - columns) % (width + 1) == 0,
            "random": self.kept(size, size, share=0.4).bool(),
        }[kind]
        return mask | torch.eye(size, dtype=torch.bool)


Draw = Callable[[Maker, Tensor], nn.Module | None]
