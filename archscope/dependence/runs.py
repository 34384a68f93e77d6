"""Runs the user's network for real with random weights, on the input that is asked about.

The module itself is not written to: parameters and buffers are put in its place for each call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_map

from archscope.dependence.capture import input_tensors
from archscope.dependence.examine import Examination
from archscope.dependence.graph import Value
from archscope.errors import UsageError
from archscope.running.as_found import left_as_found
from archscope.running.module_stack import ModuleStack, tensors_in
from archscope.subject import Inputs

_STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "running_mean": torch.zeros_like,
    "running_var": torch.ones_like,
    "num_batches_tracked": torch.zeros_like,
}


class NoDataError(Exception):
    """A buffer without data: the network cannot be run."""


@dataclass(frozen=True, eq=False)
class Runner:
    """One network with one draw of weights, in float64; called with the studied input."""

    model: nn.Module
    state: dict[str, Tensor]
    inputs: Inputs
    studied: str
    find: Callable[[Any, list[tuple[str, Any]]], Tensor]
    """Finds the chosen output in what the model returned and what its modules did."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return the chosen output for the studied input `x`."""
        given = input_tensors(self.inputs)[self.studied]

        def placed(leaf: Any) -> Any:
            if leaf is given:
                return x
            if isinstance(leaf, Tensor) and leaf.is_floating_point():
                return leaf.double()
            return leaf

        args = tree_map(placed, self.inputs.args)
        kwargs = tree_map(placed, dict(self.inputs.kwargs))
        returned: list[tuple[str, Any]] = []
        stack = ModuleStack(
            self.model, on_enter=_ignore, on_exit=lambda path, out: returned.append((path, out))
        )
        fast = torch.backends.mha.get_fastpath_enabled()
        with left_as_found(self.model), stack:
            torch.backends.mha.set_fastpath_enabled(False)
            for module in self.model.modules():
                module.training = False
            try:
                result = functional_call(self.model, self.state, args, kwargs)
            finally:
                torch.backends.mha.set_fastpath_enabled(fast)
        return self.find(result, returned)


def runner(
    model: nn.Module, inputs: Inputs, exam: Examination, target: Value, *, seed: int | None
) -> Runner:
    """Return the network with random weights, or with its own where `seed` is None.

    Raises `NoDataError` where a buffer has no data.
    """
    generator = torch.Generator().manual_seed(seed or 0)
    state: dict[str, Tensor] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        state[name] = tensor.detach().double() if seed is None else _drawn(tensor, generator)
    for name, buffer in model.named_buffers(remove_duplicate=False):
        state[name] = _buffer(name, buffer)
    _tie(model, state)
    return Runner(model, state, inputs, exam.input, _finder(exam, target))


def fresh_input(model: nn.Module, like: Tensor, seed: int) -> Tensor:
    """Return a random studied input: numbers, or tokens that every embedding knows."""
    generator = torch.Generator().manual_seed(seed)
    if like.is_floating_point():
        return torch.randn(like.shape, generator=generator, dtype=torch.float64)
    tables = [m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)]
    most = min(tables, default=2)
    return torch.randint(0, max(most, 2), like.shape, generator=generator, dtype=like.dtype)


def _drawn(tensor: Tensor, generator: torch.Generator) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.detach()
    drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    if tensor.dim() > 1:
        return drawn * sqrt(2 / max(tensor[0].numel(), 1))
    return 1 + drawn / 4  # scales and biases above zero, so that ReLU lets something through


def _buffer(name: str, tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        make = _STATISTICS.get(name.rpartition(".")[2])
        if make is None:
            raise NoDataError(f"buffer {name} has no data")
        tensor = make(torch.empty(tensor.shape, dtype=tensor.dtype))
    tensor = tensor.detach().clone()
    return tensor.double() if tensor.is_floating_point() else tensor


def _tie(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Give weights that are one tensor in the module one draw."""
    first: dict[int, str] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        state[name] = state[first.setdefault(id(tensor), name)]


def _finder(exam: Examination, target: Value) -> Callable[[Any, list[tuple[str, Any]]], Tensor]:
    for number, value in enumerate(exam.graph.outputs.values()):
        if value == target:
            return lambda result, returned: _matching(tensors_in(result), value.shape, number)
    call = exam.made_by.get(target)
    if call is None:
        raise UsageError("the chosen output cannot be found again when the network runs")
    place = call.outputs.index(target)

    def find(result: Any, returned: list[tuple[str, Any]]) -> Tensor:
        outputs = [out for path, out in returned if path == call.path]
        return tensors_in(outputs[call.number - 1])[place]

    return find


def _matching(tensors: list[Tensor], shape: tuple[int, ...], number: int) -> Tensor:
    if number < len(tensors) and tuple(tensors[number].shape) == shape:
        return tensors[number]
    return next(tensor for tensor in tensors if tuple(tensor.shape) == shape)


def _ignore(path: str, args: Any) -> None:
    """Nothing is wanted of what goes in."""
