"""Runs a function so that it keeps its arguments alone, and runs again in the backward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.checkpoint import checkpoint

Around = Callable[[], AbstractContextManager[Any]]


def run_again(
    function: Callable[..., Any], *args: Any, around: Around = nullcontext, **kwargs: Any
) -> Any:
    """Return what a function returns, which is computed again for its gradients.

    `around` is entered then: torch leaves the modes of a forward aside in its backward. What stands
    in lists or is given by keyword is handed on tensor by tensor, for of what a checkpoint holds
    otherwise autograd does not know.
    """
    leaves, form = tree_flatten((args, kwargs))

    def by_place(*values: Any) -> Any:
        given, named = tree_unflatten(values, form)
        return function(*given, **named)

    return checkpoint(
        by_place,
        *leaves,
        use_reentrant=False,
        preserve_rng_state=False,
        determinism_check="none",
        context_fn=lambda: (nullcontext(), around()),
    )
