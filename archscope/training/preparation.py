"""A copy of a network that is ready to be trained by a recipe, on tensors of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from archscope.counting.blocks import repeated_blocks
from archscope.counting.freezing import frozen_by
from archscope.errors import ArchscopeError
from archscope.running.attributes import parameters_of, part_of
from archscope.running.copies import StandIn
from archscope.running.twin import Original, Twin, evaluate, twin_of
from archscope.subject import Repeat
from archscope.training.adapters import adapt
from archscope.training.recipe import Recipe
from archscope.training.recompute import Around, run_again

CORE = "archscope_core"
"""The attribute by which a class names its method that makes scores of attention by itself."""


def prepared(
    original: Original,
    recipe: Recipe,
    *,
    weight: StandIn,
    argument: StandIn,
    repeats: Sequence[Repeat] = (),
    around: Around = nullcontext,
) -> Twin:
    """Return a copy in training mode whose parameters are frozen, adapted and recomputed as asked.

    `weight` and `argument` make what stands for the tensors; `around` is entered where a block
    runs again. A module that was put into evaluation mode within a network in training mode stays
    so. Raises `ArchscopeError` where nothing trains.
    """
    modes = [getattr(module, "training", False) for module in original.model.modules()]
    trains = modes[0]
    modes = [mode or not trains for mode in modes]
    twin = twin_of(original, weight=weight, argument=argument)
    evaluate(twin.model, modes)
    held = frozen_by(twin.model, recipe.freeze, repeats)
    for parameter in parameters_of(twin.model):
        if id(parameter) in held:
            parameter.requires_grad_(False)
    if recipe.adapters is not None:
        adapt(twin.model, recipe.adapters)
    if not any(parameter.requires_grad for parameter in parameters_of(twin.model)):
        raise ArchscopeError("nothing can be trained: no parameter has requires_grad")
    if recipe.recompute is not None and recipe.recompute.every:
        for path in list(_recomputed(twin.model, recipe.recompute.every, repeats)):
            _run_again(part_of(twin.model, path), "forward", around)
        _leave_out_caches(twin.model)
    if recipe.recompute is not None and recipe.recompute.core:
        for module in twin.model.modules():
            if hasattr(module, CORE):
                _run_again(module, getattr(module, CORE), around)
    return twin


def _recomputed(model: nn.Module, every: int, repeats: Sequence[Repeat]) -> Iterator[str]:
    """Yield the paths of each so many-th block of those that repeat."""
    times = {repeat.path: len(repeat.copies) for repeat in repeats}
    blocks = repeated_blocks(model, times)
    if not blocks:
        raise ArchscopeError(
            "recompute: no block of this network repeats, so none can be run again"
        )
    yield from blocks[every - 1 :: every]


def _run_again(block: nn.Module, method: str, around: Around) -> None:
    """Let a method keep its inputs alone, and run again when its gradients are asked for."""
    if _is_of_transformers(block):  # its own way leaves out a cache that would grow
        asked: Any = block
        asked.gradient_checkpointing = True
        asked._gradient_checkpointing_func = partial(run_again, around=around)
        return
    again = partial(run_again, getattr(block, method), around=around)
    object.__setattr__(block, method, again)


def _leave_out_caches(model: nn.Module) -> None:
    """Tell modules of transformers' around blocks that run again, which hand on caches otherwise.

    Older ones would run their blocks again themselves; that is done already.
    """
    for module in model.modules():
        if getattr(module, "gradient_checkpointing", None) is False:
            around: Any = module
            around.gradient_checkpointing = not _is_of_transformers(module)
            around._gradient_checkpointing_func = _called


def _called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _is_of_transformers(block: nn.Module) -> bool:
    return any(kind.__name__ == "GradientCheckpointingLayer" for kind in type(block).__mro__)


def cast(tensor: Tensor, dtype: torch.dtype | None) -> torch.dtype:
    """Return the number type that a tensor has after all are cast to `dtype`; None: its own.

    Raises `ArchscopeError` for one that holds others: what becomes of these is its own affair.
    """
    if dtype in (None, tensor.dtype) or not tensor.is_floating_point():
        return tensor.dtype
    if hasattr(tensor, "__tensor_flatten__"):
        raise ArchscopeError(
            f"dtype: a tensor is a {type(tensor).__name__}, which holds others in types of their "
            "own: what a cast makes of it is unknown; leave --dtype out"
        )
    assert dtype is not None
    return dtype
