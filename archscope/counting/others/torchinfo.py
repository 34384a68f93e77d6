"""torchinfo's `summary` as it ships."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from torch import nn

from archscope.counting.others import PRODUCTS, Figures, Tool
from archscope.counting.others._terms import ADDED_BIASES, Rule, noted_terms
from archscope.running.module_stack import paths_of
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count from shapes of outputs and weights, one layer at a time."""
    from torchinfo import summary

    weight = next(model.parameters(), None)
    with noted_terms(model, RULES) as terms:
        statistics = summary(
            model,
            input_data=list(inputs.args) or dict(inputs.kwargs),
            device=None if weight is None else weight.device,
            cache_forward_pass=False,
            mode="eval",
            verbose=0,
            **(dict(inputs.kwargs) if inputs.args else {}),
        )
    paths = paths_of(model)
    macs: Counter[str] = Counter()
    params: Counter[str] = Counter()
    for layer in statistics.summary_list:
        path = paths.get(layer.layer_id)
        if path is None:
            continue
        if layer.is_leaf_layer:
            macs[path] += layer.macs
        if not layer.is_recursive:
            kept = layer.num_params if layer.is_leaf_layer else layer.leftover_params()
            params[path] += max(kept, 0)
    return Figures(
        params=statistics.total_params,
        macs=statistics.total_mult_adds,
        modules={path: {"": number} for path, number in macs.items() if number},
        terms=terms,
        params_of_modules=params,
    )


def _bilinear(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """Its weights and biases are counted once for each item, and no more."""
    last = output.numel() * module.in1_features
    return {
        PRODUCTS: last * module.in2_features + last,
        "Bilinear: its second product is not counted": -last,
        ADDED_BIASES: output.numel() if module.bias is not None else 0,
    }


RULES: Mapping[str, Rule] = {"Bilinear": _bilinear}
"""By the name of a module's class."""


TOOL = Tool(
    name="torchinfo",
    package="torchinfo",
    convention="mult-adds of weights and biases: taken as MACs",
    count=count,
    order=3,
)
