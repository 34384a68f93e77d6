"""Operators that are no layers, and networks that others wrapped."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from tests.training.users.naming import fc, mlp, of, rows, user


# Other operators.
@user("places that are chosen", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x)
    best, where = y.topk(4, -1)
    found = y.gather(-1, where).scatter_add(-1, where % 4, best)
    ordered = y.sort(-1).values.cumsum(-1).masked_fill(x > 0.5, 0.0)
    return self.b(torch.where(x > 0, ordered, y.logsumexp(-1, keepdim=True))), found


@user(
    "products of every kind",
    a=lambda: nn.Bilinear(16, 16, 8),
    b=lambda: nn.Parameter(torch.ones(16)),
)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x, x.tanh())
    batch = torch.baddbmm(y.reshape(4, 8, 8), x.reshape(4, 8, 16), x.reshape(4, 16, 8), beta=0.5)
    return (
        batch,
        torch.cdist(y, y),
        torch.cdist(y[:4], y[:4]),
        x @ self.b,
        torch.outer(self.b, self.b),
        torch.dot(x[0], self.b),
    )


@user("linear algebra", a=fc)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x).reshape(2, 16, 16) + 4 * torch.eye(16)
    spread = y @ y.mT + 16 * torch.eye(16)
    solved = torch.linalg.solve(spread, y)
    return solved, torch.linalg.cholesky(spread), torch.linalg.inv(spread), torch.logdet(spread)


@user("a gradient of a gradient", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    x = x.detach().requires_grad_()
    y = self.b(self.a(x).tanh()).sum()
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    return slope.square().mean()


@user(
    "experts that are chosen",
    a=lambda: nn.Linear(16, 4),
    b=lambda: nn.ModuleList(mlp() for _ in range(4)),
)
def _(self: Any, x: Tensor) -> Tensor:
    weights, chosen = self.a(x).softmax(-1).max(-1)
    out = torch.zeros_like(x)
    for number, expert in enumerate(self.b):
        at = (chosen == number).nonzero().flatten()
        out = out.index_add(0, at, expert(x[at]) * weights[at, None])
    return out


@user("a sum of neighbours", a=fc, b=lambda: nn.Buffer(torch.eye(32).to_sparse()))
def _(self: Any, x: Tensor) -> Tensor:
    found: Tensor = torch.sparse.mm(self.b, self.a(x)).relu()
    return found


@user("features without gradients", a=mlp, b=fc)
def _(self: Any, x: Tensor) -> Any:
    with torch.no_grad():
        y = self.a(x)
    return self.b(y)


@user("kept on another device", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    with torch.autograd.graph.save_on_cpu():
        return self.b(self.a(x).tanh())


@user("what an outer part keeps of a large one", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    y = self.a(x)
    return self.b(y[:4]).exp(), y[4:8, :2] * y[:4, 2:4]


@user("arguments by a list", lambda: [rows(), rows()], a=fc, b=fc)
def _(self: Any, both: list[Tensor]) -> Any:
    return self.a(both[0]) * self.b(both[1])


@user("numbers of the input's", lambda: rows().requires_grad_(), a=fc)
def _(self: Any, x: Tensor) -> Any:
    return self.a(x.square())


of(
    "scripted",
    lambda: nn.Sequential(torch.jit.script(nn.Sequential(nn.Linear(16, 16), nn.Tanh())), fc()),
)
of("traced by fx", lambda: torch.fx.symbolic_trace(mlp()))
of("several on one machine", lambda: nn.DataParallel(mlp()))


# Adapters that are there already, as peft writes them.
class _Adapted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.base_layer = nn.Linear(16, 16)
        self.lora_A = nn.ModuleDict({"default": nn.Linear(16, 4, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(4, 16, bias=False)})
        self.base_layer.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base_layer(x) + 2.0 * self.lora_B["default"](self.lora_A["default"](x))
        return out


of("adapters of its own", lambda: nn.Sequential(_Adapted(), nn.ReLU(), _Adapted()))


# A weight of a class that holds others.
class _Rounded(Tensor):
    """A weight of 8 bits, as of torchao: read in 32 where it multiplies."""

    whole: Tensor
    scale: Tensor

    @staticmethod
    def __new__(cls, whole: Tensor, scale: Tensor) -> _Rounded:
        made: _Rounded = Tensor._make_wrapper_subclass(cls, whole.shape, dtype=scale.dtype)
        made.whole, made.scale = whole, scale
        return made

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["whole", "scale"], None

    @classmethod
    def __tensor_unflatten__(cls, parts: Any, context: None, *sizes: Any) -> _Rounded:
        return cls(parts["whole"], parts["scale"])

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        def read(value: Any) -> Any:
            return value.whole * value.scale if isinstance(value, _Rounded) else value

        if func in (torch.ops.aten.detach.default, torch.ops.aten.clone.default):
            return cls(func(args[0].whole), args[0].scale)
        return func(*tree_map(read, args), **tree_map(read, kwargs or {}))


def _rounded() -> nn.Module:
    layer = nn.Linear(16, 16)
    held = _Rounded(torch.ones(16, 16, dtype=torch.int8), torch.tensor(0.1))
    layer.weight = nn.Parameter(held, requires_grad=False)
    return nn.Sequential(fc(), nn.Tanh(), layer)


of("weights of 8 bits of a class of their own", _rounded)
