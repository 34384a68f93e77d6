"""Counts a decoder of plain torch with the shape of Llama 3.1 405B, built without data.

python benchmarks/llama_shape.py archscope    # or: torch, for its FlopCounterMode alone

Prints the multiply-accumulates, then the seconds from the first import on and the most MiB held.
Widths: Grattafiori et al. 2024, "The Llama 3 Herd of Models", table 3.
"""

from __future__ import annotations

import resource
import sys
import time

START = time.perf_counter()

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

LAYERS, WIDTH, HIDDEN, HEADS, KEYS, WORDS, TOKENS = 126, 16384, 53248, 128, 8, 128256, 2048


def linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


class Attention(nn.Module):
    """Queries in groups that share keys and values, positions by rotation."""

    def __init__(self) -> None:
        super().__init__()
        self.size = WIDTH // HEADS
        self.q, self.o = linear(WIDTH, WIDTH), linear(WIDTH, WIDTH)
        self.k, self.v = linear(WIDTH, KEYS * self.size), linear(WIDTH, KEYS * self.size)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        b, s, _ = x.shape
        q, k, v = (w(x).view(b, s, -1, self.size).transpose(1, 2) for w in (self.q, self.k, self.v))
        q, k = (y * cos + self.turned(y) * sin for y in (q, k))
        k, v = (y.repeat_interleave(HEADS // KEYS, 1) for y in (k, v))
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(out.transpose(1, 2).reshape(b, s, -1))

    def turned(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return torch.cat((-b, a), -1)


class Block(nn.Module):
    """Attention, then a gated feed-forward network, each behind a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.attention = Attention()
        self.gate, self.up = linear(WIDTH, HIDDEN), linear(WIDTH, HIDDEN)
        self.down = linear(HIDDEN, WIDTH)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x), cos, sin)
        y = self.norm2(x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


class Decoder(nn.Module):
    """Embeddings, blocks, a last norm and the head."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm, self.head = nn.RMSNorm(WIDTH), linear(WIDTH, WORDS)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids)
        angles = x.new_zeros(ids.shape[1], WIDTH // HEADS)
        cos, sin = angles.cos(), angles.sin()
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.head(self.norm(x))


def count(how: str) -> int:
    """Return the multiply-accumulates, as archscope or as torch's own counter has them."""
    with torch.device("meta"):
        model, ids = Decoder().eval(), torch.zeros(1, TOKENS, dtype=torch.long)
    if how == "archscope":
        import archscope

        return int(archscope.params(model, ids).totals.macs)
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(ids)
    return int(counter.get_total_flops()) // 2


if __name__ == "__main__":
    print(count(sys.argv[1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{time.perf_counter() - START:.3f} {peak}")
