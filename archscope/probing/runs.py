"""Runs a copy of the user's network for real with random weights, on the input asked about.

Parameters and buffers are put in the place of the copy's own for each call.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from math import sqrt
from time import monotonic
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.argument_names import input_tensors
from archscope.dependence.record.graph import Value
from archscope.errors import UsageError
from archscope.probing.float64 import InFloat64, in_float64
from archscope.probing.holding import Held
from archscope.probing.tokens import Tokens
from archscope.running.as_found import left_as_found
from archscope.running.as_written import as_written
from archscope.running.copies import StandIn
from archscope.running.module_stack import ModuleStack, tensors_in
from archscope.running.twin import (
    Original,
    ReachedOriginalError,
    bodiless,
    copied,
    own,
    twin_of,
)
from archscope.subject import Inputs

_STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "running_mean": torch.zeros_like,
    "running_var": torch.ones_like,
    "num_batches_tracked": torch.zeros_like,
}


QUIET = 1e-30
"""Inputs and biases of this size leave an output so small that no change is lost in rounding."""


class NoDataError(Exception):
    """A buffer without data: the network cannot be run."""


class NotCopiedError(Exception):
    """A network that reaches itself from outside, so that no copy of it can be run."""

    def __str__(self) -> str:
        return "it reaches itself by a name from outside, so that no copy of it can be run"


class OutOfTimeError(BaseException):
    """The time is up, after so many modules. No `Exception`, which a forward might catch."""

    def __init__(self, returned: int = 0) -> None:
        super().__init__()
        self.returned = returned


class _Enough(BaseException):
    """The chosen output is there. No `Exception`, which a forward might catch."""


@dataclass(frozen=True, eq=False)
class Runner:
    """One network with one draw of weights, in float64; called with the studied input."""

    model: nn.Module
    """A copy of the network, in evaluation mode."""
    state: dict[str, Tensor]
    """Its parameters and buffers, by name."""
    original: Original
    """What the copy was made of."""
    inputs: Inputs
    studied: str
    find: Callable[[Any, list[Any]], Tensor]
    """Finds the chosen output in what the model returned and what the module `last` did."""
    last: tuple[str, int] | None = None
    """The module that makes the chosen output, and which call of it; nothing runs after. None: the
    output is the model's own."""
    until: float = float("inf")
    """The time of `monotonic` at which it stops at the next module (`OutOfTimeError`)."""
    tokens: Tokens | None = None
    """Set where `x` is not the input itself, but what an embedding makes of these tokens."""
    held: Held | None = None
    """What is held as the first run made it."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return the chosen output for the studied input `x`."""
        given = input_tensors(self.inputs)[self.studied]

        def placed(tensor: Tensor) -> Tensor:
            if tensor is given:
                return x if self.tokens is None else self.tokens.ids.expand(len(x), -1)
            return _beside(tensor)

        inputs = copied(self.inputs, placed)
        kept: list[Any] = []  # of one module alone: those of all take more than the weights
        wanted = None if self.last is None else self.last[0]

        def on_exit(path: str, out: Any) -> None:
            if monotonic() > self.until:
                raise OutOfTimeError(stack.calls.total())
            if path == wanted:
                kept.append(out)
            if (path, stack.calls[path]) == self.last:
                raise _Enough

        stack = ModuleStack(self.model, on_enter=_ignore, on_exit=on_exit)
        embedded = nullcontext() if self.tokens is None else self.tokens.embedded_as(x, self.model)
        holding = nullcontext() if self.held is None else self.held.during(lambda: stack.current)
        alone = self.original.out_of_reach()
        with left_as_found(self.model), as_written(), alone, embedded, stack, holding, InFloat64():
            try:
                result = functional_call(self.model, self.state, inputs.args, dict(inputs.kwargs))
            except _Enough:
                result = None
            except ReachedOriginalError:
                raise NotCopiedError from None
        return self.find(result, kept)


