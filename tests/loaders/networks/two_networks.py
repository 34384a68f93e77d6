"""Two classes: a file that must be told which is meant; and things that are no network."""

from torch import Tensor, nn

WIDTH = 4


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class UNet(nn.Module):
    def __init__(self, channels: int = 4, depth: int = 2) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.stem(x))


def build(depth=3):
    return UNet(depth=depth)


def numbers():
    return [1, 2]


def fails(message="no weights here"):
    raise ValueError(message)


ready = UNet(depth=1)
