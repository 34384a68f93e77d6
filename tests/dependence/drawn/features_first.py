"""Layers over (N, C, *positions)."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drawn.maker import LARGEST, Maker
from drawn.parts import Attention, Op

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}


def conv(m: Maker, x: Tensor) -> nn.Module | None:
    kernel, rate, n = m.each(1, 3), m.each(1, 3), len(m.places)
    padding = tuple(m.draw.randint(0, d * (k - 1)) for d, k in zip(rate, kernel, strict=True))
    reach = [d * (k - 1) - 2 * p for d, k, p in zip(rate, kernel, padding, strict=True)]
    if any(size <= need for size, need in zip(m.places, reach, strict=True)):
        return None
    return CONV[n](m.width, m.draw.randint(2, 4), kernel, padding=padding, dilation=rate)


def strided(m: Maker, x: Tensor) -> nn.Module | None:
    if min(m.places) < 4:
        return None
    kernel, stride = m.each(1, 4), m.each(1, 3)
    padding = tuple(k // 2 for k in kernel)
    return CONV[len(m.places)](m.width, 3, kernel, stride=stride, padding=padding)


def depthwise(m: Maker, x: Tensor) -> nn.Module:
    kernel = m.each(1, 3)
    same = tuple(k // 2 for k in kernel)
    return CONV[len(m.places)](m.width, m.width, kernel, padding=same, groups=m.width)


def transposed(m: Maker, x: Tensor) -> nn.Module | None:
    if max(m.places) > LARGEST // 2:
        return None
    stride, rate = m.each(1, 3), m.each(1, 2)
    return TRANSPOSED[len(m.places)](m.width, 3, m.each(1, 4), stride=stride, dilation=rate)


def causal_conv(m: Maker, x: Tensor) -> nn.Module:
    rate = m.draw.randint(1, 3)
    sides = (2 * rate, 0, *(1, 1) * (len(m.places) - 1))
    kernel, rates = (*(3,) * (len(m.places) - 1), 3), (*(1,) * (len(m.places) - 1), rate)
    body = CONV[len(m.places)](m.width, m.width, kernel, dilation=rates)
    return Op(f"pad {sides}", lambda s, x: s.body(F.pad(x, sides)), body=body)


def masked_conv(m: Maker, x: Tensor) -> nn.Module:
    body = CONV[len(m.places)](m.width, 3, 3, padding=1)
    run = {1: F.conv1d, 2: F.conv2d}[len(m.places)]
    mask = m.kept(*(1,) * 2, *(3,) * len(m.places))
    mask[(..., *(2,) * len(m.places))] = 1
    return Op(
        f"mask {mask.int().tolist()}",
        lambda s, x: run(x, s.body.weight * s.mask, s.body.bias, padding=1),
        body=body, mask=mask,
    )  # fmt: skip


def odd_conv(m: Maker, x: Tensor) -> nn.Module | None:
    n = len(m.places)
    if min(m.places) < 4:
        return None
    mode = m.draw.choice(("circular", "reflect", "replicate"))
    groups = 2 if m.width % 2 == 0 else 1
    kinds: list[nn.Module] = [
        CONV[n](m.width, 4, 3, padding=2, padding_mode=mode, dilation=m.draw.randint(1, 2)),
        CONV[n](m.width, 4, m.each(1, 4), padding="same", dilation=m.each(1, 2)),
        CONV[n](m.width, 4, 3, padding=1, groups=groups),
    ]
    return m.draw.choice(kinds)


def odd_transposed(m: Maker, x: Tensor) -> nn.Module | None:
    if max(m.places) > LARGEST // 2:
        return None
    groups = 2 if m.width % 2 == 0 else 1
    return TRANSPOSED[len(m.places)](
        m.width, 4, 3, stride=2, padding=1, output_padding=m.draw.randint(0, 1), groups=groups
    )


def pool(m: Maker, x: Tensor) -> nn.Module | None:
    if min(m.places) < 3:
        return None
    n = len(m.places)
    kinds: list[nn.Module] = [
        {1: nn.AvgPool1d, 2: nn.AvgPool2d}[n](2, 2, ceil_mode=m.draw.random() < 0.5),
        {1: nn.AvgPool1d, 2: nn.AvgPool2d}[n](3, 1, padding=1),
        {1: nn.MaxPool1d, 2: nn.MaxPool2d}[n](2, 2, ceil_mode=m.draw.random() < 0.5),
        {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}[n](m.draw.randint(1, 4)),
    ]
    return m.draw.choice(kinds)


def odd_pool(m: Maker, x: Tensor) -> nn.Module | None:
    n = len(m.places)
    if min(m.places) < 5:
        return None
    kinds: list[nn.Module] = [
        {1: nn.AvgPool1d, 2: nn.AvgPool2d}[n](3, 2, 1, count_include_pad=False),
        {1: nn.MaxPool1d, 2: nn.MaxPool2d}[n](2, 1, dilation=2),
        {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d}[n](3),
        {1: nn.LPPool1d, 2: nn.LPPool2d}[n](2, 2),
    ]
    pooled: Any = {1: F.max_pool1d, 2: F.max_pool2d}[n]
    unpooled: Any = {1: F.max_unpool1d, 2: F.max_unpool2d}[n]

    def unpool(s: Any, x: Tensor) -> Tensor:
        y, index = pooled(x, 2, return_indices=True)
        return unpooled(y, index, 2, output_size=x.shape) + s.bias

    kinds.append(Op("unpool", unpool, bias=nn.Parameter(torch.ones(1))))
    return m.draw.choice(kinds)


def up(m: Maker, x: Tensor) -> nn.Module | None:
    if max(m.places) > LARGEST // 2:
        return None
    smooth = {1: "linear", 2: m.draw.choice(("bilinear", "bicubic"))}[len(m.places)]
    size = tuple(n + m.draw.randint(0, 6) for n in m.places)
    if m.draw.random() < 0.4:
        return nn.Upsample(size=size, mode="nearest")
    return nn.Upsample(size=size, mode=smooth, align_corners=m.draw.random() < 0.5)


def shuffle(m: Maker, x: Tensor) -> nn.Module | None:
    if max(m.places) > LARGEST // 2:
        return None
    return nn.Sequential(nn.Conv2d(m.width, 8, 1), nn.PixelShuffle(2))


def sampled(m: Maker, x: Tensor) -> nn.Module | None:
    """An image is read at registered places."""
    if len(m.places) < 2:
        return None
    grid = torch.rand((1, 4, 5, 2), generator=m.generator, dtype=torch.float64) * 1.6 - 0.8
    return Op("grid_sample", lambda s, x: F.grid_sample(x, s.grid, align_corners=False), grid=grid)


def padded(m: Maker, x: Tensor) -> nn.Module | None:
    modes = ("constant", "replicate", "circular", "reflect") if min(m.places) > 3 else ("constant",)
    mode, sides = m.draw.choice(modes), tuple(m.draw.randint(0, 2) for _ in (*m.places, *m.places))
    value = 0.5 if mode == "constant" else None  # no zeros, see `blanked`
    return Op(f"pad {sides} {mode}", lambda s, x: F.pad(x, sides, mode=mode, value=value))


def norm(m: Maker, x: Tensor) -> nn.Module | None:
    if prod(m.places) < 4:
        return None
    n = len(m.places)
    groups = m.draw.choice([g for g in (1, 2, m.width) if m.width % g == 0])
    kinds: list[nn.Module] = [
        nn.GroupNorm(groups, m.width),
        {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d}[n](m.width, affine=True),
        {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}[n](m.width),
        nn.LayerNorm(tuple(x.shape[1:])),
    ]
    return m.draw.choice(kinds)


def squeeze(m: Maker, x: Tensor) -> nn.Module:
    axes = tuple(range(2, x.dim()))
    shape = (1, -1, *(1,) * len(axes))
    body = nn.Sequential(nn.Linear(m.width, 2), nn.SiLU(), nn.Linear(2, m.width), nn.Sigmoid())
    return Op("squeeze", lambda s, x: x * s.body(x.mean(axes)).view(shape), body=body)


def along_line(m: Maker, x: Tensor) -> nn.Module:
    """A matrix over the last axis of positions: learned, masked, triangular, or a constant."""
    size = m.places[-1]
    weight = nn.Parameter(torch.ones(size, size))
    mask = m.seen(size)
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "linear": lambda s, x: x @ s.weight,
        "masked": lambda s, x: F.linear(x, s.weight * s.mask),
        "masked_fill": lambda s, x: x @ s.weight.masked_fill(s.mask == 0, 0.0),
        "tril": lambda s, x: F.linear(x, s.weight.tril()),
        "triu": lambda s, x: x @ torch.triu(s.weight, 1) + x,
        "constant": lambda s, x: x @ s.mask,
        "einsum": lambda s, x: torch.einsum("...t,ts->...s", x, s.mask * s.weight),
    }
    way = m.draw.choice(list(ways))
    if way in ("linear", "tril", "triu"):
        return Op(f"matrix {way}", ways[way], weight=weight)
    return Op(f"matrix {way} {mask.int().tolist()}", ways[way], weight=weight, mask=mask.double())


def fourier(m: Maker, x: Tensor) -> nn.Module:
    size = m.places[-1]
    return Op(
        "fft", lambda s, x: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(s.h), size),
        h=nn.Parameter(torch.ones(size)),
    )  # fmt: skip


def shifted(m: Maker, x: Tensor) -> nn.Module:
    """Some features from the position before, some from the one after."""

    def run(s: Any, x: Tensor) -> Tensor:
        out = torch.ones_like(x)  # no zeros, see `blanked`
        out[:, :1, ..., 1:] = x[:, :1, ..., :-1]
        out[:, 1:2, ..., :-1] = x[:, 1:2, ..., 1:]
        out[:, 2:] = x[:, 2:]
        return out

    return Op("temporal shift", run)


def gated(m: Maker, x: Tensor) -> nn.Module:
    body = CONV[len(m.places)](m.width, 2 * m.width, 1)

    def run(s: Any, x: Tensor) -> Tensor:
        a, b = s.body(x).chunk(2, 1)
        return torch.tanh(a) * torch.sigmoid(b)

    return Op("gated", run, body=body)


def written(m: Maker, x: Tensor) -> nn.Module:
    def run(s: Any, x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[:, :, 1:] = x[:, :, :-1]
        out[:, :, :1] += x[:, :, -1:]
        out[:, :1].mul_(2)
        return out

    return Op("written in place", run)


def unfolded(m: Maker, x: Tensor) -> nn.Module | None:
    if min(m.places) < 4:
        return None
    axis = x.dim() - 1
    return Op(
        "unfold, mean", lambda s, x: x.unfold(axis, 3, s.step).mean(-1), step=m.draw.choice((1, 2))
    )


def folded(m: Maker, x: Tensor) -> nn.Module | None:
    """Patches of an image are features."""
    if len(m.places) < 2 or min(m.places) < 3:
        return None
    return Op(
        "im2col",
        lambda s, x: F.unfold(x, 2).view(1, -1, x.shape[2] - 1, x.shape[3] - 1)[:, ::3],
    )


def refolded(m: Maker, x: Tensor) -> nn.Module | None:
    if len(m.places) < 2 or min(m.places) < 3:
        return None
    places, step = m.places, m.draw.choice((1, 2))
    return Op(
        f"unfold and fold, step {step}",
        lambda s, x: (
            F.fold(
                torch.tanh(F.unfold(x, 2, padding=1, stride=step)),
                places,
                2,
                padding=1,
                stride=step,
            )
            + s.bias
        ),
        bias=nn.Parameter(torch.ones(1)),
    )


def blocks(m: Maker, x: Tensor) -> nn.Module | None:
    """Pairs along the last axis: their mean, or each with the other."""
    if m.places[-1] % 2 or m.places[-1] < 4:
        return None
    return Op(
        "pairs",
        lambda s, x: (lambda p: (p + p.mean(-1, keepdim=True)).flatten(-2))(
            x.unflatten(-1, (-1, 2))
        ),
    )


def strange_shape(m: Maker, x: Tensor) -> nn.Module:
    return Op(
        "flatten and reshape", lambda s, x: x.flatten(2).reshape(1, x.shape[1], *x.shape[:1:-1])
    )


def regrouped(m: Maker, x: Tensor) -> nn.Module | None:
    """Positions become features and features positions."""
    if len(m.places) == 2 and not m.places[0] % 2 and not m.places[1] % 2 and m.width < 5:
        return nn.PixelUnshuffle(2)
    if m.width % 2:
        return None
    if m.draw.random() < 0.5:
        return nn.ChannelShuffle(2) if len(m.places) == 2 else None
    return Op(
        "features to positions", lambda s, x: x.unflatten(1, (-1, 2)).movedim(2, -1).flatten(-2)
    )


def axial(m: Maker, x: Tensor) -> nn.Module | None:
    """Attention or a recurrence along one axis of an image, the other being rows of a batch."""
    if len(m.places) < 2 or m.width % 2:
        return None
    along_rows = m.draw.random() < 0.5
    size = m.places[1 if along_rows else 0]
    body: nn.Module = Attention(m.width, 1, m.seen(size), "handed")
    if m.draw.random() < 0.5:
        gru = nn.GRU(m.width, m.width, batch_first=True)
        body = Op("gru", lambda s, x: s.gru(x)[0], gru=gru)
    order = (0, 2, 3, 1) if along_rows else (0, 3, 2, 1)
    back = (0, 3, 1, 2) if along_rows else (0, 3, 2, 1)

    def run(s: Any, x: Tensor) -> Tensor:
        y = x.permute(order)
        return s.body(y.flatten(0, 1)).view(y.shape).permute(back)

    return Op(f"along {'rows' if along_rows else 'columns'}", run, body=body)


def to_last(m: Maker, x: Tensor) -> nn.Module:
    m.last = True
    if x.dim() == 4 and m.draw.random() < 0.5:
        return Op("tokens of an image", lambda s, x: x.flatten(2).transpose(1, 2))
    order = (0, *range(2, x.dim()), 1)
    return Op(f"permute {order}", lambda s, x: x.permute(order))
