"""What type of layer a module is, by its class and its numbers: `linear`, `depthwise conv 2d`."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from torch import nn

from archscope.running.attributes import stated
from archscope.theory.census import (
    ACTIVATION,
    ATTENTION,
    EMBEDDING,
    EXPERTS,
    FUNCTIONS,
    LINEAR,
    NORM,
    OWN_PARAMETERS,
    RECURRENT,
    STATE_SPACE,
    convolution_kind,
)

_OTHER = "other layers"
ATTRIBUTE = "archscope_layer"
"""By which a module says what type of layer it is."""
_NORM_NAME = re.compile(r"Norm(\d[dD])?$")
_BY_SOURCE = {
    "torch.nn.modules.activation": ACTIVATION,
    "torch.nn.modules.pooling": "pooling",
}
"""Modules of torch all of whose classes, but `MultiheadAttention`, are layers of one type."""
_CONVOLUTION_KINDS = ("", "pointwise ", "depthwise ", "grouped ", "transposed ")
_CONVOLUTIONS = tuple(f"{kind}conv {axes}d" for axes in (1, 2, 3) for kind in _CONVOLUTION_KINDS)
LAYER_TYPES = (
    LINEAR,
    "bilinear",
    EXPERTS,
    *_CONVOLUTIONS,
    RECURRENT,
    STATE_SPACE,
    ATTENTION,
    EMBEDDING,
    NORM,
    ACTIVATION,
    "pooling",
    _OTHER,
    OWN_PARAMETERS,
    FUNCTIONS,
)
"""Every type, in the order of a table."""
_BY_CLASS: tuple[tuple[str, tuple[type, ...]], ...] = (
    (LINEAR, (nn.Linear,)),
    ("bilinear", (nn.Bilinear,)),
    (RECURRENT, (nn.RNNBase, nn.RNNCellBase)),
    (EMBEDDING, (nn.Embedding, nn.EmbeddingBag)),
)
_MAY_ATTEND = ("other", "mixer", "rel_pos_or_attn_bias")
"""Components of which a module that takes a softmax between two products attends."""
_ATTENTION_PROJECTIONS = 3
"""Queries, keys and values: linear layers whose weights torch's MultiheadAttention holds itself."""


def layer_type(
    module: nn.Module, component: str, operators: Collection[str], *, weightless: bool = False
) -> str | None:
    """Return the type of layer that a module is by itself; None: it only holds others.

    `component` is the part of the network that it belongs to, `operators` those which multiplied in
    it, `weightless` whether none of them applied a weight. A module may state its type by the
    attribute `archscope_layer`. A subclass of a layer is one, and so are torch's quantised
    layers. A module of any other class is the layer that its weights make it: one matrix that is
    multiplied is linear, a filter that is convolved a convolution. torch's `MultiheadAttention` is
    so many linear layers as `layers_in` says; what else it does is `type_of_products`.
    """
    known = _stated(module) or _by_class(module) or _by_name(module, component)
    if known is not None:
        return known
    if any(True for _ in module.parameters(recurse=False)):
        return _by_weights(module, component, () if weightless else operators)
    if operators:
        return FUNCTIONS
    return None if _holds_others(module) else _OTHER


def place(type: str) -> tuple[int, str]:
    """Return where a type stands in a table: one that a module states by itself comes last."""
    known = LAYER_TYPES.index(type) if type in LAYER_TYPES else len(LAYER_TYPES)
    return known, type


def holds_projections(module: nn.Module) -> bool:
    """Return whether a module holds linear layers itself: queries, keys and values."""
    return isinstance(module, nn.MultiheadAttention)


def layers_in(module: nn.Module, type: str) -> int:
    """Return how many layers a module is which is of some type."""
    if holds_projections(module):
        return _ATTENTION_PROJECTIONS
    return 0 if type in (OWN_PARAMETERS, FUNCTIONS) else 1


def type_of_products(module: nn.Module, type: str | None, component: str, *, softmax: bool) -> str:
    """Return what a module's products are that apply no weight, where it is of some type itself.

    They are attention, scores and sums of values, in what is called so, and wherever the same
    module takes a `softmax` unless it is known as something else. A layer whose weight is computed
    before it is applied multiplies no stored one: such products are the layer's own.
    """
    attends = component == ATTENTION or (softmax and component in _MAY_ATTEND)
    known = _stated(module) or _by_class(module)
    if holds_projections(module) or (attends and known is None):
        return ATTENTION
    return FUNCTIONS if type in (None, OWN_PARAMETERS) else type


def _stated(module: nn.Module) -> str | None:
    own = stated(module, ATTRIBUTE)
    return own if isinstance(own, str) and own else None


def _by_class(module: nn.Module) -> str | None:
    if holds_projections(module):
        return LINEAR
    packed = _packed(module)
    if isinstance(module, nn.modules.conv._ConvNd) or packed.startswith("Conv"):
        return _convolution(module)
    for name, classes in _BY_CLASS:
        if isinstance(module, classes):
            return name
        if packed and any(packed.startswith(kind.__name__) for kind in classes):
            return name
    return None


def _by_name(module: nn.Module, component: str) -> str | None:
    """Return what a module is whose class, or the name of it, says so: `PReLU`, `GlobalNorm2d`."""
    if component == "norms":
        return NORM
    if _holds_others(module):
        return None
    sources = {kind.__module__ for kind in type(module).__mro__}
    named = (name for source, name in _BY_SOURCE.items() if source in sources)
    return next(named, NORM if _NORM_NAME.search(type(module).__name__) else None)


def _packed(module: nn.Module) -> str:
    """Return the name of torch's quantised or sparse layer that a module is; empty for others."""
    kinds = type(module).__mro__
    return next((k.__name__ for k in kinds if k.__module__.startswith("torch.ao.")), "")


def _convolution(module: Any) -> str:
    try:
        taps, inputs, groups = module.kernel_size, module.in_channels, module.groups
        return convolution_kind(taps, inputs=inputs, groups=groups, transposed=module.transposed)
    except Exception:  # a subclass may hold anything under these names, or nothing
        return _OTHER


def _by_weights(module: nn.Module, component: str, operators: Collection[str]) -> str:
    weights = [weight for weight in module._parameters.values() if weight is not None]
    axes = sorted((weight.ndim for weight in weights if weight.ndim > 1), reverse=True)
    if axes and axes[0] == 3 and ("expert" in component or "Expert" in type(module).__name__):
        return EXPERTS
    if axes and any("conv" in name for name in operators) and 3 <= axes[0] <= 5:
        return f"conv {axes[0] - 2}d"
    if axes == [2] and operators and not _holds_others(module):
        return LINEAR
    return OWN_PARAMETERS


def _holds_others(module: nn.Module) -> bool:
    return any(True for _ in module.children())
