"""Gradients of views that were written to, on tensors without data.

Autograd takes what was written to a view for a stretch of the whole, whose gradient it makes anew.
Of tensors of a class of their own, as those without data are, it takes the view once more, whose
gradient is a view of the one that comes in: less is alive then than of tensors with data.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from archscope.running.storages import keys_of


class WrittenViews(TorchFunctionMode):
    """Lets the gradient of a view that is written to within it be made anew."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        view = args[0] if args and _is_tracked_view(args[0]) else None
        before = None if view is None else view._version
        result = func(*args, **(kwargs or {}))
        if view is not None and view._version != before and view.requires_grad:
            with suppress(RuntimeError):  # some may be written to, and have no gradient
                _make_anew(view.grad_fn)
        return result


def _is_tracked_view(value: Any) -> bool:
    return isinstance(value, Tensor) and value._is_view() and not value.is_inference()


def _make_anew(first: Any) -> None:
    """Let what nodes from this one to that of the writing hand on be memory of its own."""
    last = first
    while last is not None and len(last.next_functions) == 1:
        following = last.next_functions[0][0]
        if following is not None and following.name().endswith("CopySlices"):
            break
        last = following
    else:
        return
    came: set[int] = set()

    def comes(gradients: Any) -> None:
        came.clear()
        came.update(keys_of(each for each in gradients if each is not None))

    def goes(gradients: Any, _: Any) -> Any:
        (gradient,) = gradients
        is_view = gradient is not None and came.issuperset(keys_of((gradient,)))
        return (gradient.clone(),) if is_view else None

    first.register_prehook(comes)
    last.register_hook(goes)
