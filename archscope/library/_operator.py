"""Registers the cost of a custom operator."""

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
    """Register a custom operator, so that `params`, `rf` and all other analyses know it.

    >>> operator(  # scores of x (batch, in) against w (out, in): in products for each
    ...     "mylib::scores",
    ...     macs=lambda x, w, *, result: result.numel() * w.shape[1],
    ...     shapes=lambda x, w: (x.shape[0], w.shape[0]),
    ...     reads="everything",
    ... )

    `name` includes the namespace: here the operator is `torch.ops.mylib.scores`. `macs` is a
    function of the operator's arguments and its `result` that returns multiply-accumulates (not
    FLOPs, which are twice as many), or 0 for an operator that performs none. `shapes` is needed if
    the operator has no fake kernel (`torch.library.register_fake`): it takes the arguments and
    returns the shape of the output, or of each of several; their number type is that of the first
    tensor. `reads` says what each output element depends on, for receptive fields: "elementwise",
    the elements at the same position after broadcasting; "everything", all elements of all inputs;
    or a rule, as described in CONTRIBUTING. A second call with the same name replaces the first.
    Formulas given to torch's `register_flop_formula`, in FLOPs, are used as well.

    Raises `UsageError` for an operator that archscope already counts, as a whole or in parts.
    """
    from archscope.counting.custom import is_composite

    namespace, _, rest = name.partition("::")
    if not namespace or not rest or "." in rest:
        raise UsageError(f"{name!r} names no operator; write its namespace too: 'mylib::scores'")
    if is_composite(name):
        raise UsageError(f"{name} runs as operators of torch itself, each of which is counted")
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
        raise UsageError(f"macs of {name} must be a function, or 0, not {macs!r}")
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
        raise UsageError(f"reads must be {' or '.join(rules)}, or a rule, not {reads!r}")
    try:
        give(name, rule)
    except ArchscopeError as error:
        raise UsageError(str(error)) from error
