"""Turns a network into one decoding step: one more position, with the earlier ones cached."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.utils._pytree import tree_map

from archscope.errors import UsageError
from archscope.subject import Inputs

DECODING = "archscope_decoding"
"""The method by which a class tells what a next position does, given how many there are."""


def for_one_token(model: nn.Module, inputs: Inputs, context: int) -> Inputs:
    """Give attention its cache, and return the inputs' last position; the modules stay changed.

    Raises `UsageError` where nothing in the network tells of a cache.
    """
    changed = 0
    for module in model.modules():
        make = getattr(module, DECODING, None)
        if make is not None:
            # Beside the class's own, so that putting the attributes back takes it away again.
            object.__setattr__(module, "forward", make(context))
            changed += 1
    if not changed:
        raise UsageError("--pass decode: no attention of this network can be given a cache")

    def last(leaf: object) -> object:
        return leaf[:, -1:].clone() if isinstance(leaf, Tensor) and leaf.dim() > 1 else leaf

    return Inputs(args=tree_map(last, inputs.args), kwargs=tree_map(last, dict(inputs.kwargs)))


def kept_by(model: nn.Module) -> Iterator[Tensor]:
    """Yield the caches of its attention, where it decodes."""
    for module in model.modules():
        yield from getattr(vars(module).get("forward"), "cache", ())
