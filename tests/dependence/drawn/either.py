"""Layers for features first and last: what is picked, written, repeated, reduced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drawn.maker import LARGEST, Maker
from drawn.parts import Op

SMOOTH = (torch.tanh, F.gelu, F.silu, F.softplus, torch.sigmoid)
"""Activations that pass a gradient everywhere."""


def along(m: Maker, x: Tensor) -> tuple[int, int]:
    """Return one axis of positions and its size."""
    axes = range(1, x.dim() - 1) if m.last else range(2, x.dim())
    axis = m.draw.choice(list(axes))
    return axis, x.shape[axis]


def roll(m: Maker, x: Tensor) -> nn.Module:
    by = m.each(-3, 3)
    axes = tuple(range(1, x.dim() - 1) if m.last else range(2, x.dim()))
    return Op(f"roll {by}", lambda s, x: x.roll(by, axes))


def turned(m: Maker, x: Tensor) -> nn.Module:
    axis = 1 if m.last else 2
    return Op("flip", lambda s, x: x.flip(axis))


def part(m: Maker, x: Tensor) -> nn.Module | None:
    axis, size = (1, m.places[0]) if m.last else (x.dim() - 1, m.places[-1])
    if size < 5:
        return None
    step, start = m.draw.choice((1, 1, 2)), m.draw.randint(0, 2)
    cut = (*(slice(None),) * axis, slice(start, size - 1, step))
    return Op(f"slice {start}::{step} along {axis}", lambda s, x: x[cut])


def blanked(m: Maker, x: Tensor) -> nn.Module:
    """Some positions are left out, whatever they hold; they hold a bias after that.

    A zero would stay one behind a product with whatever else, and then depend on nothing.
    """
    shape = (1, *m.places, 1) if m.last else (1, 1, *m.places)
    mask = m.kept(*shape)
    mask[(0, *(0,) * (x.dim() - 1))] = 1
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "x * mask": lambda s, x: x * s.mask + s.bias,
        "masked_fill": lambda s, x: x.masked_fill(s.mask == 0, 0.5),
        "where": lambda s, x: torch.where(s.mask.bool(), x, torch.zeros_like(x)) + s.bias,
    }
    way = m.draw.choice(list(ways))
    bias = nn.Parameter(torch.ones(1))
    return Op(f"{way} {mask.flatten().int().tolist()}", ways[way], mask=mask, bias=bias)


def chosen(m: Maker, x: Tensor) -> nn.Module:
    """One of two per position, by a registered mask."""
    shape = (1, *m.places, 1) if m.last else (1, 1, *m.places)
    axis = 1 if m.last else 2
    mask = m.kept(*shape, share=0.5).bool()
    return Op(
        f"where {mask.flatten().int().tolist()} else rolled",
        lambda s, x: torch.where(s.mask, x, x.roll(2, axis)),
        mask=mask,
    )


def table(m: Maker, x: Tensor) -> nn.Module:
    """Positions are read by a registered table of indices."""
    axis, size = (1, m.places[0]) if m.last else (2, m.places[0])
    index = torch.tensor([0, *(m.draw.randrange(size) for _ in range(size)), size - 1])
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "index_select": lambda s, x: x.index_select(axis, s.index),
        "[index]": lambda s, x: x[(*(slice(None),) * axis, s.index)],
        "gather": lambda s, x: x.gather(
            axis,
            s.index.view([-1 if at == axis else 1 for at in range(x.dim())]).expand(
                [len(s.index) if at == axis else n for at, n in enumerate(x.shape)]
            ),
        ),
    }
    way = m.draw.choice(list(ways))
    return Op(f"{way} {index.tolist()} along {axis}", ways[way], index=index)


def scattered(m: Maker, x: Tensor) -> nn.Module:
    """Positions are added up by a registered table of where they go."""
    axis, size = (1, m.places[0]) if m.last else (2, m.places[0])
    index = torch.tensor([m.draw.randrange(size) for _ in range(size)])
    return Op(
        f"index_add {index.tolist()} along {axis}",
        lambda s, x: torch.zeros_like(x).index_add(axis, s.index, x) + s.bias,
        index=index,
        bias=nn.Parameter(torch.ones(1)),
    )


def put(m: Maker, x: Tensor) -> nn.Module:
    """Some positions are written over by others, named by a registered index, mask or slice."""
    axis, size = along(m, x)
    where = torch.tensor(m.draw.sample(range(size), max(size // 2, 1)))
    to = torch.tensor([m.draw.randrange(size) for _ in where])
    before = (slice(None),) * axis

    def indexed(s: Any, x: Tensor) -> Tensor:
        out = x.clone()
        out[(*before, s.goal)] = x.index_select(axis, s.where) * 2
        return out

    def masked(s: Any, x: Tensor) -> Tensor:
        out = x.clone()
        out[(*before, s.mask)] = torch.tanh(x.flip(axis)[(*before, s.mask)])
        return out

    def sliced(s: Any, x: Tensor) -> Tensor:
        out = x.clone()
        out[(*before, slice(0, None, 2))] += x.flip(axis)[(*before, slice(0, None, 2))]
        return out

    def copied(s: Any, x: Tensor) -> Tensor:
        return x.index_copy(axis, s.where, x.index_select(axis, s.goal) + 1)

    def scattered(s: Any, x: Tensor) -> Tensor:
        shape = [len(s.goal) if at == axis else n for at, n in enumerate(x.shape)]
        index = s.goal.view([-1 if at == axis else 1 for at in range(x.dim())]).expand(shape)
        return x.scatter_add(axis, index, x.index_select(axis, s.where))

    mask = torch.zeros(size, dtype=torch.bool)
    mask[where] = True
    run = m.draw.choice((indexed, masked, sliced, copied, scattered))
    if run is indexed:  # which of two writes to one place is last is not said
        to = torch.tensor(m.draw.sample(range(size), len(where)))
    return Op(
        f"{run.__name__} along {axis}: {where.tolist()} to {to.tolist()}", run,
        where=where, goal=to, mask=mask,
    )  # fmt: skip


def repeated(m: Maker, x: Tensor) -> nn.Module | None:
    axis, size = along(m, x)
    if size > LARGEST // 2:
        return None
    times = [2 if at == axis else 1 for at in range(x.dim())]
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "repeat": lambda s, x: x.repeat(times),
        "repeat_interleave": lambda s, x: x.repeat_interleave(2, axis),
        "stack": lambda s, x: torch.stack([x, x.flip(axis)], axis + 1).flatten(axis, axis + 1),
        "expand": lambda s, x: (
            x.unsqueeze(axis + 1)
            .expand(*x.shape[: axis + 1], 2, *x.shape[axis + 1 :])
            .flatten(axis, axis + 1)
        ),
    }
    way = m.draw.choice(list(ways))
    return Op(f"{way} along {axis}", ways[way])


def split(m: Maker, x: Tensor) -> nn.Module | None:
    """Parts are put together in another order, or one gates the other."""
    axis, size = along(m, x)
    if size < 4:
        return None
    at = m.draw.randint(1, size - 2)
    half = size // 2
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "split": lambda s, x: torch.cat(x.split([at, size - at], axis)[::-1], axis),
        "unbind": lambda s, x: torch.stack(x.unbind(axis)[::-1], axis),
        "halves": lambda s, x: (
            x.narrow(axis, 0, half) * torch.sigmoid(x.narrow(axis, size - half, half))
        ),
        "differences": lambda s, x: s.scale * x.diff(dim=axis) + x.narrow(axis, 1, size - 1),
        "every other": lambda s, x: torch.cat(
            [x[(*(slice(None),) * axis, slice(a, None, 2))] for a in (0, 1)], axis
        ),
    }
    way = m.draw.choice(list(ways))
    return Op(f"{way} {at} along {axis}", ways[way], scale=nn.Parameter(torch.ones(1)))


def outer(m: Maker, x: Tensor) -> nn.Module | None:
    """Positions by positions, then back."""
    axis, size = along(m, x)
    if size < 2:
        return None
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "mean of products": lambda s, x: (x.unsqueeze(axis) * x.unsqueeze(axis + 1)).mean(axis),
        "diagonal": lambda s, x: (
            (x.unsqueeze(axis) + x.unsqueeze(axis + 1))
            .diagonal(1, axis, axis + 1)
            .movedim(-1, axis)
        ),
        "triangle": lambda s, x: (
            (x.unsqueeze(axis) * x.unsqueeze(axis + 1))
            * s.mask.view([size if at in (axis, axis + 1) else 1 for at in range(x.dim() + 1)])
        ).sum(axis),
    }
    way = m.draw.choice(list(ways))
    return Op(f"{way} along {axis}", ways[way], mask=m.seen(size).double())


def running(m: Maker, x: Tensor) -> nn.Module:
    axis = 1 if m.last else x.dim() - 1
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "cumsum": lambda s, x: x.cumsum(axis),
        "running mean": lambda s, x: (
            x.cumsum(axis)
            / torch.arange(1, x.shape[axis] + 1).view(
                [-1 if a == axis else 1 for a in range(x.dim())]
            )
        ),
        "logcumsumexp": lambda s, x: x.logcumsumexp(axis),
        "cumprod": lambda s, x: torch.sigmoid(x).cumprod(axis),
        "cumsum from the end": lambda s, x: x.flip(axis).cumsum(axis).flip(axis),
    }
    way = m.draw.choice(list(ways))
    return Op(f"{way} along {axis}", ways[way])


def over_line(m: Maker, x: Tensor) -> nn.Module | None:
    """Something over one axis that keeps its size."""
    axis, size = along(m, x)
    if size < 3:
        return None
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "normalize": lambda s, x: F.normalize(x, dim=axis),
        "amax": lambda s, x: x - torch.tanh(x.amax(axis, keepdim=True)),
        "cummax": lambda s, x: x.cummax(axis).values,
        "median": lambda s, x: x + x.median(axis, keepdim=True).values,
        "sort": lambda s, x: x.sort(axis).values,
        "topk": lambda s, x: x.topk(2, axis).values,
        "prod": lambda s, x: x + torch.sigmoid(x).prod(axis, keepdim=True),
        "var": lambda s, x: x / (1 + x.var(axis, keepdim=True)),
        "renorm": lambda s, x: x * torch.rsqrt(x.pow(2).mean(axis, keepdim=True) + 1e-6),
    }
    way = m.draw.choice(list(ways))
    return Op(f"{way} along {axis}", ways[way])


def over_all(m: Maker, x: Tensor) -> nn.Module | None:
    """Something over all positions beside each."""
    axes = tuple(range(1, x.dim() - 1) if m.last else range(2, x.dim()))
    one = axes[m.draw.randrange(len(axes))]
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "x + mean": lambda s, x: x + x.mean(axes, keepdim=True),
        "x * sigmoid(mean)": lambda s, x: x * torch.sigmoid(x.mean(axes, keepdim=True)),
        "x + mean of one axis": lambda s, x: x + x.mean(one, keepdim=True),
        "softmax over positions": lambda s, x: x.softmax(one) * 3,
        "x / norm": lambda s, x: x / (x.norm(dim=axes, keepdim=True) + 1),
        "x - logsumexp": lambda s, x: x - x.logsumexp(axes, keepdim=True),
        "standardised": lambda s, x: x / (x.std(axes, keepdim=True) + 1),
    }
    way = m.draw.choice(list(ways))
    return Op(f"{way} {axes} {one}", ways[way]) if min(m.places) > 1 else None


def flattened(m: Maker, x: Tensor) -> nn.Module | None:
    """A linear layer over all, as a bottleneck has."""
    if x[0].numel() > 200:
        return None
    body = nn.Linear(x[0].numel(), x[0].numel())
    return Op("flatten, linear, back", lambda s, x: s.body(x.flatten(1)).view(x.shape), body=body)


def activation(m: Maker, x: Tensor) -> nn.Module:
    chosen = m.draw.choice(SMOOTH)
    return Op(chosen.__name__, lambda s, x: chosen(x))
