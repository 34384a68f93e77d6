"""torchinfo's `summary` as it ships."""

from __future__ import annotations

from collections import Counter

from torch import nn

from archscope.counting.others._tool import Figures, Tool, paths_of
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count from shapes of outputs and weights, one layer at a time."""
    from torchinfo import summary

    weight = next(model.parameters(), None)
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
        params_of_modules=params,
    )


TOOL = Tool(
    name="torchinfo",
    package="torchinfo",
    convention="mult-adds of weights and biases: taken as MACs",
    count=count,
)
