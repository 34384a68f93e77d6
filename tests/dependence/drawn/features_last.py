"""Layers over (N, *positions, C)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drawn.maker import Maker
from drawn.parts import Attention, Loop, Op, Scan, Windows


def linear(m: Maker, x: Tensor) -> nn.Module:
    return nn.Linear(m.width, 4)


def features_norm(m: Maker, x: Tensor) -> nn.Module | None:
    return nn.LayerNorm(m.width) if m.width > 2 else None


def recurrent(m: Maker, x: Tensor) -> nn.Module:
    kind = m.draw.choice((nn.GRU, nn.LSTM, nn.RNN))
    body = kind(m.width, 2, bidirectional=m.draw.random() < 0.3, num_layers=m.draw.randint(1, 2))
    if m.draw.random() < 0.5:
        return Op(
            "time first", lambda s, x: s.body(x.transpose(0, 1))[0].transpose(0, 1), body=body
        )
    body.batch_first = True
    return Op("batch first", lambda s, x: s.body(x)[0], body=body)


def loop(m: Maker, x: Tensor) -> nn.Module:
    return Loop(m.width, back=m.draw.random() < 0.3) if m.draw.random() < 0.5 else Scan(m.width)


def decoder(m: Maker, x: Tensor) -> nn.Module | None:
    """A recurrence whose first state is the last of another."""
    one, two = (nn.GRU(m.width, 3, batch_first=True) for _ in range(2))
    return Op(
        "encoder and decoder", lambda s, x: s.two(x, s.one(x.flip(1))[1])[0], one=one, two=two
    )


def attention(m: Maker, x: Tensor) -> nn.Module | None:
    if m.width % 2:
        return None
    way = m.draw.choice(("added", "filled", "handed", "causal", "full"))
    mask = m.seen(m.places[0]) if way in ("added", "filled", "handed") else None
    return Attention(m.width, m.draw.choice((1, 2)), mask, way)


def torch_attention(m: Maker, x: Tensor) -> nn.Module | None:
    if m.width % 2:
        return None
    hidden = ~m.seen(m.places[0])
    if m.draw.random() < 0.5:
        body: nn.Module = nn.MultiheadAttention(m.width, 2, batch_first=True)
        need = m.draw.random() < 0.5
        return Op(
            f"attn_mask {hidden.int().tolist()}",
            lambda s, x: s.body(x, x, x, attn_mask=s.hidden, need_weights=need)[0],
            body=body, hidden=hidden,
        )  # fmt: skip
    body = nn.TransformerEncoderLayer(m.width, 2, 4, 0.0, "gelu", batch_first=True)
    return Op(
        f"src_mask {hidden.int().tolist()}",
        lambda s, x: s.body(x, s.hidden),
        body=body,
        hidden=hidden,
    )


def crossed(m: Maker, x: Tensor) -> nn.Module | None:
    """Tokens look at pooled tokens, or learned queries at tokens."""
    if m.width % 2 or m.places[0] < 4:
        return None
    body = nn.MultiheadAttention(m.width, 2, batch_first=True)
    queries = nn.Parameter(torch.ones(1, 5, m.width))
    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "pooled keys": lambda s, x: s.body(x, x[:, ::2], x[:, ::2])[0],
        "learned queries": lambda s, x: s.body(s.queries, x, x)[0],
        "hidden keys": lambda s, x: s.body(x, x, x, key_padding_mask=s.hidden)[0],
    }
    way = m.draw.choice(list(ways))
    hidden = torch.zeros(1, m.places[0], dtype=torch.bool)
    hidden[0, m.draw.sample(range(m.places[0]), 2)] = True
    return Op(
        f"{way} {hidden.int().tolist()}", ways[way], body=body, queries=queries, hidden=hidden
    )


def linear_attention(m: Maker, x: Tensor) -> nn.Module:
    body = nn.Linear(m.width, 3 * m.width)

    def run(s: Any, x: Tensor) -> Tensor:
        q, k, v = s.body(x).chunk(3, -1)
        q, k = F.softplus(q), F.softplus(k)
        held = torch.einsum("ntc,ntd->ntcd", k, v).cumsum(1)
        return torch.einsum("ntc,ntcd->ntd", q, held) / (q * k.cumsum(1)).sum(-1, keepdim=True)

    return Op("linear attention", run, body=body)


def biased_attention(m: Maker, x: Tensor) -> nn.Module:
    """Scores from a learned table alone, looked up by a registered index."""
    size = m.places[0]
    index = torch.arange(size)[:, None] - torch.arange(size) + size - 1
    mask = m.seen(size)
    return Op(
        f"relative scores {mask.int().tolist()}",
        lambda s, x: s.table[s.index].masked_fill(~s.mask, -torch.inf).softmax(-1) @ x,
        table=nn.Parameter(torch.zeros(2 * size - 1)), index=index, mask=mask,
    )  # fmt: skip


def token_mixing(m: Maker, x: Tensor) -> nn.Module:
    size = m.places[0]
    mask = m.seen(size).double() if m.draw.random() < 0.5 else torch.ones(size, size)
    body = nn.Linear(size, size)
    return Op(
        f"mixes tokens {mask.int().tolist()}",
        lambda s, x: F.linear(
            x.transpose(1, 2), s.body.weight * s.mask, s.body.bias
        ).transpose(1, 2),
        body=body, mask=mask,
    )  # fmt: skip


def chunks(m: Maker, x: Tensor) -> nn.Module | None:
    """Attention within chunks of tokens."""
    size = next((n for n in (2, 3, 5) if m.places[0] % n == 0), None)
    if size is None or m.width % 2:
        return None
    body = Attention(m.width, 1, m.seen(size), "filled")
    return Op(
        f"chunks of {size}",
        lambda s, x: s.body(x.reshape(-1, size, x.shape[-1])).reshape(x.shape), body=body,
    )  # fmt: skip


def merged(m: Maker, x: Tensor) -> nn.Module | None:
    if m.places[0] % 2 or m.places[0] < 4 or m.width > 4:
        return None
    return Op("pairs of tokens", lambda s, x: x.reshape(1, x.shape[1] // 2, 2 * x.shape[2]))


def class_token(m: Maker, x: Tensor) -> nn.Module:
    token = nn.Parameter(torch.ones(1, 1, m.width))
    return Op(
        "class token", lambda s, x: torch.cat([s.token.expand(len(x), -1, -1), x], 1), token=token
    )


def placed(m: Maker, x: Tensor) -> nn.Module:
    table = nn.Parameter(torch.ones(1, *m.places, m.width))
    return Op("adds positions", lambda s, x: x + s.table, table=table)


def last_states(m: Maker, x: Tensor) -> nn.Module:
    """What a recurrent layer ends with: over tokens, over the features of each, or handed on."""
    kind = m.draw.choice((nn.GRU, nn.LSTM, nn.RNN))
    one, two, each = (kind(n, 3, batch_first=True) for n in (m.width, m.width, 1))

    which = m.draw.randrange(2)

    def end(found: Any) -> Tensor:
        return found[1][which] if isinstance(found[1], tuple) else found[1]

    ways: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "of all": lambda s, x: (
            F.pad(x, (0, 3), value=0.5) + F.pad(end(s.one(x)), (x.shape[-1], 0), value=0.5)
        ),
        "of each": lambda s, x: end(s.each(x[0].unsqueeze(-1))),
        "handed on": lambda s, x: (
            F.pad(x, (0, 3), value=0.5)
            + F.pad(end(s.two(x[:, :2], s.one(x.flip(1)[:, 1:])[1])), (x.shape[-1], 0), value=0.5)
        ),
    }
    way = m.draw.choice(list(ways))
    return Op(f"last states {way}", ways[way], one=one, two=two, each=each)


def rotary(m: Maker, x: Tensor) -> nn.Module | None:
    if m.width % 2:
        return None
    angles = torch.arange(1.0, m.places[0] + 1)[:, None] * torch.ones(m.width // 2)

    def run(s: Any, x: Tensor) -> Tensor:
        y = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(y * torch.polar(torch.ones_like(s.angles), s.angles)).flatten(-2)

    return Op("rotary", run, angles=angles.double())


def conv_last(m: Maker, x: Tensor) -> nn.Module:
    """A causal convolution over tokens, cut at its end."""
    body = nn.Conv1d(m.width, m.width, 3, padding=2, groups=m.draw.choice((1, m.width)))
    return Op(
        "conv over tokens",
        lambda s, x: s.body(x.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2), body=body,
    )  # fmt: skip


def cached(m: Maker, x: Tensor) -> nn.Module:
    """Tokens go through a registered buffer that the forward writes to."""
    size = m.places[0]

    def run(s: Any, x: Tensor) -> Tensor:
        s.cache = s.cache.detach().clone()
        s.cache[:, :size] = x
        return s.cache[:, 1 : size + 1]

    return Op("cache", run, cache=torch.ones(1, size + 3, m.width, dtype=torch.float64))


def windows(m: Maker, x: Tensor) -> nn.Module | None:
    size = next((n for n in (2, 3) if not m.places[0] % n and not m.places[1] % n), None)
    if size is None or m.width % 2:
        return None
    body = Attention(m.width, 1, m.seen(size * size) if m.draw.random() < 0.3 else None, "filled")
    return Windows(body, size, m.draw.randint(0, size - 1))


def to_first(m: Maker, x: Tensor) -> nn.Module:
    m.last = False
    order = (0, x.dim() - 1, *range(1, x.dim() - 1))
    return Op(f"permute {order}", lambda s, x: x.permute(order).contiguous())
