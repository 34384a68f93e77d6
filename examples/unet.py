"""A U-Net of one's own: what it costs, and what one pixel of its answer sees.

The command line takes it too: `archscope rf examples/unet.py:UNet --input-shape 1,3,64,64`.
"""

import torch
from torch import Tensor, nn

import archscope


class UNet(nn.Module):
    """Two resolutions, joined by a skip; takes (B, 3, H, W), returns (B, classes, H, W)."""

    def __init__(self, width: int = 16, classes: int = 4) -> None:
        super().__init__()
        self.down = pair(3, width)
        self.pool = nn.MaxPool2d(2)
        self.bottom = pair(width, 2 * width)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.join = pair(2 * width, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Take an image (B, 3, H, W) of even height and width."""
        fine = self.down(image)  # (B, width, H, W)
        coarse = self.bottom(self.pool(fine))  # (B, 2 width, H / 2, W / 2)
        return self.head(self.join(torch.cat((self.up(coarse), fine), dim=1)))


def pair(inputs: int, outputs: int) -> nn.Sequential:
    """Return two convolutions of 3 x 3, each with its activation."""
    first, second = (
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.Conv2d(outputs, outputs, 3, padding=1),
    )
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


if __name__ == "__main__":
    print(archscope.params(UNet(), torch.zeros(1, 3, 64, 64)).to("table"))
