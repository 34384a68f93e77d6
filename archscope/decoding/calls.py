"""Which modules are running, one within another, and what each was called with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from torch import Tensor, nn

from archscope.records import frozen

M = TypeVar("M", bound=nn.Module)


@frozen
class Call:
    """One module that is running."""

    path: str
    """Its dotted name; empty for the network itself."""
    module: nn.Module
    args: tuple[Any, ...]
    """What it was called with, by place."""
    kwargs: Mapping[str, Any]
    """What it was called with by name."""

    def argument(self, place: int, name: str) -> Any:
        """Return an argument by its place or its name; None where it was not given."""
        return self.args[place] if place < len(self.args) else self.kwargs.get(name)


Seen = Callable[[Sequence[Call], Any], None]
"""Takes the calls that are open, the innermost last, and what that one returned."""


@contextmanager
def watched(model: nn.Module, seen: Seen) -> Iterator[list[Call]]:
    """Call `seen` at the end of every module's forward, as long as the context is open."""
    stack: list[Call] = []
    handles = []

    def open_(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            stack.append(Call(path=path, module=module, args=args, kwargs=kwargs))

        return hook

    def close(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        seen(stack, output)
        stack.pop()

    for path, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(open_(path), with_kwargs=True))
        handles.append(module.register_forward_hook(close, with_kwargs=True))
    try:
        yield stack
    finally:
        for handle in handles:
            handle.remove()


def within(calls: Sequence[Call], *kinds: type[M]) -> Call | None:
    """Return the innermost of the calls that is of a module of these kinds."""
    return next((call for call in reversed(calls) if isinstance(call.module, kinds)), None)


def elements(*tensors: Tensor) -> int:
    """Return the elements of tensors (B, ...) for the first of the batch."""
    return sum(tensor[0].numel() for tensor in tensors)


def last(tensor: Tensor, count: int | None, axis: int) -> Tensor:
    """Return the last so many positions of an axis; None: all."""
    length = tensor.shape[axis]
    kept = length if count is None else min(length, count)
    return tensor.narrow(axis, length - kept, kept)
