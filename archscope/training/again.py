"""Runs a function so that it keeps its arguments alone, and runs again in the backward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch.utils.checkpoint import checkpoint

Around = Callable[[], AbstractContextManager[Any]]


def run_again(
    function: Callable[..., Any], *args: Any, around: Around = nullcontext, **kwargs: Any
) -> Any:
    """Return what a function returns, which is computed again for its gradients.

    `around` is entered then: torch leaves the modes of a forward aside in its backward. Keywords
    are handed on by their places, for what checkpoints hold by keyword autograd does not know of.
    """
    places = len(args)

    def by_place(*values: Any) -> Any:
        named = dict(zip(kwargs, values[places:], strict=True))
        return function(*values[:places], **named)

    return checkpoint(
        by_place,
        *args,
        *kwargs.values(),
        use_reentrant=False,
        preserve_rng_state=False,
        determinism_check="none",
        context_fn=lambda: (nullcontext(), around()),
    )
