"""A network, and a function beside it that makes its inputs."""

import torch
from torch import Tensor, nn


class Pair(nn.Module):
    """Takes a dictionary of two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 2), nn.Linear(3, 2)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.left(batch["left"]) + self.right(batch["right"])


def archscope_inputs() -> dict[str, Tensor]:
    return {"left": torch.zeros(5, 4), "right": torch.zeros(5, 3)}
