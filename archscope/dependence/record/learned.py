"""Which constants are learned, and so count as anything, and where masks make them zero.

A zero in a weight says nothing: it may be how the weight begins. A zero in a mask does, and it
stays one in a weight that the mask is multiplied into.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

READERS = frozenset(
    ("mul", "mm", "bmm", "matmul", "addmm", "baddbmm", "convolution", "_convolution")
)
"""Operators of which it matters where a constant among their arguments is zero."""
MOST_ELEMENTS = 1 << 22
"""Elements of a constant in which zeros are looked for."""
_CARRYING = frozenset(
    (
        *("view", "_unsafe_view", "reshape", "expand", "unsqueeze", "squeeze", "transpose", "t"),
        *("permute", "clone", "_to_copy", "alias", "detach", "lift_fresh", "slice", "select"),
    )
)
"""Operators that put the elements of one tensor elsewhere."""


class Learned:
    """The constants of one forward pass that were made of parameters."""

    def __init__(self) -> None:
        self._of: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._masked: dict[int, Tensor] = {}
        """Where parameters that masks were multiplied into may be other than zero, by memory."""

    def note(self, name: str, args: Any, tensors: list[Tensor], out: Any) -> None:
        """Take in an operator on constants."""
        outs = [
            one
            for one in (out if isinstance(out, list | tuple) else [out])
            if isinstance(one, Tensor)
        ]
        if not outs or not any(map(self._is_learned, tensors)):
            return
        may_be = None
        if name == "mul" and len(tensors) == 2 and not outs[0].is_meta:
            may_be = self._product(*tensors)
            if may_be is not None and outs[0] is args[0]:
                self._masked[args[0].data_ptr()] = may_be
        elif name in _CARRYING and len(outs) == 1:
            before = self._mask(args[0])
            if before is not None:
                named = "clone" if name == "_to_copy" else name
                may_be = getattr(torch.ops.aten, named)(before, *args[1:])
        for one in outs:
            self._of[one] = may_be

    def seen(self, constant: Tensor) -> Tensor:
        """Return a constant as rules are to see it: learned ones as parameters, or as masks."""
        if constant.is_meta or not self._is_learned(constant):
            return constant
        may_be = self._mask(constant)
        if may_be is not None:
            return may_be
        return constant if isinstance(constant, nn.Parameter) else nn.Parameter(constant, False)

    def _is_learned(self, tensor: Tensor) -> bool:
        return isinstance(tensor, nn.Parameter) or tensor in self._of

    def _mask(self, tensor: Tensor) -> Tensor | None:
        found = self._of.get(tensor)
        if found is None and isinstance(tensor, nn.Parameter) and not tensor.is_meta:
            found = self._masked.get(tensor.data_ptr())
        return found if found is not None and found.shape == tensor.shape else None

    def _product(self, one: Tensor, other: Tensor) -> Tensor | None:
        masks = [self._mask(t) if self._is_learned(t) else mask_of(t) for t in (one, other)]
        found = [mask for mask in masks if mask is not None]
        if not found:
            return None
        shape = torch.broadcast_shapes(one.shape, other.shape)
        together = found[0] if len(found) == 1 else found[0] & found[1]
        return together.expand(shape).clone()


def mask_of(constant: Tensor) -> Tensor | None:
    """Return where a constant that is not learned is other than zero; None: it is no mask."""
    if constant.is_meta or isinstance(constant, nn.Parameter):
        return None
    if constant.layout is torch.sparse_coo and 1 < constant.numel() <= MOST_ELEMENTS:
        constant = constant.to_dense()
    if constant.layout is not torch.strided:
        return None
    if not 1 < constant.numel() <= MOST_ELEMENTS:
        return None
    found = (constant.detach() != 0).cpu()
    return found if bool(found.any()) and not bool(found.all()) else None
