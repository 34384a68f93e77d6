"""What checkpoints call the same layers, and the thirds of a fused query, key and value."""

from __future__ import annotations

from typing import Any

from torch import nn

from archscope.running.attributes import part_of

_CALLED_THE_SAME = (
    ("q", "q_proj", "query", "q_lin", "to_q", "wq"),
    ("k", "k_proj", "key", "k_lin", "to_k", "wk"),
    ("v", "v_proj", "value", "v_lin", "to_v", "wv"),
    ("qkv", "qkv_proj", "c_attn", "query_key_value", "Wqkv", "in_proj"),
    ("proj", "o_proj", "out_proj", "out_lin", "to_out", "wo"),
    ("gate", "gate_proj"),
    ("up", "up_proj"),
    ("down", "down_proj"),
    ("fc1", "c_fc", "lin1"),
    ("fc2", "lin2"),
)
"""Names of one layer in the code of GPT-2, BERT, DistilBERT, OPT, BLOOM, Llama, ViT, and here."""

_QUERY_KEY_VALUE, _FUSED = _CALLED_THE_SAME[:3], _CALLED_THE_SAME[3]


def called_the_same(word: str) -> tuple[str, ...]:
    """Return what others call the layer that somebody calls `word`, itself first.

    >>> called_the_same("up_proj")
    ('up_proj', 'up')
    """
    for names in _CALLED_THE_SAME:
        if word in names:
            return (word, *(name for name in names if name != word))
    return (word,)


def third_of(word: str) -> int | None:
    """Return which third of a fused layer `word` names: 0 the query, 1 the key, 2 the value.

    >>> third_of("value"), third_of("up")
    (2, None)
    """
    return next((at for at, names in enumerate(_QUERY_KEY_VALUE) if word in names), None)


def fused_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that make query, key and value of equal width, one beside the other."""
    found = {}
    for path, layer in model.named_modules():
        holder, _, name = path.rpartition(".")
        if name in _FUSED and _makes_thirds(layer, part_of(model, holder)):
            found[path] = layer
    return found


def _makes_thirds(layer: Any, holder: nn.Module) -> bool:
    """Return whether thirds are sure: few key heads beside many queries make a layer of others."""
    if not isinstance(layer, nn.Linear):
        return False
    return layer.out_features == 3 * layer.in_features or getattr(holder, "fused", None) is True
