"""Feature pyramids: maps of one width on all levels, made of a backbone's maps (Lin et al. 2017).

B batch, I channels of a backbone's map, D channels of the pyramid, X x Y positions of a level.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class FeaturePyramid(nn.Module):
    """Each level and all coarser ones, added from the top down (Lin et al. 2017, figure 3).

    Named as in torchvision.
    """

    archscope_component = "pyramid"

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(number, channels, 1)) for number in inputs
        )
        self.layer_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1)) for _ in inputs
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Take maps (B, I, X, Y), the finest first; return as many (B, D, X, Y)."""
        found: list[Tensor] = []
        above: Tensor | None = None
        for number in reversed(range(len(maps))):
            x: Tensor = self.inner_blocks[number](maps[number])  # (B, D, X, Y)
            above = x if above is None else x + F.interpolate(above, size=x.shape[-2:])
            found.insert(0, self.layer_blocks[number](above))
        return found


class ExtraLevels(nn.Module):
    """Two coarser levels by convolutions that stride (Lin et al. 2017, Focal Loss, footnote 2)."""

    archscope_component = "pyramid"

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(inputs, channels, 3, stride=2, padding=1)
        self.p7 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Take (B, I, X, Y), return (B, D, X/2, Y/2) and (B, D, X/4, Y/4)."""
        p6: Tensor = self.p6(x)
        return [p6, self.p7(F.relu(p6))]
