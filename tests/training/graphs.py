"""Networks drawn at random: products of every kind in a chain, each weight trained or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

WIDTH = 6
SHAPE = (2, 4, WIDTH)
"""Of the input: batch, length, width; every step keeps it."""
Step = Callable[["Graph", nn.Module, Tensor], Tensor]
STEPS: dict[str, Step] = {}
"""By what a step does."""


class Layers(nn.Module):
    """The weights of one step, all trained or none."""

    def __init__(self, trains: bool) -> None:
        super().__init__()
        self.a, self.b = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        self.conv = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.depthwise = nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH, bias=False)
        self.transposed = nn.ConvTranspose1d(WIDTH, WIDTH, 1)
        self.vector = nn.Parameter(torch.ones(WIDTH))
        self.requires_grad_(trains)


class Graph(nn.Module):
    """Steps one after the other, each with its own weights, or with those of the first."""

    def __init__(self, steps: Sequence[tuple[str, bool]]) -> None:
        super().__init__()
        self.kinds = [kind for kind, _ in steps]
        self.layers = nn.ModuleList(Layers(trains) for _, trains in steps)
        self.last = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        self.others: list[Tensor] = []
        for kind, layers in zip(self.kinds, self.layers, strict=True):
            x = STEPS[kind](self, layers, x)
        others, self.others = self.others, []
        return self.last(x), others


def step(made: Any) -> Any:
    STEPS[made.__name__.strip("_")] = made
    return made


@step
def linear(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return own.a(x).tanh()


@step
def outer(graph: Graph, own: Any, x: Tensor) -> Tensor:
    y = own.a(x)
    return y @ x.transpose(-1, -2) @ y


@step
def residual(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return x + own.a(x).relu()


@step
def detached(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return x + own.a(x).detach()


@step
def convolution(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return own.conv(x.transpose(1, 2)).transpose(1, 2)


@step
def depthwise(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return own.depthwise(x.transpose(1, 2)).transpose(1, 2).sigmoid()


@step
def transposed(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return own.transposed(x.transpose(1, 2)).transpose(1, 2)


@step
def attention(graph: Graph, own: Any, x: Tensor) -> Tensor:
    q, k = (each.unflatten(-1, (2, -1)).transpose(1, 2) for each in (own.a(x), own.b(x)))
    v = x.unflatten(-1, (2, -1)).transpose(1, 2)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


@step
def added(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return torch.baddbmm(x, x @ x.transpose(1, 2), own.a(x), alpha=0.5)


@step
def summed(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return torch.einsum("blw,wv,bmv->blv", x, own.a.weight, own.b(x))


@step
def vector(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return own.a(x) * (x.reshape(-1, WIDTH) @ own.vector).reshape(2, 4, 1)


@step
def views(graph: Graph, own: Any, x: Tensor) -> Tensor:
    first, second = own.a(x).chunk(2, -1)
    return torch.cat([second.flip(1), first[:, [0, 2, 1, 3]]], -1)


@step
def in_place(graph: Graph, own: Any, x: Tensor) -> Tensor:
    y = own.a(x)
    y[:, :2].mul_(2)
    return y.add_(x).relu_()


@step
def another_output(graph: Graph, own: Any, x: Tensor) -> Tensor:
    y = own.a(x)
    graph.others.append(own.b(y))
    return y


@step
def of_no_use(graph: Graph, own: Any, x: Tensor) -> Tensor:
    own.a(x)
    return x.exp()


@step
def without_gradients(graph: Graph, own: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        y = own.a(x)
    return x * y


@step
def run_again(graph: Graph, own: Any, x: Tensor) -> Tensor:
    found: Tensor = checkpoint(
        lambda y: own.b(own.a(y).tanh()).tanh(), x, use_reentrant=False, preserve_rng_state=False
    )
    return found


@step
def shared(graph: Graph, own: Any, x: Tensor) -> Tensor:
    first: Any = graph.layers[0]
    return first.a(own.a(x)) + first.a(x)


@step
def weights_of_weights(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return x @ (own.a.weight @ own.b.weight)


@step
def normed(graph: Graph, own: Any, x: Tensor) -> Tensor:
    return F.layer_norm(x, (WIDTH,)).softmax(-1)


def really(model: nn.Module) -> int:
    """Return the FLOPs of a step by torch's own counter.

    It lacks products with vectors, and gives the gradient of a filter no groups.
    """
    known = {torch.ops.aten.mv: _vector_product, torch.ops.aten.convolution_backward: _filters}
    counter = FlopCounterMode(display=False, custom_mapping=known)
    with counter:
        x, others = model(torch.zeros(SHAPE, device="meta"))
        roots = [each for each in (x, *others) if each.requires_grad]
        torch.autograd.backward(roots, [torch.ones_like(root) for root in roots])
    return counter.get_total_flops()


def _vector_product(matrix: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * prod(matrix)


def _filters(grad: Any, x: Any, weight: Sequence[int], *rest: Any, **__: Any) -> int:
    transposed, mask = rest[4], rest[7]
    return 2 * prod(x if transposed else grad) * prod(weight[1:]) * sum(mask[:2])
