"""Features as heads, and heads as features again.

B batch, S positions, H heads, d width of a head.
"""

from torch import Tensor


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Return (..., S, H d) as (..., H, S, d)."""
    return x.view(*x.shape[:-1], heads, -1).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    """Return (..., H, S, d) as (..., S, H d)."""
    return x.transpose(-2, -3).flatten(-2)
