"""What kernels of a CPU make, where torch's answer for tensors without data is another.

Sizes of memory, number types and layouts: what a step keeps hangs on each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch

Arguments = Sequence[Any]
Keywords = Mapping[str, Any]
Run = Callable[..., Any]
Answer = Callable[[Any, Arguments, Keywords, Run], Any]
"""Takes what torch made of an operator's arguments, these, and what runs another operator; returns
what a kernel makes."""


@cache
def answers_of_kernels() -> Mapping[Any, Answer]:
    """Return what is made instead, by operator."""
    aten = torch.ops.aten
    named: dict[str, Answer] = {
        **dict.fromkeys(_LOSSES, _with_what_was_reduced),
        **dict.fromkeys(_BAGS, _with_one_more),
        **{name: partial(_laid_out, like=like) for name, like in _LAID_OUT.items()},
        **dict.fromkeys(_NORMS, _with_wide_statistics),
        "native_batch_norm": _of_batch_norm,
        "native_group_norm_backward": _with_a_gradient_of_its_type,
        **dict.fromkeys(_VIEWS, _with_strides_of_a_view),
    }
    return {getattr(aten, name).default: answer for name, answer in named.items()}


_LOSSES = ("binary_cross_entropy", "mse_loss", "smooth_l1_loss", "soft_margin_loss")
"""Functions whose kernels write a loss for each element, and its mean or sum into the first of
them: the memory that a loss holds is that of all."""

_BAGS = ("_embedding_bag", "_embedding_bag_forward_only")
"""Functions whose kernels make some of what they return longer than it is in the end."""

_NORMS = ("native_layer_norm", "native_group_norm")
"""Functions that return what they normalise, its means and the inverses of its deviations."""

_VIEWS = ("view", "_unsafe_view")


def _with_what_was_reduced(loss: Tensor, args: Arguments, kwargs: Keywords, run: Run) -> Tensor:
    """Let a loss hold the memory of a number for each element of what it is made of."""
    elements = prod(torch.broadcast_shapes(args[0].shape, args[1].shape))
    if not loss.dim():
        loss.untyped_storage().resize_(elements * loss.element_size())
    return loss


def _with_one_more(
    made: Sequence[Tensor], args: Arguments, kwargs: Keywords, run: Run
) -> Sequence[Tensor]:
    """Let the bag of each place, and the sizes of bags, hold the memory of one number more."""
    _hold_one_more(made, *args, **kwargs)
    return made


def _hold_one_more(
    made: Sequence[Tensor],
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    by_frequency: bool = False,
    mode: int = 0,
    sparse: bool = False,
    weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int = -1,
) -> None:
    """Let the bag of each place, and the sizes of bags, hold the memory of one number more."""
    _, bags, sizes, _ = made
    for tensor in (bags, *([sizes] if include_last_offset and sizes.shape < offsets.shape else ())):
        if tensor.numel():
            tensor.untyped_storage().resize_((tensor.numel() + 1) * tensor.element_size())


def _laid_out(
    made: Any, args: Arguments, kwargs: Keywords, run: Run, *, like: Callable[[Arguments], Tensor]
) -> Any:
    """Return what an operator made as its kernel lays it out."""
    return _laid(made, like(args))


def _laid(made: Any, like: Tensor) -> Any:
    """Return what an operator made, tensors of one's shape lying as that does."""
    if made is None:
        return None
    if not isinstance(made, Tensor):
        return tuple(_laid(each, like) for each in made)
    if made.shape != like.shape or made.stride() == like.stride():
        return made
    return made.new_empty_strided(made.shape, like.stride())


def _with_wide_statistics(
    made: Sequence[Tensor], args: Arguments, kwargs: Keywords, run: Run
) -> tuple[Tensor, ...]:
    """Return statistics in 32 bits where the input has 16 and a parameter 32, as a CPU makes them.

    So it is under autocast; torch's answer for tensors without data has all in 16.
    """
    parameters = [each for each in args[1:] if isinstance(each, Tensor)]
    if not any(each.dtype is torch.float32 for each in parameters):
        return tuple(made)
    normed, *statistics = made
    narrow = (torch.bfloat16, torch.float16)
    wide = [
        each.new_empty(each.shape, dtype=torch.float32) if each.dtype in narrow else each
        for each in statistics
    ]
    return (normed, *wide)


