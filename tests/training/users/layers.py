"""Layers that keep in ways of their own: recurrent ones, tables, attention, pictures."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.training.users.naming import fc, image, of, rows, user, words

# Recurrences.
of(
    "a deep LSTM",
    lambda: nn.LSTM(16, 8, 2, bidirectional=True, dropout=0.1),
    lambda: rows().reshape(8, 4, 16),
)
of("a GRU of batches", lambda: nn.GRU(16, 8, batch_first=True), lambda: rows().reshape(4, 8, 16))
of("an RNN", lambda: nn.RNN(16, 8, nonlinearity="relu"), lambda: rows().reshape(8, 4, 16))
of("a projected LSTM", lambda: nn.LSTM(16, 8, proj_size=4), lambda: rows().reshape(8, 4, 16))


@user("cells in a loop", a=lambda: nn.LSTMCell(16, 16), b=lambda: nn.GRUCell(16, 16))
def _(self: Any, x: Tensor) -> Any:
    h, c = (torch.zeros(8, 16) for _ in range(2))
    for step in x.reshape(4, 8, 16):
        h, c = self.a(step, (h, c))
        h = self.b(step, h)
    return h


# Tables of words.
of("a bag of words", lambda: nn.Sequential(nn.EmbeddingBag(32, 16, mode="max"), fc()), words)
of(
    "bags whose end is told",
    lambda: nn.EmbeddingBag(32, 16, mode="mean", include_last_offset=True),
    lambda: torch.arange(24),
    lambda: torch.tensor([0, 6, 12, 24]),
)
of("sparse gradients", lambda: nn.Sequential(nn.Embedding(32, 16, sparse=True), fc()), words)
of("a padded table", lambda: nn.Sequential(nn.Embedding(32, 16, padding_idx=0), fc()), words)
of(
    "a table of bounded rows",
    lambda: nn.Sequential(nn.Embedding(32, 16, max_norm=1.0), fc()),
    words,
)


# Attention.
of(
    "attention of torch's",
    lambda: nn.TransformerDecoderLayer(16, 2, 32, 0.1, batch_first=True),
    lambda: rows().reshape(4, 8, 16),
    lambda: rows().reshape(4, 8, 16),
)
of(
    "an encoder's stack",
    lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(16, 2, 32, norm_first=True), 2, enable_nested_tensor=False
    ),
    lambda: rows().reshape(4, 8, 16),
)


@user(
    "attention with a mask that is learnt",
    a=lambda: nn.Linear(16, 48),
    b=lambda: nn.Parameter(torch.zeros(8, 8)),
)
def _(self: Any, x: Tensor) -> Tensor:
    q, k, v = self.a(x).reshape(4, 8, 3, 2, 8).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=self.b)


@user("attention of few keys", a=lambda: nn.Linear(16, 32), b=lambda: nn.Linear(16, 16))
def _(self: Any, x: Tensor) -> Tensor:
    q = self.a(x).reshape(4, 8, 4, 8).transpose(1, 2)
    k, v = self.b(x).reshape(4, 8, 2, 1, 8).unbind(2)
    k, v = (each.transpose(1, 2) for each in (k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


@user(
    "relative attention by einsum",
    a=lambda: nn.Linear(16, 32),
    b=lambda: nn.Parameter(torch.ones(2, 15, 8)),
)
def _(self: Any, x: Tensor) -> Tensor:
    q, k = self.a(x).reshape(4, 8, 2, 2, 8).unbind(2)
    distances = torch.arange(8)[:, None] - torch.arange(8) + 7
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k)
    scores = scores + torch.einsum("bqhd,hqkd->bhqk", q, self.b[:, distances])
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), k)


# Pictures.
@user(
    "pixels that move",
    image,
    a=lambda: nn.Conv2d(3, 8, 3, padding=1),
    b=lambda: nn.Conv2d(8, 2, 3, padding=1),
)
def _(self: Any, x: Tensor) -> Tensor:
    y = self.a(x)
    grid = self.b(y).permute(0, 2, 3, 1).tanh()
    moved = F.grid_sample(y, grid, align_corners=False)
    return F.interpolate(F.pixel_shuffle(moved, 2), scale_factor=2, mode="bilinear")


@user(
    "pools that are undone",
    image,
    a=lambda: nn.Conv2d(3, 8, 3, padding=1),
    b=lambda: nn.ConvTranspose2d(8, 3, 2, 2),
)
def _(self: Any, x: Tensor) -> Any:
    y, places = F.max_pool2d(self.a(x), 2, return_indices=True)
    up = F.max_unpool2d(F.avg_pool2d(y, 3, 1, 1), places, 2)
    return self.b(F.adaptive_avg_pool2d(up, 4)), F.lp_pool2d(up.abs() + 1, 2, 2)


@user("columns of an image", image, a=lambda: nn.Linear(27, 12))
def _(self: Any, x: Tensor) -> Tensor:
    columns = F.unfold(x, 3, padding=1)
    y = self.a(columns.transpose(1, 2)).transpose(1, 2)
    return F.fold(y, 32, 2, stride=2)


of(
    "norms of every kind",
    lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.GroupNorm(2, 8),
        nn.InstanceNorm2d(8, affine=True),
        nn.LocalResponseNorm(3),
        nn.LayerNorm((8, 14, 14)),
        nn.RMSNorm(14),
    ),
    image,
)
of(
    "activations of every kind",
    lambda: nn.Sequential(
        fc(),
        nn.SiLU(),
        nn.Mish(),
        nn.ELU(),
        nn.PReLU(),
        nn.Softplus(),
        nn.Hardswish(),
        nn.GELU("tanh"),
        nn.GLU(),
        nn.LogSoftmax(-1),
        nn.LeakyReLU(),
        nn.SELU(),
        nn.Softsign(),
    ),
)
of(
    "volumes",
    lambda: nn.Sequential(
        nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.MaxPool3d(2), nn.ConvTranspose3d(4, 2, 2)
    ),
    lambda: image().reshape(2, 3, 4, 8, 8),
)
of(
    "rows that are reflected",
    lambda: nn.Sequential(
        nn.Conv1d(16, 8, 3, padding=1, padding_mode="circular"),
        nn.ReflectionPad1d(2),
        nn.Conv1d(8, 4, 3, groups=4),
    ),
    lambda: rows().reshape(4, 16, 8),
)
