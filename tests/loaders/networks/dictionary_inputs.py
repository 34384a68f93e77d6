"""A forward that takes one dictionary, with a list in it."""

import torch
from torch import Tensor, nn


class TwoViews(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.left = nn.Conv2d(3, width, 3, padding=1)
        self.right = nn.Conv2d(1, width, 1)
        self.words = nn.Embedding(10, width)

    def forward(self, batch: dict) -> dict:
        image: Tensor = batch["image"]  # (B, 3, H, W)
        depth, ids = batch["others"]  # (B, 1, H, W), (B, S)
        joined = self.left(image) + self.right(depth)
        return {"map": joined, "words": torch.relu(self.words(ids))}
