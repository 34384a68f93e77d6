"""A forward that raises in its second half, in its own code."""

from torch import Tensor, nn


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("skip connection 'enc3' was never stored")


class Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 8, 3, padding=1)
        self.decoder = Decoder()

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))
