"""Which part of a network a module belongs to: embeddings, attention, feed-forward, norms, ..."""

from __future__ import annotations

from math import prod

from torch import nn

from archscope.running.attributes import stated

_NORMS = (
    nn.LayerNorm,
    nn.RMSNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
    nn.modules.batchnorm._NormBase,
)
_CONVOLUTIONS = nn.modules.conv._ConvNd


def components(model: nn.Module) -> dict[str, str]:
    """Return the component of each module's own weights and work, by path.

    Norms and embeddings are known by their type, wherever they stand. For the rest the nearest
    module above that states `archscope_component` decides, then the module's own type.
    """
    told: dict[str, str] = {}
    found: dict[str, str] = {}
    for path, module in model.named_modules():
        parent = path.rpartition(".")[0] if path else None
        own = stated(module, "archscope_component")
        inherited = told.get(parent, "") if parent is not None else ""
        told[path] = own if isinstance(own, str) else inherited
        found[path] = _by_type_first(module) or told[path] or _by_type(module)
    return found


def _by_type_first(module: nn.Module) -> str:
    if isinstance(module, _NORMS) or type(module).__name__.endswith(("LayerNorm", "RMSNorm")):
        return "norms"
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return "embeddings"
    return ""


def _by_kernel(module: nn.modules.conv._ConvNd) -> str:
    if prod(module.kernel_size) == 1:
        return "conv_pointwise"
    return "conv_depthwise" if 1 < module.groups == module.in_channels else "conv_spatial"


def _by_type(module: nn.Module) -> str:
    if isinstance(module, _CONVOLUTIONS):
        try:
            return _by_kernel(module)
        except Exception:  # a subclass may hold anything under these names, or nothing
            return "conv_spatial"
    if isinstance(module, nn.MultiheadAttention) or "Attention" in type(module).__name__:
        return "attention"
    if isinstance(module, nn.modules.linear.NonDynamicallyQuantizableLinear):
        return "attention"  # the type that torch gives to an attention's output projection
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return "recurrent"
    if isinstance(module, nn.Linear | nn.Bilinear):
        return "linear"
    return "other"
