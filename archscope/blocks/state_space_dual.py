"""State spaces as masked attention: a recurrence in which all features of a head fade alike.

Dao & Gu 2024, Transformers are SSMs, listing 1 and figure 6 (Mamba-2). B batch, S positions, D
width of the model, E inner width, H heads of P features each (H P = E) in G groups of R, N numbers
of a feature's state, Q positions in a chunk, n chunks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.blocks.state_space import fill_with_steps, scan
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm


class DualStateSpaceMixer(nn.Module):
    """Mamba-2's block without its first norm: all that the scan takes is made at once."""

    archscope_component = "mixer"

    def __init__(
        self,
        width: int,
        *,
        state: int = 128,
        taps: int = 4,
        expand: int = 2,
        head_dim: int = 64,
        chunk: int = 256,
        groups: int = 1,
        bias: bool = False,
        conv_bias: bool = True,
    ) -> None:
        """Heads of one of the `groups` write and read alike."""
        super().__init__()
        inner = expand * width
        self.heads, self.groups = inner // head_dim, groups
        self.past = taps - 1
        self.mixed = (inner, groups * state, groups * state)
        self.parts = (inner, sum(self.mixed), self.heads)
        channels = sum(self.mixed)
        self.in_proj = nn.Linear(width, sum(self.parts), bias=bias)
        self.conv = nn.Conv1d(channels, channels, taps, groups=channels, bias=conv_bias)
        self.scan = DualScan(self.heads, chunk)
        self.norm = nn.RMSNorm(inner)
        self.out_proj = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        gate, mixed, step = self.in_proj(x).split(self.parts, -1)
        mixed = F.pad(mixed.transpose(1, 2), (self.past, 0))  # (B, E + 2 G N, S + past)
        mixed = F.silu(self.conv(mixed)).transpose(1, 2)  # (B, S, E + 2 G N)
        x, write, read = mixed.split(self.mixed, -1)  # (B, S, E), 2 x (B, S, G N)
        write, read = (part.unflatten(-1, (self.groups, -1)) for part in (write, read))
        y = self.scan(x.unflatten(-1, (self.heads, -1)), step, write, read)  # (B, S, H, P)
        out: Tensor = self.out_proj(self.norm(y.flatten(2) * F.silu(gate)))  # (B, S, D)
        return out


class DualScan(nn.Module):
    """h_t = exp(step_t A) h_(t-1) + step_t write_t x_t; y_t = read_t h_t + D x_t, A of each head.

    Within a chunk positions meet each other as in attention, S Q (G N + H P) multiply-accumulates,
    later ones masked but multiplied; what a chunk leaves behind costs S H N P to make and as many
    to read. From chunk to chunk it is a scan, elementwise and so without any.
    """

    archscope_layer = "state space"

    def __init__(self, heads: int, chunk: int) -> None:
        super().__init__()
        self.chunk = chunk
        self.dt_bias = nn.Parameter(torch.empty(heads))
        fill_with_steps(self.dt_bias)
        self.A_log = nn.Parameter(torch.empty(heads))
        nn.init.uniform_(self.A_log, 1, 16)
        with torch.no_grad():
            self.A_log.log_()
        self.D = nn.Parameter(torch.ones(heads))

    def forward(self, x: Tensor, step: Tensor, write: Tensor, read: Tensor) -> Tensor:
        """Take (B, S, H, P), (B, S, H) and twice (B, S, G, N); return (B, S, H, P)."""
        length, groups = x.shape[1], write.shape[2]
        step = F.softplus(step + self.dt_bias)  # (B, S, H)
        chunk = min(self.chunk, length)
        fading, taken, write, read = (
            F.pad(part.flatten(2), (0, 0, 0, -length % chunk))
            .unflatten(1, (-1, chunk))
            .unflatten(-1, (groups, -1))
            .transpose(2, 3)
            for part in (step * -self.A_log.exp(), x * step[..., None], write, read)
        )  # (B, n, G, Q, R), (B, n, G, Q, R P), 2 x (B, n, G, Q, N)
        taken = taken.unflatten(-1, (-1, x.shape[3])).transpose(3, 4)  # (B, n, G, R, Q, P)
        y = by_chunks(fading.transpose(3, 4), taken, write[:, :, :, None], read[:, :, :, None])
        y = y.flatten(2, 3).transpose(2, 3).flatten(1, 2)  # (B, S, H, P)
        return y[:, :length] + self.D[:, None] * x

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Positions of a chunk meet each other; states are made, and read."""
        (batch, length, heads, width), (groups, state) = inputs[0], inputs[2][-2:]
        return mixing_counts.dual_scan(
            batch=batch,
            length=length,
            heads=heads,
            width=width,
            state=state,
            chunk=self.chunk,
            groups=groups,
        )


def by_chunks(fading: Tensor, x: Tensor, write: Tensor, read: Tensor) -> Tensor:
    """Take (B, n, ..., Q), (B, n, ..., Q, P) and twice (B, n, ..., Q, N); return
    (B, n, ..., Q, P). What stands in the place of the dots is heads, alike or one for all."""
    so_far = fading.cumsum(-1)  # (B, n, ..., Q), logarithms of what is kept since the chunk began
    chunk = so_far.shape[-1]
    later = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).triu(1)
    between = so_far[..., :, None] - so_far[..., None, :]  # (B, n, H, Q, Q)
    kept = between.masked_fill(later, -torch.inf).exp()
    within = (read @ write.transpose(-1, -2) * kept) @ x  # (B, n, H, Q, P)
    left = (so_far[..., -1:] - so_far).exp()[..., None]  # (B, n, H, Q, 1), kept to its end
    states = write.transpose(-1, -2) @ (x * left)  # (B, n, H, N, P)
    states = scan(so_far[..., -1:, None].exp(), states)
    before = torch.cat((torch.zeros_like(states[:, :1]), states[:, :-1]), 1)
    return within + read @ before * so_far.exp()[..., None]
