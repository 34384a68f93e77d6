"""Tensors of other kinds, and what is put together of several: numbers, places, losses, buffers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tests.training.users.naming import USERS, fc, image, mlp, of, rows, user, words


@user("numbers of three widths", a=fc, b=lambda: fc().double(), c=lambda: fc().bfloat16())
def _(self: Any, x: Tensor) -> Any:
    return self.a(x), self.b(self.a(x).double()).float(), self.c(x.bfloat16()).float()


@user("autocast over a weight that is used twice", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = F.layer_norm(self.b(F.gelu(self.a(x))), (16,))
        return self.a(y)


@user("real and imaginary parts", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    z = torch.complex(self.a(x), self.b(x))
    return z.abs(), z.angle(), torch.view_as_real(z * z.conj()), torch.fft.fft2(z).real


@user("a short spectrum", lambda: rows().reshape(1, 512), a=lambda: nn.Linear(512, 400))
def _(self: Any, x: Tensor) -> Any:
    window = torch.hann_window(64)
    return torch.stft(self.a(x), 64, 16, window=window, return_complex=True).abs().log1p()


# A product with a matrix of which some is trained, as in graphs.
@user("a sparse matrix that is trained", a=fc, b=lambda: nn.Parameter(torch.ones(10)))
def _(self: Any, x: Tensor) -> Any:
    places = torch.arange(10).expand(2, 10)
    return torch.sparse.mm(torch.sparse_coo_tensor(places, self.b, (32, 32)), self.a(x))


@user("means of neighbours", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    start, end = torch.arange(64) % 32, (torch.arange(64) * 7) % 32
    places = end[:, None].expand(-1, 16)
    return torch.zeros(32, 16).scatter_reduce(0, places, self.a(x)[start], "mean") + self.b(x)


@user(
    "bags that are weighed",
    words,
    a=lambda: nn.EmbeddingBag(32, 16, mode="sum"),
    b=lambda: nn.Parameter(torch.ones(4, 6)),
)
def _(self: Any, places: Tensor) -> Any:
    return self.a(places, per_sample_weights=self.b)


@user("sequences of unlike lengths", lambda: rows().reshape(4, 8, 16), a=lambda: nn.GRU(16, 8))
def _(self: Any, x: Tensor) -> Any:
    packed = pack_padded_sequence(x.transpose(0, 1), [8, 5, 5, 2])
    return pad_packed_sequence(self.a(packed)[0])[0]


@user("groups of queries", lambda: rows().reshape(2, 16, 16), a=fc, b=lambda: fc(16, 8))
def _(self: Any, x: Tensor) -> Any:
    query = self.a(x).unflatten(-1, (4, 4)).transpose(1, 2)
    key = self.b(x).unflatten(-1, (2, 4)).transpose(1, 2)
    return F.scaled_dot_product_attention(query, key, key, is_causal=True, enable_gqa=True)


class _Bank(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = fc()
        self.register_buffer("mean", torch.zeros(16))
        self.register_buffer("bank", torch.zeros(64, 16))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        self.mean = self.mean * 0.9 + y.detach().mean(0) * 0.1
        self.bank = torch.cat([y.detach(), self.bank])[:64]
        return (y - self.mean) @ self.bank.T


of("buffers that are replaced", _Bank)
of(
    "channels that lie last",
    lambda: nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last),
    image,
)


@user("a grid that is learnt", image, a=lambda: nn.Parameter(torch.eye(2, 3).repeat(2, 1, 1)))
def _(self: Any, x: Tensor) -> Any:
    grid = F.affine_grid(self.a, [2, 3, 6, 6], align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


@user("losses of pairs", a=fc)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x)
    return (
        F.triplet_margin_loss(y[:8], y[8:16], y[16:24]),
        F.cosine_embedding_loss(y[:16], y[16:], torch.ones(16)),
        F.huber_loss(y, x),
        F.gaussian_nll_loss(y, x, y.exp()),
        F.cosine_similarity(y[:16], y[16:]),
    )


USERS["words of a long tail"] = lambda: (
    nn.AdaptiveLogSoftmaxWithLoss(16, 100, [10, 50]),
    (rows(), torch.arange(32) * 3),
)


@user("what a compiler would take", a=mlp)
def _(self: Any, x: Tensor) -> Any:
    return torch.compile(self.a, backend="eager")(x).sin()


@user("windows of features", a=fc)
def _(self: Any, x: Tensor) -> Any:
    return self.a(x).unfold(1, 8, 4).mean(-1).sigmoid()


@user("sorted and summed up", a=fc)
def _(self: Any, x: Tensor) -> Any:
    values, places = self.a(x).sort(-1)
    return values.cumsum(-1), values.topk(4).values.cumprod(-1), values.logcumsumexp(-1), places


@user("curvature", a=lambda: nn.Linear(16, 1))
def _(self: Any, x: Tensor) -> Any:
    given = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(self.a(given).tanh().sum(), given, create_graph=True)
    return torch.autograd.grad(slope.square().sum(), given, create_graph=True)[0]