def runner(
    model: nn.Module,
    inputs: Inputs,
    exam: Examination,
    target: Value,
    *,
    seed: int | None,
    positive: bool = False,
    until: float = float("inf"),
    tokens: Tokens | None = None,
    held: Held | None = None,
) -> Runner:
    """Return the network with random weights, or with its own where `seed` is None.

    Positive weights keep every ReLU open, for positive inputs; with inputs about `QUIET` the
    faintest way shows. Others leave it open which position is a maximum.
    Raises `NoDataError` where a buffer has no data.
    """
    generator = torch.Generator().manual_seed(seed or 0)
    original = Original(model, inputs)
    state: dict[str, Tensor] = {}
    last, later = _last(exam, target)

    def draw(name: str, tensor: Tensor) -> Tensor:
        if seed is None:
            return own(tensor).detach().double()
        if positive:
            return _drawn_positive(name, tensor, generator)
        return _drawn(tensor, generator)

    for name, tensor in model.named_parameters(remove_duplicate=False):
        if name.rpartition(".")[0] not in later:
            state[name] = draw(name, tensor)
    for name, buffer in model.named_buffers(remove_duplicate=False):
        if name.rpartition(".")[0] not in later:
            state[name] = _buffer(name, buffer)
    _tie(model, state)
    twin = twin_of(original, weight=_weights(model, state, draw), argument=bodiless)
    for name, tensor in twin.model.named_parameters(remove_duplicate=False):
        if name in state:
            vars(state[name]).update(vars(tensor))  # what a class of parameters keeps there
    find = _finder(exam, target)
    return Runner(
        twin.model, state, original, inputs, exam.input, find, last, until,
        tokens=tokens, held=held,
    )  # fmt: skip


def _beside(tensor: Tensor) -> Tensor:
    """Return an input beside the studied one: as it is, or numbers for one that has no data."""
    if tensor.is_meta:
        like = torch.zeros(tensor.shape, dtype=tensor.dtype)
        if not tensor.is_floating_point():
            return like
        return torch.randn(like.shape, generator=torch.Generator().manual_seed(0)).double()
    return own(tensor).double() if tensor.is_floating_point() else own(tensor)


def _weights(
    model: nn.Module, state: dict[str, Tensor], draw: Callable[[str, Tensor], Tensor]
) -> StandIn:
    """Return what stands for a parameter: a draw, also where a plain list or dictionary holds it.

    For each call one of the same draw is put in the place of those that are registered.
    """
    names = {id(each): name for name, each in model.named_parameters()}

    def weight(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            kept: Tensor = in_float64(own(tensor))
            return kept
        name = names.get(id(tensor))
        if type(tensor) is not nn.Parameter or (name is not None and name not in state):
            return bodiless(tensor)
        return nn.Parameter(draw("", tensor) if name is None else state[name], requires_grad=False)

    return weight


def _last(exam: Examination, target: Value) -> tuple[tuple[str, int] | None, frozenset[str]]:
    """Return the call that makes a value, and the modules that run only after it."""
    call = exam.made_by.get(target)
    if call is None or target in exam.graph.outputs.values():
        return None, frozenset()
    after = {one.path for one in exam.graph.calls if one.nodes[0] >= call.nodes[1]}
    before = {one.path for one in exam.graph.calls if one.nodes[0] < call.nodes[1]}
    return (call.path, call.number), frozenset(after - before)


def lacks_data(model: nn.Module) -> bool:
    """Return whether some buffer has no data that can be made up, so that it cannot be run."""
    return any(
        buffer.is_meta and name.rpartition(".")[2] not in _STATISTICS
        for name, buffer in model.named_buffers()
    )


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
        return own(tensor).detach()
    drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    if tensor.dim() > 1:
        return drawn * sqrt(2 / max(tensor[0].numel(), 1))
    return 1 + drawn / 4  # scales and biases above zero, so that ReLU lets something through


def _drawn_positive(name: str, tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Return weights whose sums are about 1, so that maps neither grow nor fade, and no biases."""
    if not tensor.is_floating_point():
        return own(tensor).detach()
    drawn = torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5
    if name.endswith("bias"):
        return QUIET * drawn
    return drawn / max(tensor[0].numel(), 1) if tensor.dim() > 1 else drawn


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
        if name in state:
            state[name] = state[first.setdefault(id(tensor), name)]


def _finder(exam: Examination, target: Value) -> Callable[[Any, list[Any]], Tensor]:
    for name, value in exam.graph.outputs.items():
        if value == target:
            return lambda result, kept: _called(name, result)
    call = exam.made_by.get(target)
    if call is None:
        raise UsageError("the chosen output cannot be found again when the network runs")
    place = call.outputs.index(target)
    return lambda result, kept: tensors_in(kept[call.number - 1])[place]


def _called(name: str, result: Any) -> Tensor:
    """Return the tensor at a place among what the model returned."""
    tensors = input_tensors(Inputs(args=(result,)))
    return tensors["0"] if "0" in tensors else tensors[f"0.{name}"]


def _ignore(path: str, args: Any) -> None:
    """Nothing is wanted of what goes in."""
