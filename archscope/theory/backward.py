"""The FLOPs of a backward pass, from the operands that need a gradient. No torch.

Of a product each operand that needs a gradient costs as much again as the product: a weight that
trains, an input behind which something trains. FLOPs are two for each multiply-accumulate.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

ALL = ("q", "k", "v", "o", "gate", "up", "down")
"""The layers of a block that may train or have an adapter."""


def product_backward(*, flops: int, operands: int) -> int:
    """Return the backward FLOPs of a product, given how many operands need a gradient.

    >>> product_backward(flops=10, operands=2)  # one more product for each
    20
    """
    return flops * operands


def step_flops(*, forward: float, again: float = 0, first: float = 0) -> float:
    """Return the FLOPs of a step in which everything trains: 3 F, plus recomputation.

    `first` are the forward FLOPs of layers on the input, which needs no gradient (of an embedding
    there are none); `again` those of the forward that run once more in the backward.
    """
    return 3 * forward - first + again


def block_backward(
    *,
    layers: int,
    width: int,
    hidden: int,
    batch: int,
    length: int,
    trained: Literal["all", "none", "lora"] = "all",
    rank: int = 0,
    targets: Collection[str] = (),
    gated: bool = False,
    input_needs: bool = False,
) -> int:
    """Return the backward FLOPs of pre-norm blocks with as many key heads as query heads.

    `trained`: every weight, none, or adapters of `rank` beside `targets` (of q, k, v, o, gate, up,
    down; Hu et al. 2021, LoRA). `input_needs`: whether a gradient goes on through the first block.
    Attention's products are counted in full.

    >>> block_backward(layers=3, width=256, hidden=1024, batch=2, length=256, trained="none",
    ...                input_needs=True)
    3221225472
    """
    block = _Block(width, hidden, batch * length, length, trained, rank, frozenset(targets), gated)
    total, needs = 0, input_needs
    for _ in range(layers):
        done, needs = block.backward(needs)
        total += done
    return total


class _Block:
    """One block; walks its layers forward, and adds what each operand that needs one costs."""

    def __init__(
        self,
        width: int,
        hidden: int,
        rows: int,
        length: int,
        trained: str,
        rank: int,
        targets: frozenset[str],
        gated: bool,
    ) -> None:
        self._width, self._hidden, self._rows, self._length = width, hidden, rows, length
        self._all, self._rank, self._gated = trained == "all", rank, gated
        self._targets = targets if trained == "lora" else frozenset[str]()
        self._done = 0

    def backward(self, needs: bool) -> tuple[int, bool]:
        """Return the FLOPs of one block, and whether its output needs a gradient."""
        self._done = 0
        normed = needs or self._all  # a norm's own scale trains
        q, k, v = (self._linear(name, normed) for name in ("q", "k", "v"))
        product = 2 * self._rows * self._length * self._width
        self._done += product * (q + k)
        self._done += product * ((q or k) + v)
        needs |= self._linear("o", q or k or v)
        normed = needs or self._all
        names = ("gate", "up") if self._gated else ("up",)
        inner = [self._linear(name, normed) for name in names]
        needs |= self._linear("down", any(inner))
        return self._done, needs

    def _linear(self, name: str, needs: bool) -> bool:
        """Add what a layer's backward costs; return whether its output needs a gradient."""
        inputs = self._hidden if name == "down" else self._width
        outputs = self._hidden if name in ("gate", "up") else self._width
        self._done += 2 * self._rows * inputs * outputs * (self._all + needs)
        if name not in self._targets:
            return needs or self._all
        down, up = (2 * self._rows * side * self._rank for side in (inputs, outputs))
        self._done += down * (1 + needs) + 2 * up
        return True
