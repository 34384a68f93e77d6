"""Counts a module of one's own, and checks one layer by hand."""

import torch
from torch import Tensor, nn

import archscope


class Classifier(nn.Module):
    """A small network with a residual connection."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.body = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images).relu()
        x = x + self.body(x).relu()
        return self.head(x.mean((2, 3)))


report = archscope.params(Classifier(), torch.zeros(1, 3, 32, 32), strict=True)

rows = {row.path: row for row in report.section("modules").rows}
assert rows["stem"].own_macs == 32 * 32 * 16 * 3 * 3 * 3
assert report.totals.trainable == 448 + 2320 + 170
assert report.totals.complete, "both engines agree, and every operator is known"

print(report.to("table"))
