"""What norms make, said at once: torch's answer without data takes up to two dozen operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Straight = Callable[[Sequence[Any], Callable[..., Any]], Any]
"""Takes an operator's arguments and what runs another operator; None: it has no answer to them."""


def straight_answers() -> Mapping[Any, Straight]:
    """Return what answers without torch, by operator."""
    aten = torch.ops.aten
    return {
        aten.native_batch_norm.default: _batch_norm,
        aten.native_batch_norm_backward.default: _gradients_of_batch_norm,
        aten.native_layer_norm.default: _layer_norm,
        aten.native_layer_norm_backward.default: _gradients_of_layer_norm,
    }


def _batch_norm(args: Sequence[Any], run: Callable[..., Any]) -> tuple[Tensor, ...] | None:
    """Return what it makes in training: the input normed, and its statistics."""
    if len(args) < 6 or not args[5] or not _are_alike(args):
        return None
    input = args[0]
    return (_like(input, run), *(_new(input, input.shape[1:2], run) for _ in range(2)))


def _gradients_of_batch_norm(
    args: Sequence[Any], run: Callable[..., Any]
) -> tuple[Tensor | None, ...] | None:
    """Return the gradients of the input, of the weight and of the bias, as far as asked for."""
    if len(args) < 10 or not _are_alike(args):
        return None
    return _gradients(args[1], args[1].shape[1:2], args[9], run)


def _layer_norm(args: Sequence[Any], run: Callable[..., Any]) -> tuple[Tensor, ...] | None:
    """Return the input normed, and its statistics."""
    if len(args) < 5:
        return None
    input, shape, *others = args
    if not input.is_contiguous() or not _fit(input, shape, others) or not _are_alike(args):
        return None
    rows = (*input.shape[: -len(shape)], *[1] * len(shape))
    return (_like(input, run), *(_new(input, rows, run) for _ in range(2)))


def _gradients_of_layer_norm(
    args: Sequence[Any], run: Callable[..., Any]
) -> tuple[Tensor | None, ...] | None:
    """Return the gradients of the input, of the weight and of the bias, as far as asked for."""
    if len(args) < 8 or not _are_alike(args):
        return None
    return _gradients(args[1], args[2], args[7], run)


def _gradients(
    input: Tensor, shape: Sequence[int], asked: Sequence[bool], run: Callable[..., Any]
) -> tuple[Tensor | None, ...]:
    """Return gradients as far as asked for, where torch's answer has the input's in any case."""
    of_input = _like(input, run) if asked[0] else None
    return (of_input, *(_new(input, shape, run) if each else None for each in asked[1:]))


def _fit(input: Tensor, shape: Sequence[int], parameters: Sequence[Any]) -> bool:
    """Return whether an input ends in a shape, and parameters have it."""
    given = [each.shape for each in parameters if isinstance(each, Tensor)]
    ends = [input.shape[-len(shape) :], *given]
    return bool(shape) and all(tuple(each) == tuple(shape) for each in ends)


def _are_alike(args: Sequence[Any]) -> bool:
    """Return whether all are of one number type that is computed in as it is."""
    kinds = {each.dtype for each in args if isinstance(each, Tensor)}
    return kinds in ({torch.float32}, {torch.float64})


def _like(tensor: Tensor, run: Callable[..., Any]) -> Any:
    return run(torch.ops.aten.empty_like.default, args=(tensor,))


def _new(tensor: Tensor, shape: Sequence[int], run: Callable[..., Any]) -> Any:
    return run(torch.ops.aten.new_empty.default, args=(tensor, list(shape)))
