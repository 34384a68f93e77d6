"""How many weights are not zero, and how much of a layer is left without its zero rows and columns.

Only reads: what a module holds is neither written to nor computed anew, but for the product of a
weight and its pruning mask, which is what the layer multiplies by.
"""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn

from archscope.running.attributes import stated

_ORIG, _MASK = "_orig", "_mask"
"""How `torch.nn.utils.prune` ends the names of a weight and of what masks it."""
_PLAIN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_VALUES = {
    torch.sparse_coo: lambda tensor: tensor.coalesce().values(),
    **dict.fromkeys(
        (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc),
        lambda tensor: tensor.values(),
    ),
}
NO_DATA = "have no data"
PACKED = "are packed, or in a format that cannot be counted"


def unreadable(tensor: Tensor) -> str:
    """Return why the numbers of a tensor cannot be read as they stand; empty where they can be."""
    if tensor.is_meta or _is_fake(tensor):
        return NO_DATA
    dispatch = type(tensor).__torch_dispatch__
    own = dispatch is not Tensor.__torch_dispatch__
    if own or tensor.is_quantized or tensor.is_nested or hasattr(tensor, "quant_state"):
        return PACKED
    return ""


def _is_fake(tensor: Tensor) -> bool:
    from torch._subclasses.fake_tensor import FakeTensor

    return isinstance(tensor, FakeTensor)


def count_nonzero(module: nn.Module, name: str, tensor: Tensor) -> int | str:
    """Return how many numbers of a module's parameter are not zero, or why that is unknown."""
    mask = _mask_of(module, name, tensor)
    why = unreadable(tensor) or ("" if mask is None else unreadable(mask))
    if why:
        return why
    with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
        try:
            found = tensor if mask is None else tensor * mask
            found = _VALUES.get(found.layout, lambda dense: dense)(found)
            if found.is_floating_point() and found.element_size() == 1:
                found = found.float()  # eight bits are for storage: torch counts none of them
            return int(torch.count_nonzero(found))
        except (RuntimeError, NotImplementedError):
            return PACKED


def _mask_of(module: nn.Module, name: str, tensor: Tensor) -> Tensor | None:
    """Return what a parameter is multiplied by before it is used, where that is a mask.

    torch's `prune` keeps it beside the parameter, `torch.ao.pruning` in a parametrization.
    """
    mask: Tensor | None = None
    if name.endswith(_ORIG):
        mask = module._buffers.get(name.removesuffix(_ORIG) + _MASK)
    elif name == "original" and len(module._modules) == 1:
        step = module._modules.get("0")
        if step is not None and type(step).__module__.startswith("torch.ao.pruning."):
            mask = step._buffers.get("mask")
    return mask if mask is not None and mask.shape == tensor.shape else None


def computes_weights(module: nn.Module) -> bool:
    """Return whether a module computes a weight from stored numbers that are no more than masked.

    These are torch's parametrizations: what is not zero as stored may be zero as used.
    """
    from torch.nn.utils.parametrize import ParametrizationList

    if not isinstance(module, ParametrizationList):
        return False
    return all(
        _mask_of(module, name, p) is None for name, p in module._parameters.items() if p is not None
    )


def kept_share(module: nn.Module) -> Fraction | None:
    """Return the share of a layer's work that is left without zero outputs and inputs.

    An output whose whole row of the weight is zero is a constant, an input whose whole column is
    zero is never read: both could be taken away. None where that is not certain: in layers other
    than torch's own linear and convolutional ones, and in groups.
    """
    if type(module) not in _PLAIN or stated(module, "groups") not in (None, 1):
        return None
    held = module._parameters
    name = next((name for name in ("weight", "weight" + _ORIG) if held.get(name) is not None), "")
    weight = held.get(name)
    if weight is None or weight.layout is not torch.strided or not weight.numel():
        return None
    mask = _mask_of(module, name, weight)
    if unreadable(weight) or (mask is not None and unreadable(mask)):
        return None
    if name != "weight" and mask is None:
        return None  # computed before each forward, as spectral norm does
    with torch.no_grad():
        used = weight != 0 if mask is None else weight * mask != 0
        rows, columns = used.flatten(1).any(1), used.transpose(0, 1).flatten(1).any(1)
        return Fraction(int(rows.sum() * columns.sum()), rows.numel() * columns.numel())
