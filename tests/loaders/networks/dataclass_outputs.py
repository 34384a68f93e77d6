"""A forward that returns a dataclass, and a factory with literal arguments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn


@dataclass
class Result:
    scores: Tensor
    features: list[Tensor]
    name: str = "result"


class Head(nn.Module):
    def __init__(self, sizes: list[int], bias: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=bias) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Result:
        features = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return Result(scores=x.softmax(-1), features=features)


def make(sizes: list[int], *, bias: bool = True) -> Head:
    return Head(sizes, bias)
