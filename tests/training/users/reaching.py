"""Ways to reach into autograd: functions that hold tensors, graphs within graphs, hooks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import (
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
    set_checkpoint_early_stop,
)

from tests.training.users.naming import fc, mlp, of, rows, user


# Functions that hold more than they save.
class _HoldsAnswer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.answer = x.exp()
        return ctx.answer.clone()  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad * ctx.answer  # type: ignore[no-any-return]


class _SavesBetween(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        marks, squares = x > 0, x.square()
        ctx.save_for_backward(marks, squares)
        return squares * marks

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        marks, squares = ctx.saved_tensors
        return 2 * grad * squares.sqrt() * marks  # type: ignore[no-any-return]


class _GraphWithin(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        with torch.enable_grad():
            ctx.given = x.detach().requires_grad_()
            ctx.made = (ctx.given * ctx.given).tanh()
        return ctx.made.detach()  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (found,) = torch.autograd.grad(ctx.made, ctx.given, grad)
        return found


class _RunsAgain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, part: nn.Module) -> Tensor:
        ctx.part = part
        ctx.save_for_backward(x)
        with torch.no_grad():
            return part(x)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None]:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            given = x.detach().requires_grad_()
            made = ctx.part(given)
        made.backward(grad)
        return given.grad, None


class _TwoAnswers(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x, weight)
        ctx.set_materialize_grads(False)
        return x @ weight, x * 3

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        x, weight = ctx.saved_tensors
        first, _ = grads
        return (None, None) if first is None else (first @ weight.T, x.T @ first)


for _name, _function in (
    ("a function that holds its answer", _HoldsAnswer),
    ("a function that saves what is between", _SavesBetween),
    ("a graph within a function", _GraphWithin),
):

    @user(_name, a=fc)
    def _(self: Any, x: Tensor, function: Any = _function) -> Any:
        return function.apply(self.a(x))


@user("a function that runs again", a=fc, b=mlp)
def _(self: Any, x: Tensor) -> Any:
    return _RunsAgain.apply(self.a(x), self.b)


@user("a penalty on a gradient", a=fc)
def _(self: Any, x: Tensor) -> Any:
    given = x.clone().requires_grad_()
    made = self.a(given).tanh().sum()
    (slope,) = torch.autograd.grad(made, given, create_graph=True)
    return made + slope.square().sum()


@user("a step within the forward", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    (slope,) = torch.autograd.grad(self.a(x).square().mean(), self.a.weight, create_graph=True)
    weights = {"weight": self.a.weight - 0.5 * slope, "bias": self.a.bias}
    return torch.func.functional_call(self.a, weights, (x,)) * self.b(x)


@user(
    "a product with an answer that nothing reads", a=fc, b=lambda: nn.Parameter(torch.ones(16, 4))
)
def _(self: Any, x: Tensor) -> Any:
    return _TwoAnswers.apply(self.a(x), self.b)[0]


# Hooks.
def _of_parameters() -> nn.Module:
    model = nn.Sequential(fc(), nn.ReLU(), fc())
    model[0].weight.register_post_accumulate_grad_hook(lambda weight: None)
    model[2].weight.register_hook(lambda grad: grad.clamp(-1, 1))
    return model


def _that_change() -> nn.Module:
    model = nn.Sequential(fc(), nn.Sigmoid(), fc())
    model[1].register_full_backward_hook(lambda module, given, made: (given[0].neg(),))
    model[1].register_full_backward_pre_hook(lambda module, made: (made[0].neg(),))
    return model


of("hooks of parameters", _of_parameters)
of("hooks of the backward that change it", _that_change)


@user("kept in half", a=fc, b=fc)
def _(self: Any, x: Tensor) -> Any:
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.half(), lambda t: t.float()):
        y = self.a(x).sigmoid()
    return self.b(y)


# Checkpoints.
def _saved_by_policy(context: Any, operator: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    keeps = operator is torch.ops.aten.addmm.default
    return CheckpointPolicy.MUST_SAVE if keeps else CheckpointPolicy.PREFER_RECOMPUTE


_BY_POLICY: Callable[[], Any] = partial(create_selective_checkpoint_contexts, _saved_by_policy)


@user("a checkpoint that keeps some", a=fc, b=mlp)
def _(self: Any, x: Tensor) -> Any:
    return checkpoint(self.b, self.a(x), use_reentrant=False, context_fn=_BY_POLICY)


@user("one block in a checkpoint over and over", a=mlp)
def _(self: Any, x: Tensor) -> Any:
    for _ in range(3):
        x = checkpoint(self.a, x, use_reentrant=False)
    return x


@user("a checkpoint to the end", a=fc, b=mlp)
def _(self: Any, x: Tensor) -> Any:
    with set_checkpoint_early_stop(False):
        return checkpoint(self.b, self.a(x), use_reentrant=False)


@user("a checkpoint under autocast", a=mlp)
def _(self: Any, x: Tensor) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return checkpoint(self.a, x, use_reentrant=False)


for _word, _old in (("a checkpoint", False), ("an old checkpoint", True)):

    @user(f"{_word} that drops within one", a=fc, b=mlp, c=fc)
    def _(self: Any, x: Tensor, old: bool = _old) -> Any:
        inner = partial(checkpoint, lambda y: F.dropout(self.b(y), 0.2), use_reentrant=old)
        return checkpoint(lambda y: self.c(inner(y)), self.a(x), use_reentrant=old)


# Weights that are made.
class _Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).mT


def _symmetric() -> nn.Module:
    layer = fc()
    parametrize.register_parametrization(layer, "weight", _Symmetric())
    return nn.Sequential(layer, nn.Tanh(), fc())


of("a symmetric weight", _symmetric)
of(
    "weight norms of convolutions",
    lambda: nn.Sequential(
        parametrizations.weight_norm(nn.Conv1d(16, 8, 3)),
        nn.ELU(),
        parametrizations.weight_norm(nn.Conv1d(8, 4, 1)),
    ),
    lambda: rows().reshape(2, 16, 16),
)


@user("a weight that is made once for two", a=lambda: parametrizations.weight_norm(fc()))
def _(self: Any, x: Tensor) -> Any:
    with parametrize.cached():
        return self.a(self.a(x).relu())
