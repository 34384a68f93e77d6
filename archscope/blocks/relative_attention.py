"""Attention that scores content and distance apart (Dai et al. 2019, Transformer-XL, section 3.3).

B batch, S queries, T keys, P distances, D width of the model, H heads, d width of a head.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.blocks.positions import BASE
from archscope.blocks.relative_positions import place
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm


def sinusoids_of(distance: Tensor, like: Tensor) -> Tensor:
    """Return sines, then cosines of each distance (P,), as wide as `like` and of its type."""
    width = like.shape[-1]
    pair = torch.arange(0, width, 2, device=distance.device)  # (D/2,)
    angles = distance[:, None] * BASE ** (-pair / width)  # (P, D/2)
    return torch.cat((angles.sin(), angles.cos()), -1).to(like.dtype)  # (P, D)


class RelativeDotProduct(nn.Module):
    """softmax((q + u) k + (q + w) r) v, r being a vector per distance instead of per key.

    With `segments` a third score says whether query and key are of one segment, (q + s) times one
    of two vectors (Yang et al. 2019, XLNet, section 2.5).
    """

    archscope_component = "rel_pos_or_attn_bias"

    def __init__(self, heads: int, width: int, *, segments: bool = False) -> None:
        super().__init__()
        self.content = nn.Parameter(torch.zeros(heads, 1, width))  # u
        self.position = nn.Parameter(torch.zeros(heads, 1, width))  # w
        self.segment = nn.Parameter(torch.zeros(heads, 1, width)) if segments else None  # s
        self.kinds = nn.Parameter(torch.zeros(heads, 2, width)) if segments else None

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        r: Tensor,
        hidden: Tensor | None = None,
        apart: Tensor | None = None,
    ) -> Tensor:
        """Take (B, H, S, d), twice (B, H, T, d) and (H, P, d); return (B, H, S, d).

        Keys that `hidden` (S, T) marks are not seen. `apart` (B, 1, S, T) says which query and key
        are of two segments.
        """
        scores = (q + self.content) @ k.transpose(-1, -2)  # (B, H, S, T)
        far = (q + self.position) @ r.transpose(-1, -2)  # (B, H, S, P)
        spare = max(0, far.shape[3] - (q.shape[2] + k.shape[2] - 1))  # no key is so far before
        scores = scores + place(far[..., spare:], k.shape[2])  # (B, H, S, T)
        if apart is not None and self.segment is not None and self.kinds is not None:
            kinds = (q + self.segment) @ self.kinds.transpose(-1, -2)  # (B, H, S, 2)
            same, other = (kind.contiguous() for kind in kinds.split(1, -1))  # 2 x (B, H, S, 1)
            scores = scores + torch.where(apart, other, same)
        scores = scores * q.shape[-1] ** -0.5
        if hidden is not None:
            scores = scores.masked_fill(hidden, -torch.inf)
        out: Tensor = scores.softmax(-1) @ v  # (B, H, S, d)
        return out

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Each query meets every key twice and every distance once, masked or not."""
        (batch, heads, queries, width), (_, _, keys, _), _, (_, distances, _) = inputs[:4]
        return mixing_counts.relative_attention(
            batch=batch,
            heads=heads,
            queries=queries,
            keys=keys,
            distances=distances,
            width=width,
            segments=self.kinds is not None,
            asked=len(inputs) > 4,
        )
