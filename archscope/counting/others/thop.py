"""thop's `profile` as it ships."""

from __future__ import annotations

from typing import Any

from torch import nn

from archscope.counting.others import Figures, Tool, positional
from archscope.counting.others._terms import Terms
from archscope.counting.others._thop_rules import RULES
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count by rules for kinds of modules."""
    from thop import profile

    with Terms(model, RULES) as terms:
        macs, params, layers = profile(
            model, inputs=positional(model, inputs, "thop"), verbose=False, ret_layer_info=True
        )
    work: dict[str, dict[str, int]] = {}
    weights: dict[str, int] = {}
    _collect("", layers, work, weights)
    if not layers:
        work, weights = {"": {"": int(macs)}}, {"": int(params)}
    return Figures(
        params=int(params),
        macs=int(macs),
        modules=work,
        terms=terms.found,
        params_of_modules=weights,
    )


def _collect(
    prefix: str, layers: Any, work: dict[str, dict[str, int]], weights: dict[str, int]
) -> None:
    for name, (macs, params, inner) in layers.items():
        path = f"{prefix}{name}"
        if inner:
            _collect(f"{path}.", inner, work, weights)
            continue
        if macs:
            work[path] = {"": int(macs)}
        weights[path] = int(params)


TOOL = Tool(
    name="thop",
    package="thop",
    convention="MACs, and estimates for norms and pooling",
    count=count,
    order=4,
)
