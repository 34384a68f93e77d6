"""Small networks of each kind that keeps or multiplies something in a way of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Block(nn.Module):
    """A pre-norm block: attention by torch's own function or step by step, GELU or SwiGLU."""

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        dropout: float = 0.0,
        fused: bool = True,
        gated: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.dropout, self.fused = heads, dropout, fused
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.gate = nn.Linear(width, hidden, bias=False) if gated else None
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.n1(x)
        q, k, v = (
            each(y).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in (self.q, self.k, self.v)
        )
        if self.fused:
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            w = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
            a = F.dropout(w, self.dropout, True) @ v
        x = x + F.dropout(self.o(a.transpose(1, 2).flatten(2)), self.dropout, True)
        y = self.n2(x)
        y = F.gelu(self.up(y)) if self.gate is None else F.silu(self.gate(y)) * self.up(y)
        return x + F.dropout(self.down(y), self.dropout, True)


class _Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        found: Tensor = 2 * x * grad
        return found


class Runs(nn.Module):
    """Runs a function of itself and its input."""

    def __init__(self, run: Callable[..., Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.run = run
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def _tied() -> nn.Module:
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second)


def _hooked() -> nn.Module:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    model[1].register_forward_hook(lambda module, args, output: output * 2)
    return model


def _partly_frozen() -> nn.Module:
    model = nn.Sequential(nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.Linear(8, 8))
    model[2].requires_grad_(False)
    return model


def _without_gradients(self: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        features = self.body(x)
    out: Tensor = self.head(features)
    return out


ROWS = (4, 8)
IMAGE = (2, 3, 16, 16)
KINDS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "a block": (lambda: Block(8, 2, 16), (2, 4, 8)),
    "a block step by step": (lambda: Block(8, 2, 16, fused=False), (2, 4, 8)),
    "a gated block": (lambda: Block(8, 2, 16, gated=True), (2, 4, 8)),
    "an encoder layer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True),
        (2, 4, 8),
    ),
    "a recurrence": (lambda: Runs(lambda self, x: self.rnn(x)[0], rnn=nn.GRU(8, 6)), (3, 2, 8)),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, groups=8),
            nn.GroupNorm(2, 8),
            nn.ConvTranspose2d(8, 4, 2, stride=2),
        ),
        IMAGE,
    ),
    "tied weights": (_tied, ROWS),
    "a hook": (_hooked, ROWS),
    "partly frozen": (_partly_frozen, ROWS),
    "a function of autograd's": (
        lambda: Runs(lambda self, x: _Squared.apply(self.a(x)), a=nn.Linear(8, 8)),
        ROWS,
    ),
    "run again": (
        lambda: Runs(
            lambda self, x: self.b(checkpoint(self.a, x, use_reentrant=False)),
            a=nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8), nn.Tanh()),
            b=nn.Linear(8, 2),
        ),
        ROWS,
    ),
    "without gradients": (
        lambda: Runs(_without_gradients, body=nn.Linear(8, 8), head=nn.Linear(8, 2)),
        ROWS,
    ),
    "detached": (
        lambda: Runs(
            lambda self, x: self.b(self.a(x).detach()), a=nn.Linear(8, 8), b=nn.Linear(8, 2)
        ),
        ROWS,
    ),
    "used twice": (lambda: Runs(lambda self, x: self.a(self.a(x).relu()), a=nn.Linear(8, 8)), ROWS),
    "of no use": (
        lambda: Runs(
            lambda self, x: (self.b(x), self.a(x))[1], a=nn.Linear(8, 8), b=nn.Linear(8, 8)
        ),
        ROWS,
    ),
    "written in place": (
        lambda: Runs(lambda self, x: self.a(x).add_(1).sigmoid_().mul(2), a=nn.Linear(8, 8)),
        ROWS,
    ),
    "products of activations": (
        lambda: Runs(
            lambda self, x: self.a(x) @ self.b(x).T @ x, a=nn.Linear(8, 8), b=nn.Linear(8, 8)
        ),
        ROWS,
    ),
}
"""Each with the shape of its input."""
