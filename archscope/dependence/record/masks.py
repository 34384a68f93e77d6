"""Which constants are masks: zero in places, and not learned."""

from __future__ import annotations

from torch import Tensor, nn

from archscope.dependence.record.fact_rules import facts_of_values


def mask_of(constant: Tensor) -> Tensor | None:
    """Return where a constant that is not learned is other than zero; None: it is no mask."""
    if constant.is_meta or isinstance(constant, nn.Parameter) or constant.numel() < 2:
        return None
    if type(constant).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return None  # packed weights, which are learned
    zero = facts_of_values(constant).zero
    return None if zero is None or bool(zero.all()) else ~zero
