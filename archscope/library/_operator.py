"""Takes what an operator of one's own costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archscope.errors import UsageError


def operator(
    name: str,
    *,
    macs: Callable[..., int] | int,
    shapes: Callable[..., Any] | None = None,
) -> None:
    """Say how many multiply-accumulates an operator of your own does; it is counted from then on.

    >>> operator(  # scores of x (batch, in) against w (out, in): in products for each
    ...     "mylib::scores",
    ...     macs=lambda x, w, *, result: result.numel() * w.shape[1],
    ...     shapes=lambda x, w: (x.shape[0], w.shape[0]),
    ... )

    `name` is that of `torch.ops.mylib.scores`, with its namespace. `macs` takes the operator's
    arguments and its result, and returns multiply-accumulates (not FLOPs: those are twice as
    many); 0 in its place is for an operator that does none. `shapes` is for an operator without a
    kernel for shapes alone (`torch.library.register_fake`): it takes the arguments and returns the
    shape of the output, or of each of several; their number type is that of the first tensor. A
    second call for the same name replaces the first. Formulas given to torch's
    `register_flop_formula`, in FLOPs, count as well.

    Raises `UsageError` for an operator that archscope counts by itself, as a whole or by its parts.
    """
    from archscope.counting.custom import give, is_composite, no_products
    from archscope.counting.operators import classify_torch

    namespace, _, rest = name.partition("::")
    if not namespace or not rest or "." in rest:
        raise UsageError(f"{name!r} names no operator; write its namespace too: 'mylib::scores'")
    if classify_torch(name) != "unknown":
        raise UsageError(f"{name} is counted already: {classify_torch(name)}")
    if is_composite(name):
        raise UsageError(f"{name} runs as operators of torch's own, which are counted each")
    if not callable(macs) and macs != 0:
        raise UsageError(f"macs of {name} is to be a function, or 0; it is {macs!r}")
    try:
        give(name, macs if callable(macs) else no_products, shapes)
    except RuntimeError as error:
        raise UsageError(f"shapes of {name} cannot be registered: {error}") from error
