"""The formulas of ptflops 0.7 (`pytorch_ops.py`) whose sum is not weights times rows.

B items, S queries, T keys, E the width of queries, h heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from archscope.counting.others import PRODUCTS
from archscope.counting.others._terms import ADDED_BIASES, Rule, recurrent_terms

_SCALING = "the scaling of queries is added"
_SOFTMAX = "softmax of attention is added as work"
_GATES = {"RNN": 1, "GRU": 7, "LSTM": 10}
"""Elementwise operations for each unit of the state, as `rnn_flops` counts them."""


def _recurrent_layer(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`rnn_flops_counter_hook`: forward layers, twice where there are backward ones too."""
    sizes, directions = args[0].shape, 2 if module.bidirectional else 1
    of_states = [f"{of}_l{layer}" for layer in range(module.num_layers) for of in ("ih", "hh")]
    weights = sum(getattr(module, f"weight_{of}").numel() for of in of_states)
    biases = sum(getattr(module, f"bias_{of}").numel() for of in of_states) if module.bias else 0
    gates = _GATES[module.mode.partition("_")[0]] * module.hidden_size * module.num_layers
    return recurrent_terms(
        module,
        sizes[0] * sizes[1],
        counted=directions * weights,
        biases=directions * biases,
        elementwise=directions * gates,
    )


def _recurrent_cell(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`rnn_cell_flops_counter_hook`."""
    weights = module.weight_ih.numel() + module.weight_hh.numel()
    biases = module.bias_ih.numel() + module.bias_hh.numel() if module.bias else 0
    gates = _GATES[type(module).__name__.removesuffix("Cell")] * module.hidden_size
    rows = args[0].shape[0]
    return recurrent_terms(module, rows, counted=weights, biases=biases, elementwise=gates)


def _transposed(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`conv_flops_counter_hook`: weights meet what goes in, biases what comes out."""
    x = args[0]
    filters = module.out_channels // module.groups
    products = x.numel() * filters * prod(module.kernel_size)
    return {PRODUCTS: products, ADDED_BIASES: output.numel() if module.bias is not None else 0}


def _attention(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`multihead_attention_counter_hook`."""
    q, k, v = args
    first, length = (0, 1) if module.batch_first else (1, 0)
    batch, heads = q.shape[first], module.num_heads
    s, t, u = q.shape[length], k.shape[length], v.shape[length]
    e, d, f = q.shape[2], k.shape[2], v.shape[2]
    more = (module.bias_k is not None) + module.add_zero_attn
    true = s * e * e + t * d * e + u * f * e + s * (t + more) * 2 * e + s * e * e
    e_heads, f_heads = heads * (e // heads), heads * (f // heads)
    counted = s * e * e + t * d * d + u * f * f + s * t * (e_heads + f_heads) + s * f * f
    unseen = -s * more * 2 * e
    biases = (s + t + u) * e if module.in_proj_bias is not None else 0
    found = {
        PRODUCTS: true,
        "added keys and values (add_bias_kv, add_zero_attn) are not counted": unseen,
        "keys and values are taken to be as wide as their inputs": counted - unseen - true,
        ADDED_BIASES: biases + s * f,  # the latter also where there is none
        _SCALING: s * e,
        _SOFTMAX: heads * s * t,
    }
    return {term: batch * macs for term, macs in found.items()}


def _timms_attention(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`timm_attention_counter_hook`, for `timm.models.vision_transformer.Attention`."""
    batch, length, _ = args[0].shape
    heads, width = module.num_heads, module.head_dim
    return {
        PRODUCTS: batch * heads * 2 * length * length * width,
        _SCALING: batch * length * width * heads,
        _SOFTMAX: batch * heads * length * length,
    }


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("RNN", "GRU", "LSTM"), _recurrent_layer),
    **dict.fromkeys(("RNNCell", "GRUCell", "LSTMCell"), _recurrent_cell),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), _transposed),
    "MultiheadAttention": _attention,
    "Attention": _timms_attention,
}
"""By the name of a module's class."""
