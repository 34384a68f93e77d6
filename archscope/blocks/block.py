"""The block of a Transformer: mix positions, mix features, each with a residual and a norm.

B batch, S positions, T positions of a memory, D width of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import Attention

Part = Callable[[Tensor], Tensor]


class Block(nn.Module):
    """Self-attention or another mixer, attention to a memory where there is one, feed-forward."""

    def __init__(
        self,
        norm: Callable[[], nn.Module],
        mixer: nn.Module,
        *,
        cross: Attention | None,
        mlp: nn.Module,
        norm_place: str,
        parallel: bool,
        shared_norm: bool,
    ) -> None:
        super().__init__()
        self.norm_place = norm_place
        sandwich = norm_place == "sandwich"
        self.parallel = parallel
        self.ln_1 = norm()
        self.mixes = "attn" if isinstance(mixer, Attention) else "mixer"
        self.add_module(self.mixes, mixer)
        self.ln_1_out = norm() if sandwich else None
        self.ln_cross = norm() if cross else None
        self.cross = cross
        self.ln_cross_out = norm() if cross and sandwich else None
        self.ln_2 = None if shared_norm else norm()
        self.mlp = mlp
        self.ln_2_out = norm() if sandwich else None

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Take (B, S, D) and, to attend to another sequence, (B, T, D); return (B, S, D)."""
        mix = self.get_submodule(self.mixes)
        if self.parallel:
            first: Tensor = self.ln_1(x)  # (B, S, D)
            second = first if self.ln_2 is None else self.ln_2(x)  # (B, S, D)
            both: Tensor = x + mix(first) + self.mlp(second)  # (B, S, D)
            return both
        x = self._add(x, mix, self.ln_1, self.ln_1_out)
        if self.cross is not None:
            x = self._add(x, partial(self.cross, memory=memory), self.ln_cross, self.ln_cross_out)
        return self._add(x, self.mlp, self.ln_2, self.ln_2_out)  # (B, S, D)

    def _add(self, x: Tensor, part: Part, norm: Part | None, norm_out: Part | None) -> Tensor:
        assert norm is not None
        if self.norm_place == "post":
            return norm(x + part(x))
        answer = part(norm(x))
        return x + (answer if norm_out is None else norm_out(answer))


class DilatedMixer(nn.Module):
    """A dilated convolution in attention's place: over positions, from all features to all.

    Where it is depthwise each feature sees itself alone, and the feed-forward mixes them.
    """

    archscope_component = "mixer"

    def __init__(
        self,
        width: int,
        taps: int,
        *,
        dilation: int,
        causal: bool,
        bias: bool,
        depthwise: bool = False,
    ) -> None:
        super().__init__()
        reach = (taps - 1) * dilation
        past = reach if causal else reach // 2
        self.pads = (past, reach - past)
        groups = width if depthwise else 1
        self.conv = nn.Conv1d(width, width, taps, dilation=dilation, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        x = F.pad(x.transpose(1, 2), self.pads)  # (B, D, S + reach)
        out: Tensor = self.conv(x)  # (B, D, S)
        return out.transpose(1, 2)
