"""Closed form of a module from its type, its settings and the shapes that it met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch import nn

from archscope.running.attributes import stated
from archscope.theory import counts, mixing_counts
from archscope.theory.counts import ClosedForm

Shape = tuple[int, ...]
Maker = Callable[[Any, Sequence[Shape], Shape], ClosedForm | None]


def closed_form(
    module: nn.Module, inputs: Sequence[Shape], output: Shape, *, derived: bool = False
) -> ClosedForm | None:
    """Return the closed form of one call of `module`'s own work, or None where none is known.

    `inputs` are the shapes of its tensor arguments, `output` that of its first result. A module of
    any class may state its own by a method `archscope_closed_form(inputs, output)`. A subclass of a
    torch layer is not taken for that layer: its forward may do something else. With `derived` it
    is, by a caller who compares the form with what was counted. Where attributes are not as torch
    makes them there is no form; to state one never ends a count.
    """
    try:
        return _form(module, inputs, output, derived=derived)
    except Exception:  # attributes and methods of the user's own may raise anything
        return None


def params_form(module: nn.Module) -> ClosedForm | None:
    """Return the closed form of a layer that nobody ran; its multiply-accumulates mean nothing."""
    anything = (1, 1, 1)
    return closed_form(module, (anything,) * 3, anything, derived=True)


def _form(
    module: nn.Module, inputs: Sequence[Shape], output: Shape, *, derived: bool
) -> ClosedForm | None:
    own = stated(module, "archscope_closed_form")
    if callable(own):
        form = own(inputs, output)
        return form if isinstance(form, ClosedForm) else None
    kinds = type(module).__mro__ if derived else (type(module),)
    maker = next((_MAKERS[kind] for kind in kinds if kind in _MAKERS), None)
    return None if maker is None else maker(module, inputs, output)


def _linear(module: nn.Linear, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
    return counts.linear(
        rows=prod(inputs[0][:-1]),
        inputs=module.in_features,
        outputs=module.out_features,
        bias=module.bias is not None,
    )


def _convolution(module: Any, inputs: Sequence[Shape], output: Shape) -> ClosedForm | None:
    moved = inputs[0] if module.transposed else output
    if len(moved) != len(module.kernel_size) + 2:  # a single sample without a batch axis
        moved = (1, *moved)
    return counts.convolution(
        positions=counts.positions_of(moved),
        inputs=module.in_channels,
        outputs=module.out_channels,
        kernel=module.kernel_size,
        groups=module.groups,
        bias=module.bias is not None,
    )


def _embedding(module: nn.Embedding, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
    return counts.embedding(words=module.num_embeddings, width=module.embedding_dim)


def _normalisation(module: Any, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
    weight, bias = module.weight, stated(module, "bias")
    return counts.normalisation(
        width=weight.numel() if weight is not None else 0,
        weight=weight is not None,
        bias=bias is not None,
    )


def _attention(
    module: nn.MultiheadAttention, inputs: Sequence[Shape], output: Shape
) -> ClosedForm | None:
    if len(inputs) < 3 or module.in_proj_weight is None or module.bias_k is not None:
        return None
    q, k = inputs[0], inputs[1]
    batched = len(q) == 3
    if not batched:
        q, k = (1, *q), (1, *k)
    batch_axis = 0 if module.batch_first or not batched else 1
    return mixing_counts.multihead_attention(
        batch=q[batch_axis],
        queries=q[1 - batch_axis],
        keys=k[1 - batch_axis],
        added=int(bool(module.add_zero_attn)),
        width=module.embed_dim,
        bias=module.in_proj_bias is not None,
    )


def _recurrent(module: nn.RNNBase, inputs: Sequence[Shape], output: Shape) -> ClosedForm | None:
    if module.proj_size:
        return None
    return mixing_counts.recurrent(
        rows=prod(inputs[0][:-1]),
        inputs=module.input_size,
        hidden=module.hidden_size,
        gates={"LSTM": 4, "GRU": 3}.get(module.mode, 1),
        layers=module.num_layers,
        directions=1 + bool(module.bidirectional),
        bias=module.bias,
    )


_MAKERS: dict[type, Maker] = {
    nn.Linear: _linear,
    nn.modules.linear.NonDynamicallyQuantizableLinear: _linear,
    nn.Embedding: _embedding,
    nn.MultiheadAttention: _attention,
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), _convolution),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _convolution),
    **dict.fromkeys((nn.LSTM, nn.GRU, nn.RNN), _recurrent),
    **dict.fromkeys((nn.LayerNorm, nn.RMSNorm, nn.GroupNorm), _normalisation),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), _normalisation),
    **dict.fromkeys((nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d), _normalisation),
}

MULTIPLYING = frozenset(
    kind for kind, maker in _MAKERS.items() if maker not in (_embedding, _normalisation)
)
"""Layers whose closed form has products."""
