"""Finishes what the user's code leaves open: lazy layers get sizes, weights on meta get data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope.errors import UsageError
from archscope.loaders import _code
from archscope.running.attributes import buffers_of, parameters_of
from archscope.subject import Inputs

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_SPREAD = 0.02
"""Standard deviation of weights that have no values of their own, as GPT-2 draws them."""


def is_unfinished(model: nn.Module) -> bool:
    """Return whether layers of a model take their sizes from its first input."""
    from torch.nn.parameter import is_lazy

    return any(map(is_lazy, chain(parameters_of(model), buffers_of(model))))


def sized_copy(model: nn.Module, inputs: Inputs) -> nn.Module:
    """Return a copy of a model that has run once; the model and torch's random state stay."""
    import copy

    import torch
    from torch.nn.parameter import is_lazy

    # A buffer without a size is not copied by torch itself.
    lazy: list[Any] = [buffer for buffer in buffers_of(model) if is_lazy(buffer)]
    memo = {id(b): type(b)(device=b.device, dtype=b.dtype) for b in lazy}
    with torch.random.fork_rng(devices=[]):
        made, given = copy.deepcopy((model, inputs), memo)
        size_lazy_layers(made, lambda: given)
    return made


def size_lazy_layers(model: nn.Module, inputs: Callable[[], Inputs | None]) -> None:
    """Run a forward where layers take their sizes from it, as torch's `LazyLinear` does.

    Raises `UsageError` where there are no inputs, `LoadError` where the forward raises.
    """
    import torch

    if not is_unfinished(model):
        return
    name, given = type(model).__name__, inputs()
    if given is None:
        raise UsageError(f"layers of {name} take their sizes from its input; give --input-shape")
    trained = [module for module in model.modules() if module.training]
    for module in trained:
        module.training = False
    with torch.no_grad():
        _code.run(
            lambda: model(*given.args, **given.kwargs),
            f"the forward of {name} that tells its lazy layers their sizes",
            folder=Path.cwd(),
        )
    for module in trained:
        module.training = True


def with_data(model: nn.Module, device: torch.device) -> nn.Module:
    """Return the model on a device; what is on meta gets values, the same for shared tensors."""
    twins: dict[int, Any] = {}
    for module in model.modules():
        own = (module._parameters, module._buffers)
        tensors = [t for held in own for t in held.values() if t is not None]
        bodiless = [tensor for tensor in tensors if tensor.is_meta]
        if not bodiless:
            continue
        for held in own:
            for name, tensor in held.items():
                if tensor is not None and tensor.is_meta:
                    held[name] = twins.setdefault(id(tensor), _twin(tensor, device))
        reset = getattr(module, "reset_parameters", None)
        if len(bodiless) == len(tensors) and callable(reset):
            reset()
    return model.to(device)


def _twin(tensor: Tensor, device: torch.device) -> Tensor:
    import torch

    twin = torch.zeros_like(tensor, device=device)
    if not isinstance(tensor, torch.nn.Parameter):
        return twin
    if twin.is_floating_point() or twin.is_complex():
        torch.nn.init.normal_(twin, std=_SPREAD)
    return torch.nn.Parameter(twin, requires_grad=tensor.requires_grad)
