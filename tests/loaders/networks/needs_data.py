"""A forward that decides by the values of its weights, so that shapes alone do not do."""

import torch
from torch import Tensor, nn


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("gates", torch.tensor([1.0, 0.0, 1.0]))
        self.layers = nn.ModuleList(nn.Linear(5, 5) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for gate, layer in zip(self.gates.tolist(), self.layers, strict=True):
            if gate and layer.weight.isfinite().all():
                x = layer(x)
        return x
