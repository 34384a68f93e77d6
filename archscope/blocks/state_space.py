"""Selective state spaces: a linear recurrence whose step, input and output each token chooses.

Gu & Dao 2023, Mamba, algorithm 2 and figure 3; both ways as in Zhu et al. 2024, Vision Mamba,
algorithm 1. B batch, S positions, D width of the model, E inner width, N numbers of a feature's
state, R rank of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm

STEPS = (0.001, 0.1)
"""Between which the steps begin that the authors draw."""


class StateSpaceMixer(nn.Module):
    """Mamba's block without its norm: a short convolution and a scan, gated, between projections.

    Where it is not causal a second convolution and scan run from the end, and both are added.
    """

    archscope_component = "mixer"

    def __init__(
        self,
        width: int,
        *,
        state: int = 16,
        taps: int = 4,
        expand: int = 2,
        rank: int | None = None,
        causal: bool = True,
        bias: bool = False,
        conv_bias: bool = True,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        """`rank` is by default width / 16, rounded up; `norm` makes those of what is scanned."""
        super().__init__()
        inner, rank = expand * width, rank or mixing_counts.rank_of_steps(width)

        def scanned() -> ScannedConvolution:
            return ScannedConvolution(
                inner, state=state, taps=taps, rank=rank, bias=conv_bias, norm=norm
            )

        self.in_proj = nn.Linear(width, 2 * inner, bias=bias)
        self.ssm = scanned()
        self.ssm_back = None if causal else scanned()
        self.out_proj = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        x, gate = self.in_proj(x).chunk(2, -1)  # 2 x (B, S, E)
        y = self.ssm(x)  # (B, S, E)
        if self.ssm_back is not None:
            y = y + self.ssm_back(x.flip(1)).flip(1)
        out: Tensor = self.out_proj(y * F.silu(gate))  # (B, S, D)
        return out


class ScannedConvolution(nn.Module):
    """A depthwise convolution over the past, and a scan whose parameters are made of its result.

    They may have norms, each of its own: without weights in Falcon Mamba (Zuo et al. 2024), with
    some in Jamba (Lieber et al. 2024, section 3).
    """

    def __init__(
        self,
        inner: int,
        *,
        state: int,
        taps: int,
        rank: int,
        bias: bool,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.past = taps - 1
        self.parts = (rank, state, state)
        self.conv = nn.Conv1d(inner, inner, taps, groups=inner, bias=bias)
        self.x_proj = nn.Linear(inner, sum(self.parts), bias=False)
        self.norms = nn.ModuleList(norm(width) for width in self.parts) if norm else None
        self.dt_proj = nn.Linear(rank, inner)
        fill_with_steps(self.dt_proj.bias)
        self.scan = SelectiveScan(inner, state)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, E)."""
        x = F.pad(x.transpose(1, 2), (self.past, 0))  # (B, E, S + past)
        x = F.silu(self.conv(x)).transpose(1, 2)  # (B, S, E)
        made = self.x_proj(x).split(self.parts, -1)
        if self.norms is not None:
            made = [norm(part) for norm, part in zip(self.norms, made, strict=True)]
        rough, write, read = made  # (B, S, R), 2 x (B, S, N)
        step = F.softplus(self.dt_proj(rough))  # (B, S, E)
        out: Tensor = self.scan(x, step, write, read)  # (B, S, E)
        return out


class SelectiveScan(nn.Module):
    """h_t = exp(step_t A) h_(t-1) + step_t write_t x_t; y_t = read_t h_t + D x_t.

    Each of E features has a state of N numbers. All states are there at once, in place of the
    authors' kernel, and found in log2(S) rounds; the recurrence is elementwise in either, as the
    gates of an LSTM are, and has no multiply-accumulates: those of y_t are B S E N.
    """

    archscope_layer = "state space"

    def __init__(self, inner: int, state: int) -> None:
        super().__init__()
        decays = torch.arange(1, state + 1, dtype=torch.get_default_dtype())
        self.A_log = nn.Parameter(decays.log().repeat(inner, 1))  # (E, N)
        self.D = nn.Parameter(torch.ones(inner))

    def forward(self, x: Tensor, step: Tensor, write: Tensor, read: Tensor) -> Tensor:
        """Take (B, S, E), (B, S, E) and twice (B, S, N); return (B, S, E)."""
        kept = (step[..., None] * -self.A_log.exp()).exp()  # (B, S, E, N)
        added = (step * x)[..., None] * write[:, :, None]  # (B, S, E, N)
        states = scan(kept, added)  # (B, S, E, N)
        out: Tensor = (states @ read[..., None]).squeeze(-1) + self.D * x  # (B, S, E)
        return out

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Each position reads its state of every feature."""
        (batch, length, inner), state = inputs[0], inputs[2][-1]
        return mixing_counts.selective_scan(rows=batch * length, inner=inner, state=state)


def scan(kept: Tensor, added: Tensor) -> Tensor:
    """Return h_t = kept_t h_(t-1) + added_t along axis 1 of (B, S, ...), with h = 0 before t = 0.

    Two steps in a row are one step, so that half as many lead to every second state, and one more
    from there to the others: O(S) products in log2(S) rounds (Blelloch 1990, Prefix Sums and Their
    Applications). Nothing is divided, and with |kept| <= 1 nothing grows.
    """
    length = kept.shape[1]
    if length == 1:
        return added
    pairs = length // 2
    first, second = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
    later = scan(
        kept[:, first] * kept[:, second], kept[:, second] * added[:, first] + added[:, second]
    )  # (B, S // 2, ...), the states 1, 3, 5, ...
    start = torch.zeros_like(added[:, :1])
    odd_end = length % 2
    before = torch.cat((start, later if odd_end else later[:, :-1]), 1)
    earlier = kept[:, ::2] * before + added[:, ::2]  # the states 0, 2, 4, ...
    both = torch.stack((earlier[:, :pairs], later), 2).flatten(1, 2)
    return torch.cat((both, earlier[:, pairs:]), 1) if odd_end else both


def fill_with_steps(bias: Tensor) -> None:
    """Fill a bias so that softplus makes steps of it that are even in their logarithm."""
    least, most = map(log, STEPS)
    nn.init.uniform_(bias, least, most)
    with torch.no_grad():
        step = bias.exp()
        bias.copy_(step + (-(-step).expm1()).log())
