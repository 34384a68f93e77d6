"""Ways to run: again, with hooks, over what was there, with a backward of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from tests.training.users.naming import fc, mlp, of, rows, user


# What runs again.
@user("a checkpoint of the old kind", a=fc, b=mlp)
def _(self: Any, x: Tensor) -> Tensor:
    found: Tensor = checkpoint(self.b, self.a(x), use_reentrant=True)
    return found


def _looks_ahead(self: Any, y: Tensor) -> Tensor:
    with torch.no_grad():
        ahead = self.c(y).sigmoid()
    made: Tensor = self.b(y * ahead)
    return made


for _word, _old in (("a checkpoint", False), ("an old checkpoint", True)):

    @user(f"{_word} of which a part needs no gradients", a=fc, b=mlp, c=mlp)
    def _(self: Any, x: Tensor, old: bool = _old) -> Tensor:
        found: Tensor = checkpoint(partial(_looks_ahead, self), self.a(x), use_reentrant=old)
        return found


@user("a checkpoint within one", a=fc, b=mlp, c=mlp)
def _(self: Any, x: Tensor) -> Tensor:
    inner = partial(checkpoint, self.b, use_reentrant=False)
    found: Tensor = checkpoint(lambda y: self.c(inner(y)), self.a(x), use_reentrant=False)
    return found


@user("a checkpoint that drops out", a=fc, b=mlp)
def _(self: Any, x: Tensor) -> Tensor:
    def run(y: Tensor) -> Tensor:
        return F.dropout(self.b(y), 0.1, True)

    found: Tensor = checkpoint(run, self.a(x), use_reentrant=False)
    return found


@user("a checkpoint of several tensors", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Tensor:
    def run(y: Tensor, scale: float, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.b(y) * scale, y * z

    first, second = checkpoint(run, self.a(x), 2.0, self.a(x).tanh(), use_reentrant=False)
    return first + second  # type: ignore[no-any-return]


@user("a sequence of checkpoints", a=fc, b=lambda: nn.Sequential(*(mlp() for _ in range(4))))
def _(self: Any, x: Tensor) -> Tensor:
    found: Tensor = checkpoint_sequential(self.b, 2, self.a(x), use_reentrant=False)
    return found


@user("a checkpoint of attention", lambda: rows().reshape(4, 8, 16), a=lambda: nn.Linear(16, 48))
def _(self: Any, x: Tensor) -> Tensor:
    def attend(y: Tensor) -> Tensor:
        q, k, v = self.a(y).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        return F.scaled_dot_product_attention(q, k, v)

    found: Tensor = checkpoint(attend, x, use_reentrant=False)
    return found


# What hooks do.
def _hooked(register: str, hook: Callable[..., Any]) -> nn.Module:
    model = nn.Sequential(fc(), nn.GELU(), fc(), nn.Tanh())
    getattr(model[1], register)(hook)
    return model


of("a hook before", lambda: _hooked("register_forward_pre_hook", lambda m, args: (args[0] * 2,)))
of("a hook after", lambda: _hooked("register_forward_hook", lambda m, args, y: y.sigmoid()))
of("a hook of the backward", lambda: _hooked("register_full_backward_hook", lambda m, i, o: None))


@user("a hook of a tensor", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Tensor:
    y = self.a(x)
    y.register_hook(lambda grad: grad * 2)
    out: Tensor = self.b(y.relu())
    return out


# What writes over itself.
of(
    "inplace layers",
    lambda: nn.Sequential(fc(), nn.ReLU(True), fc(), nn.Dropout(0.5, True), nn.SiLU(True), fc()),
)


@user("a view that is written", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Tensor:
    y = self.a(x)
    y[:, :4].mul_(2)
    y[:, 4:].copy_(x[:, 4:])
    out: Tensor = self.b(y)
    return out


@user("a sum that grows in place", a=fc)
def _(self: Any, x: Tensor) -> Tensor:
    total = torch.zeros_like(x)
    for part in range(4):
        total += self.a(x + part)
    return total


@user("a table that is filled", a=fc)
def _(self: Any, x: Tensor) -> Tensor:
    table = x.new_zeros(64, 16)
    table[::2] = self.a(x)
    return table.index_add(0, torch.arange(32), self.a(x).exp())


# Functions of autograd's with a backward of their own.
class _KeepsOutput(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad * ctx.saved_tensors[0]  # type: ignore[no-any-return]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, weight: Tensor) -> Tensor:
        return x @ weight.T

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        by_x = grad @ weight if ctx.needs_input_grad[0] else None
        return by_x, grad.T @ x if ctx.needs_input_grad[1] else None


class _Doubles(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad * 2


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.shape = x.shape
        signs = x.sign()
        marks = x > 0
        ctx.mark_non_differentiable(marks)
        return signs, marks

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> Tensor:  # type: ignore[override]
        return grad.expand(ctx.shape)


@user("a function that keeps its output", a=fc)
def _(self: Any, x: Tensor) -> Any:
    return _KeepsOutput.apply(self.a(x))


@user("a product with a backward of its own", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    return self.b(_Linear.apply(x, self.a.weight))


@user("a function that marks what it wrote", a=fc)
def _(self: Any, x: Tensor) -> Any:
    return _Doubles.apply(self.a(x)).tanh()


@user("a gradient straight through", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    signs, marks = _Straight.apply(self.a(x))
    return self.b(signs) * marks
