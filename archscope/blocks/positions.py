"""How a token knows its place, without parameters.

B batch, H heads, S positions, D width of the model, d width of a head.
"""

import torch
from torch import Tensor

BASE = 10_000.0
"""Longest wavelength / 2 pi, in positions (Vaswani et al. 2017, 3.5; Su et al. 2021, 3.2.2)."""


def sinusoids(like: Tensor) -> Tensor:
    """Return sine and cosine of each position of `like`, to be added to it."""
    angles = _angles(like)  # (S, D/2)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2).to(like.dtype)  # (S, D)


def rotate(x: Tensor, features: int | None = None) -> Tensor:
    """Turn each pair of a head's first `features` by an angle that grows with the position."""
    if features is not None and features < x.shape[-1]:
        return torch.cat((rotate(x[..., :features]), x[..., features:]), dim=-1)
    angles = _angles(x)  # (S, d/2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)  # 2 x (B, H, S, d/2)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def _angles(x: Tensor) -> Tensor:
    dtype = torch.promote_types(x.dtype, torch.float32)
    place = torch.arange(x.shape[-2], device=x.device, dtype=dtype)  # (S,)
    pair = torch.arange(0, x.shape[-1], 2, device=x.device, dtype=dtype)  # (D/2,)
    return place[:, None] * BASE ** (-pair / x.shape[-1])  # (S, D/2)
