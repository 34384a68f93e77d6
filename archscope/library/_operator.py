"""Takes what an operator of one's own costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from archscope.errors import ArchscopeError, UsageError

Reads: TypeAlias = Literal["elementwise", "everything"] | Callable[..., Any]


def operator(
    name: str,
    *,
    macs: Callable[..., int] | int | None = None,
    shapes: Callable[..., Any] | None = None,
    reads: Reads | None = None,
) -> None:
    """Say what an operator of your own does; `params`, `rf` and all else know it from then on.

    >>> operator(  # scores of x (batch, in) against w (out, in): in products for each
    ...     "mylib::scores",
    ...     macs=lambda x, w, *, result: result.numel() * w.shape[1],
    ...     shapes=lambda x, w: (x.shape[0], w.shape[0]),
    ...     reads="everything",
    ... )

    `name` is that of `torch.ops.mylib.scores`, with its namespace. `macs` takes the operator's
    arguments and its result, and returns multiply-accumulates (not FLOPs: those are twice as
    many); 0 in its place is for an operator that does none. `shapes` is for an operator without a
    kernel for shapes alone (`torch.library.register_fake`): it takes the arguments and returns the
    shape of the output, or of each of several; their number type is that of the first tensor.
    `reads` is what each element of the output depends on, for receptive fields: "elementwise", the
    elements at its place after broadcasting; "everything", all elements of all inputs; or a rule,
    as the project's CONTRIBUTING has them. A second call for the same name replaces the first.
    Formulas given to torch's `register_flop_formula`, in FLOPs, count as well.

    Raises `UsageError` for an operator that archscope counts by itself, as a whole or by its parts.
    """
    from archscope.counting.custom import is_composite

    namespace, _, rest = name.partition("::")
    if not namespace or not rest or "." in rest:
        raise UsageError(f"{name!r} names no operator; write its namespace too: 'mylib::scores'")
    if is_composite(name):
        raise UsageError(f"{name} runs as operators of torch's own, which are counted each")
    if reads is not None:
        _look(name, reads)
    if shapes is not None:
        _shape(name, shapes)
    if macs is not None:
        _count(name, macs)


def _count(name: str, macs: Callable[..., int] | int) -> None:
    from archscope.counting.custom import give, no_products
    from archscope.counting.operators import classify_torch

    if classify_torch(name) != "unknown":
        raise UsageError(f"{name} is counted already: {classify_torch(name)}")
    if not callable(macs) and macs != 0:
        raise UsageError(f"macs of {name} is to be a function, or 0; it is {macs!r}")
    give(name, macs if callable(macs) else no_products)


def _shape(name: str, shapes: Callable[..., Any]) -> None:
    from archscope.counting.custom import give_shapes

    try:
        give_shapes(name, shapes)
    except RuntimeError as error:
        raise UsageError(f"shapes of {name} cannot be registered: {error}") from error


def _look(name: str, reads: Reads) -> None:
    from archscope.dependence.rules import everywhere, give, pointwise

    rules: dict[Any, Callable[..., Any]] = {"elementwise": pointwise, "everything": everywhere}
    rule = reads if callable(reads) else rules.get(reads)
    if rule is None:
        raise UsageError(f"reads is to be {' or '.join(rules)}, or a rule; it is {reads!r}")
    try:
        give(name, rule)
    except ArchscopeError as error:
        raise UsageError(str(error)) from error
