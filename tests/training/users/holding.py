"""Ways to hold and return: weights, numbers, outputs, buffers, chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from tests.training.users.naming import USERS, Runs, fc, image, mlp, of, rows, user, words


# Weights that several share, or that are made of others.
def _tied() -> nn.Module:
    table, head = nn.Embedding(32, 16), nn.Linear(16, 32, bias=False)
    head.weight = table.weight
    return nn.Sequential(table, mlp(), head)


of("tied embeddings", _tied, words)
of("weight norm", lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(16, 16)), fc()))
of("spectral norm", lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(16, 16)), fc()))
of("orthogonal", lambda: nn.Sequential(parametrizations.orthogonal(nn.Linear(16, 16)), fc()))
of("old spectral norm", lambda: nn.Sequential(nn.utils.spectral_norm(nn.Linear(16, 16)), fc()))
of("pruned", lambda: nn.Sequential(prune.random_unstructured(nn.Linear(16, 16), "weight", 0.5)))


@user("slices of one weight", a=lambda: nn.Parameter(torch.ones(3, 16, 16)))
def _(self: Any, x: Tensor) -> Tensor:
    q, k, v = self.a
    return x @ q * (x @ k).softmax(-1) + F.linear(x, v.t().contiguous())


@user("weights made of a smaller one", a=lambda: nn.Linear(4, 256), b=lambda: nn.Linear(16, 4))
def _(self: Any, x: Tensor) -> Tensor:
    weights = self.a(self.b(x).mean(0)).reshape(16, 16)
    return x @ weights


@user("a functional call", a=mlp)
def _(self: Any, x: Tensor) -> Any:
    weights = {name: each * 0.5 for name, each in self.a.named_parameters()}
    return torch.func.functional_call(self.a, weights, (x,))


@user("a vectorised map", a=fc)
def _(self: Any, x: Tensor) -> Tensor:
    return torch.vmap(lambda row: self.a(row).tanh())(x)


# Numbers of another kind.
of("complex", lambda: nn.Linear(16, 16, dtype=torch.cfloat), lambda: rows().to(torch.cfloat))
of("half as wide", lambda: mlp().bfloat16(), lambda: rows().bfloat16())


@user("a spectrum", a=lambda: nn.Parameter(torch.ones(9, dtype=torch.cfloat)), b=fc)
def _(self: Any, x: Tensor) -> Tensor:
    # Where its gradient is one number over and over, as that of a sum, torch 2.6 fails itself.
    return torch.fft.irfft(torch.fft.rfft(self.b(x)) * self.a, n=16).tanh()


@user("autocast within", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = self.a(x).relu()
    return self.b(y.float())


@user("no autocast, whatever the device", a=fc)
def _(self: Any, x: Tensor) -> Any:
    with torch.autocast(x.device.type, enabled=False):
        return self.a(x.float())


# What is returned.
class Pair(NamedTuple):
    features: Tensor
    scores: list[Tensor]


@dataclass
class Output:
    """What transformers' networks return is made like this."""

    loss: Tensor
    hidden: tuple[Tensor, ...]


@user("a tuple of names within a dictionary", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x)
    return {"both": Pair(y, [self.b(y), y.exp()]), "none": None, "count": 3}


@user("a dataclass of outputs", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    hidden = (self.a(x), self.b(x))
    return Output(loss=hidden[0].square().mean(), hidden=hidden)


@user("several losses", rows, lambda: torch.arange(32) % 16, a=fc, b=lambda: nn.Linear(16, 16))
def _(self: Any, x: Tensor, target: Tensor) -> Any:
    y = self.a(x)
    by_class = F.cross_entropy(self.b(y.relu()), target, label_smoothing=0.1)
    return by_class, F.mse_loss(y, x), F.kl_div(y.log_softmax(-1), x.softmax(-1), reduction="sum")


@user("losses that are weighed", rows, a=fc)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x)
    near = F.mse_loss(y, x[:, :1]) * F.smooth_l1_loss(y, x).exp()
    sure = (
        F.binary_cross_entropy(y.sigmoid(), x.sigmoid()).square() + F.soft_margin_loss(y, x).sqrt()
    )
    return near, sure, F.kl_div(y.log_softmax(-1), x.softmax(-1), reduction="sum")


@user("a loss of sequences", rows, lambda: torch.ones(4, 2, dtype=torch.long), a=fc)
def _(self: Any, x: Tensor, targets: Tensor) -> Tensor:
    logs = self.a(x).view(8, 4, 16).log_softmax(-1)
    return F.ctc_loss(logs, targets, torch.full((4,), 8), torch.full((4,), 2))


@user("a loss and the same again", a=fc)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x)
    return y, y, y[:3], y.detach()


# Buffers that are written.
def _averaged(self: Any, x: Tensor) -> Tensor:
    y = self.a(x)
    self.b.running_mean.mul_(0.9).add_(y.detach().mean(0), alpha=0.1)
    self.steps += 1
    return y - self.b.running_mean


USERS["an average that is kept"] = lambda: (
    Runs(_averaged, a=fc(), b=nn.BatchNorm1d(16), steps=0),
    (rows(),),
)
of(
    "batch norms",
    lambda: nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.BatchNorm2d(16, affine=False),
    ),
    image,
)


# What is dropped.
@user("functions that drop", image, a=lambda: nn.Conv2d(3, 8, 3))
def _(self: Any, x: Tensor) -> Tensor:
    y = F.dropout2d(self.a(x), 0.2, self.training)
    y = F.dropout(y, 0.1, self.training) + F.alpha_dropout(y, 0.1, self.training)
    return F.feature_alpha_dropout(y, 0.1, self.training)


@user("a layer that is skipped by chance", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    keep = (torch.rand(x.shape[0], 1) > 0.1).float() / 0.9
    return self.b(x + self.a(x) * keep)


@user("a sample of what was learnt", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    mean, scale = self.a(x).chunk(2, -1)
    z = mean + scale.exp() * torch.randn_like(scale)
    return self.b(torch.cat([z, F.gumbel_softmax(mean, hard=True)], -1))
