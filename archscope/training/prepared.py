"""A copy of a network that is ready to be trained by a recipe, on tensors of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from archscope.counting.blocks import repeated_blocks
from archscope.counting.freezing import frozen_by
from archscope.errors import ArchscopeError
from archscope.running.copies import StandIn
from archscope.running.twin import Original, Twin, twin_of
from archscope.subject import Repeat
from archscope.training.adapters import adapt
from archscope.training.recipe import Recipe


def prepared(
    original: Original,
    recipe: Recipe,
    *,
    weight: StandIn,
    argument: StandIn,
    repeats: Sequence[Repeat] = (),
) -> Twin:
    """Return a copy in training mode whose parameters are frozen, adapted and recomputed as asked.

    `weight` and `argument` make what stands for the tensors. A module that was put into evaluation
    mode within a network in training mode stays so. Raises `ArchscopeError` where nothing trains.
    """
    trains = original.model.training
    modes = [module.training or not trains for module in original.model.modules()]
    twin = twin_of(original, weight=weight, argument=argument)
    for module, mode in zip(twin.model.modules(), modes, strict=True):
        module.training = mode
    held = frozen_by(twin.model, recipe.freeze, repeats)
    for parameter in twin.model.parameters():
        if id(parameter) in held:
            parameter.requires_grad_(False)
    if recipe.adapters is not None:
        adapt(twin.model, recipe.adapters)
    if not any(parameter.requires_grad for parameter in twin.model.parameters()):
        raise ArchscopeError("nothing can be trained: no parameter has requires_grad")
    if recipe.recompute is not None:
        for path in list(_recomputed(twin.model, recipe.recompute.every, repeats)):
            _run_again(twin.model.get_submodule(path))
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


def _run_again(block: nn.Module) -> None:
    """Let a block keep its inputs alone, and run again when its gradients are asked for.

    One of transformers' is asked in its own way: then it leaves out its cache, which would grow.
    """
    if any(kind.__name__ == "GradientCheckpointingLayer" for kind in type(block).__mro__):
        asked: Any = block
        asked.gradient_checkpointing = True
        asked._gradient_checkpointing_func = _AGAIN
        return
    forward: Callable[..., Any] = block.forward
    block.forward = partial(_AGAIN, forward)


_AGAIN = partial(
    checkpoint, use_reentrant=False, preserve_rng_state=False, determinism_check="none"
)


def cast(tensor: Tensor, dtype: torch.dtype | None) -> torch.dtype:
    """Return the number type that a tensor has after all are cast to `dtype`; None: its own."""
    return dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
