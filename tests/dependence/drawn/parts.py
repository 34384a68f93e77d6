"""What drawn layers are made of."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Op(nn.Module):
    """One step: a function of itself and its input, with the tensors and modules that it needs.

    Tensors among `parts` become registered buffers.
    """

    def __init__(self, name: str, run: Callable[[Any, Tensor], Tensor], **parts: Any) -> None:
        super().__init__()
        self.name, self.run = name, run
        for key, part in parts.items():
            if isinstance(part, Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(key, part)
            else:
                setattr(self, key, part)

    def extra_repr(self) -> str:
        return self.name

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


class Branches(nn.Module):
    """Two bodies on one input, cut to one size, then added or put side by side."""

    def __init__(self, one: nn.Module, two: nn.Module, features: int, *, add: bool) -> None:
        super().__init__()
        self.one, self.two, self.features, self.add = one, two, features, add

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.one(x), self.two(x)
        own = self.features % a.dim()
        for axis in range(1, a.dim()):
            size = min(a.shape[axis], b.shape[axis])
            if axis != own or self.add:
                a, b = a.narrow(axis, 0, size), b.narrow(axis, 0, size)
        return a + b if self.add else torch.cat([a, b], own)


class Loop(nn.Module):
    """A recurrence written in Python, over (N, T, C)."""

    def __init__(self, width: int, *, back: bool) -> None:
        super().__init__()
        self.cell, self.back = nn.GRUCell(width, width), back

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(x.shape[0], x.shape[2])
        steps = range(x.shape[1])
        found: dict[int, Tensor] = {}
        for step in reversed(steps) if self.back else steps:
            state = self.cell(x[:, step], state)
            found[step] = state
        return torch.stack([found[step] for step in steps], 1)


class Scan(nn.Module):
    """A gated running state over (N, T, C), as selective state spaces have."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        gates = torch.sigmoid(self.gate(x))
        state = torch.zeros_like(x[:, 0])
        out = []
        for step in range(x.shape[1]):
            state = gates[:, step] * state + x[:, step]
            out.append(state)
        return torch.stack(out, 1)


class Attention(nn.Module):
    """Attention over (N, T, C), its mask added, filled in, handed over or none."""

    def __init__(self, width: int, heads: int, mask: Tensor | None, way: str) -> None:
        super().__init__()
        self.heads, self.way = heads, way
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        if way == "added" and mask is not None:
            mask = torch.zeros(mask.shape, dtype=torch.float64).masked_fill(~mask, -torch.inf)
        if way == "filled" and mask is not None:
            mask = mask.double()
        self.register_buffer("mask", mask)

    def extra_repr(self) -> str:
        kept = None if self.mask is None else self.mask.int().tolist()
        return f"heads={self.heads}, mask {self.way}: {kept}"

    def forward(self, x: Tensor) -> Tensor:
        n, t, c = x.shape
        split = self.qkv(x).view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = split.unbind(0)
        if self.way == "handed":
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask)
        elif self.way == "causal":
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / sqrt(c)
            if self.mask is not None and self.way == "added":
                scores = scores + self.mask
            elif self.mask is not None:
                scores = scores.masked_fill(self.mask == 0, -torch.inf)
            out = scores.softmax(-1) @ v
        return self.out(out.transpose(1, 2).reshape(n, t, c))


class Windows(nn.Module):
    """A body over windows of (N, H, W, C), shifted before and back after."""

    def __init__(self, body: nn.Module, size: int, shift: int) -> None:
        super().__init__()
        self.body, self.size, self.shift = body, size, shift

    def forward(self, x: Tensor) -> Tensor:
        n, h, w, c = x.shape
        m = self.size
        x = x.roll((-self.shift, -self.shift), (1, 2))
        x = x.view(n, h // m, m, w // m, m, c).transpose(2, 3).reshape(-1, m * m, c)
        x = self.body(x).view(n, h // m, w // m, m, m, c).transpose(2, 3).reshape(n, h, w, c)
        return x.roll((self.shift, self.shift), (1, 2))
