"""Transforms of torch.func (`vmap`, `grad`) that the caller stands within, and their tensors.

Within one, torch lets nobody draw random numbers or ask for gradients, and its tensors have no
memory of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from archscope.errors import UsageError
from archscope.running.attributes import buffers_of, parameters_of

_HOOKS: Any = torch._C._autograd
_OF_TRANSFORMS: Any = torch._C._functorch


def is_transformed() -> bool:
    """Return whether what runs now is transformed by torch.func."""
    return _OF_TRANSFORMS.peek_interpreter_stack() is not None


@contextmanager
def outside_transforms() -> Iterator[None]:
    """Leave all transforms for as long as the context lasts, and let saved tensors be looked at."""
    if not is_transformed():
        yield
        return
    from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

    forbidden = _HOOKS._saved_tensors_hooks_get_disabled_error_message()
    with temporarily_clear_interpreter_stack():
        _HOOKS._saved_tensors_hooks_enable()
        try:
            yield
        finally:
            if forbidden is not None:
                _HOOKS._saved_tensors_hooks_disable(forbidden)


def require_untransformed(model: nn.Module) -> None:
    """Raise `UsageError` where weights are a transform's own, as those that `vmap` goes through."""
    if any(map(_is_wrapped, (*parameters_of(model), *buffers_of(model)))):
        raise UsageError(
            "its weights are those of a transform of torch.func (vmap, grad): ask outside of it"
        )


def untransformed(values: Any) -> Any:
    """Return values with the tensors that transforms made as plain ones; called outside of them.

    Of tensors that `vmap` goes through, the first.
    """
    made = any(map(_is_wrapped, tree_leaves(values)))
    return tree_map_only(Tensor, _plain, values) if made else values


def _is_wrapped(value: Any) -> bool:
    return isinstance(value, Tensor) and _OF_TRANSFORMS.is_functorch_wrapped_tensor(value)


def _plain(tensor: Tensor) -> Tensor:
    along = []
    while _is_wrapped(tensor):
        along.append(_OF_TRANSFORMS.maybe_get_bdim(tensor))  # -1: none
        tensor = _OF_TRANSFORMS.get_unwrapped(tensor)
    for axis in reversed(along):
        tensor = tensor if axis < 0 else tensor.select(axis, 0).clone()
    return tensor
