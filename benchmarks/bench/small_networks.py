"""Small networks of many kinds, each with inputs, that speed is measured on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

Network = tuple[Callable[[], nn.Module], tuple[Tensor, ...]]


class Residual(nn.Module):
    """A convolution and its norm, added to what went in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm(self.conv(x)).relu()


class UNet(nn.Module):
    """One step down, one up, and what was there before beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.down = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, 1)
        self.up, self.last = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        return self.last(torch.cat((x, self.up(self.down(x).relu())), 1))


class Tagger(nn.Module):
    """Words through a recurrent network."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.lstm = nn.Embedding(50, 16), nn.LSTM(16, 16, batch_first=True)
        self.tags = nn.Linear(16, 5)

    def forward(self, ids: Tensor) -> Tensor:
        return self.tags(self.lstm(self.words(ids))[0])


class GraphLayer(nn.Module):
    """Sums over neighbours, by a dense adjacency."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        return (adjacency @ self.fc(x)).relu()


class Coder(nn.Module):
    """A variational autoencoder without its noise."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.spread, self.back = nn.Linear(16, 4), nn.Linear(16, 4), nn.Linear(4, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.back(self.mean(x) + (self.spread(x) / 2).exp()).sigmoid()


def _encoder(layers: int) -> nn.Module:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


def _perceptron(*widths: int) -> nn.Module:
    return nn.Sequential(
        *(each for i, o in pairwise(widths) for each in (nn.Linear(i, o), nn.ReLU()))
    )


def _signals() -> nn.Module:
    return nn.Sequential(*(nn.Conv1d(8, 8, 3, padding=2**i, dilation=2**i) for i in range(6)))


IMAGE = torch.zeros(1, 3, 32, 32)
NETWORKS: dict[str, Network] = {
    "one linear layer": (lambda: nn.Linear(8, 4), (torch.zeros(2, 8),)),
    "a perceptron": (lambda: _perceptron(8, 16, 16, 4), (torch.zeros(2, 8),)),
    "a deep perceptron": (lambda: _perceptron(*[16] * 20), (torch.zeros(2, 16),)),
    "one convolution": (lambda: nn.Conv2d(3, 8, 3), (IMAGE,)),
    "residual blocks": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), *(Residual(8) for _ in range(8))), (IMAGE,)),
    "a U-Net": (UNet, (IMAGE,)),
    "dilated convolutions": (_signals, (torch.zeros(1, 8, 256),)),
    "volumes": (lambda: nn.Sequential(nn.Conv3d(1, 4, 3), nn.InstanceNorm3d(4), nn.ReLU(),
                                      nn.AdaptiveAvgPool3d(1)), (torch.zeros(1, 1, 8, 8, 8),)),
    "a tagger": (Tagger, (torch.zeros(2, 12, dtype=torch.long),)),
    "a GRU": (lambda: nn.GRU(8, 8, 2, bidirectional=True), (torch.zeros(10, 2, 8),)),
    "one encoder layer": (lambda: _encoder(1), (torch.zeros(1, 10, 32),)),
    "four encoder layers": (lambda: _encoder(4), (torch.zeros(1, 10, 32),)),
    "a decoder layer": (lambda: nn.TransformerDecoderLayer(32, 4, 64, batch_first=True),
                        (torch.zeros(1, 6, 32), torch.zeros(1, 9, 32))),
    "a graph layer": (GraphLayer, (torch.zeros(20, 8), torch.zeros(20, 20))),
    "an autoencoder": (Coder, (torch.zeros(4, 16),)),
    "a super-resolution network": (
        lambda: nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2)), (IMAGE,)),
    "a bilinear form": (lambda: nn.Bilinear(6, 5, 4), (torch.zeros(3, 6), torch.zeros(3, 5))),
}  # fmt: skip
"""What it is, in words, to what makes it and what it is called with."""
