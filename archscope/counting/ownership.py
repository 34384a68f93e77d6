"""Which module a weight belongs to, so that work goes to the module that holds its weights.

`MultiheadAttention` reads the weight of its `out_proj` without calling it; a weight that is tied
is held by two modules. The rule: the module that is running, if it holds anything that is
multiplied (a layer's input may be a parameter too); otherwise a holder in the smallest module
around it. Of a convolution the filters alone say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from torch import Tensor, nn

from archscope.running.module_stack import outwards

Operand = TypeVar("Operand")

Holders = tuple[str, ...]
"""Paths of the modules that hold one tensor, in the model's order."""
_ADDS_FIRST = frozenset(
    (
        *("addmm", "addmv", "baddbmm", "addbmm", "_addmm_activation"),
        *("_sparse_addmm", "sspaddmm", "sparse_sampled_addmm"),
    )
)
_BIASED = re.compile(r"linear|mkldnn_linear|_?(.+_)?conv(olution|\d|_t).*")


def held_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield each module's path with each parameter and saved buffer that it holds itself."""
    for path, module in model.named_modules():
        for tensor in module._parameters.values():
            if tensor is not None:
                yield path, tensor
        for name, buffer in module._buffers.items():
            if buffer is not None and name not in module._non_persistent_buffers_set:
                yield path, buffer


def holders_by_tensor(model: nn.Module) -> dict[int, Holders]:
    """Return the holders of each tensor, by its `id`."""
    found: dict[int, Holders] = {}
    for path, tensor in held_tensors(model):
        found[id(tensor)] = (*found.get(id(tensor), ()), path)
    return found


def multiplied(operator: str, inputs: Sequence[Operand]) -> Sequence[Operand]:
    """Return which inputs of a product are multiplied: not what is added, as a bias or a mask."""
    name = operator.rpartition("::")[2].removesuffix("_")
    if name in _ADDS_FIRST:
        return inputs[1:3]
    if "scaled_dot_product" in name:
        return inputs[:3]
    return inputs[:2] if _BIASED.fullmatch(name) else inputs


def deciding(operator: str, operands: Sequence[Operand]) -> Sequence[Operand]:
    """Return which of what is multiplied says whose work it is: of a convolution the filters alone.

    Its input may be learned, as the constant that a generator begins with, and its filters made.
    """
    return operands[1:2] if "conv" in operator else operands


def owner(operands: Sequence[Holders], running: str) -> str:
    """Return the module that a product belongs to, by the holders of what it multiplies.

    A product of no weight at all belongs to the module that runs. Of several weights within one
    module the last decides: it stands where a layer's weight does.
    """
    if not operands:
        return running
    for around in (running, *outwards(running)):
        if any(around in holders for holders in operands):
            return around
        for holders in reversed(operands):
            for path in holders:
                if not around or path.startswith(f"{around}."):
                    return path
    return running
