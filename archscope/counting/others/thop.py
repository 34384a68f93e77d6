"""thop's `profile` as it ships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from archscope.counting.others import Figures, Tool, positional
from archscope.counting.others._terms import Rule, noted_terms, recurrent_terms
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count by rules for kinds of modules."""
    from thop import profile

    with noted_terms(model, RULES) as terms:
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
        terms=terms,
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


# Recurrent layers, by the formulas of thop 0.1.1 (`rnn_hooks.py`).
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_STATE = {"RNN": 0, "GRU": 4, "LSTM": 4}
"""Elementwise operations for each unit of the state, beside one for each gate."""


def _layer(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`count_rnn`, `count_gru`, `count_lstm`."""
    sizes, directions = args[0].shape, 2 if module.bidirectional else 1
    width, layers = module.input_size, module.num_layers
    widths = [width, *[module.hidden_size * directions] * (layers - 1)]
    return _recurrent(
        module, module.mode.partition("_")[0], sizes[0] * sizes[1], directions, widths
    )


def _cell(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`count_rnn_cell`, `count_gru_cell`, `count_lstm_cell`."""
    kind = type(module).__name__.removesuffix("Cell")
    return _recurrent(module, kind, args[0].shape[0], 1, [module.input_size])


def _recurrent(
    module: Any, kind: str, rows: int, directions: int, widths: list[int]
) -> Mapping[str, int]:
    """Return the terms; `widths` are those of the input of each layer."""
    state, gates, cells = module.hidden_size, _GATES[kind], directions * len(widths)
    return recurrent_terms(
        module,
        rows,
        counted=directions * sum(gates * state * (width + state) for width in widths),
        biases=cells * gates * 2 * state if module.bias else 0,
        elementwise=cells * (gates + _STATE[kind]) * state,
    )


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("RNN", "GRU", "LSTM"), _layer),
    **dict.fromkeys(("RNNCell", "GRUCell", "LSTMCell"), _cell),
}
"""By the name of a module's class."""


TOOL = Tool(
    name="thop",
    package="thop",
    convention="MACs, and estimates for norms and pooling",
    count=count,
    order=4,
)