def _of_batch_norm(
    made: Sequence[Tensor], args: Arguments, kwargs: Keywords, run: Run
) -> tuple[Tensor, ...]:
    made = _laid(made, _as_suggested(0, args))
    return _with_wide_statistics(made, args, kwargs, run)


def _with_a_gradient_of_its_type(
    made: Sequence[Tensor | None], args: Arguments, kwargs: Keywords, run: Run
) -> tuple[Any, ...]:
    """Return gradients of which the input's has its number type, as kernels make it."""
    of_input, *of_parameters = made
    kind = args[1].dtype
    if of_input is not None and of_input.dtype is not kind:
        of_input = of_input.new_empty(of_input.shape, dtype=kind)
    return (of_input, *of_parameters)


def _with_strides_of_a_view(made: Tensor, args: Arguments, kwargs: Keywords, run: Run) -> Tensor:
    """Return a view with the strides that a kernel tells."""
    strides = _strides_of_a_view(args[0], made)
    if strides == made.stride():
        return made
    told = (made, made.shape, strides, made.storage_offset())
    found: Tensor = run(torch.ops.aten.as_strided.default, args=told)
    return found


def _strides_of_a_view(whole: Tensor, view: Tensor) -> tuple[int, ...]:
    """Return a view's strides as a kernel tells them.

    Those of dimensions of one are others in torch's answer for tensors without data. A convolution
    asks them all whether channels come last, and what it keeps and makes follows.
    """
    if 1 not in view.shape:
        return view.stride()
    with no_dispatch():
        made = torch.empty_strided(whole.size(), whole.stride(), device="meta")
        return made.view(view.shape).stride()


def _in_order(args: Sequence[Any]) -> Tensor:
    """Return what lies in order: of the input, which in a backward stands second."""
    input = next(each for each in (*args[1:2], args[0]) if isinstance(each, Tensor))
    with no_dispatch():
        return torch.empty(input.shape, device="meta")


def _by_both(args: Sequence[Any]) -> Tensor:
    """Return what lies as a kernel lays out what it makes of two tensors, element by element."""
    with no_dispatch():
        one, other = (
            torch.empty_strided(each.size(), each.stride(), device="meta")
            for each in args
            if isinstance(each, Tensor)
        )
        return one + other


def _as_suggested(place: int, args: Sequence[Any]) -> Tensor:
    """Return what lies in order, or with channels last where an argument does."""
    from torch._prims_common import suggest_memory_format

    kind = suggest_memory_format(args[place])
    with no_dispatch():
        return torch.empty(args[place].shape, device="meta", memory_format=kind)


_LAID_OUT: Mapping[str, Callable[[Sequence[Any]], Tensor]] = {
    **dict.fromkeys(
        (
            *("native_layer_norm_backward", "_log_softmax_backward_data", "log_sigmoid_forward"),
            *("rrelu_with_noise", "rrelu_with_noise_backward", "huber_loss_backward"),
            "glu_backward",
        ),
        _in_order,
    ),
    **dict.fromkeys(
        (
            *("elu_backward", "hardsigmoid_backward", "hardswish_backward", "hardtanh_backward"),
            "softplus_backward",
        ),
        _by_both,
    ),
    **dict.fromkeys(("channel_shuffle", "roll"), partial(_as_suggested, 0)),
    **dict.fromkeys(
        ("native_batch_norm_backward", "reflection_pad2d_backward", "replication_pad2d_backward"),
        partial(_as_suggested, 1),
    ),
}
"""How kernels of a CPU lay out what they make, where torch's answer without data is another: what
follows makes a copy of the one and none of the other."""
