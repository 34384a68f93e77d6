"""The third engine: each call of a layer of torch's own, held against its closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from archscope.counting.closed_forms import MULTIPLYING, closed_form
from archscope.counting.composite_functions import within_transform
from archscope.running.module_stack import tensors_in


class Expected:
    """Compares what is counted while a layer runs, and is its own, with its closed form."""

    def __init__(self, model: nn.Module) -> None:
        self._layers = {
            path: (module, tuple(module._parameters.values()))
            for path, module in model.named_modules()
            if type(module) in MULTIPLYING and _is_plain(module)
        }
        self._running: list[tuple[str, Any]] = []
        self._counted: list[int] = []
        self._forms: dict[Any, int | None] = {}
        self.unlike: dict[str, tuple[int, int]] = {}
        """Multiply-accumulates by closed form and as counted, of all calls that differ."""

    def enter(self, path: str, args: Any) -> None:
        """Note what a layer is given."""
        if path in self._layers:
            # The derivative of a call is work of the layer too, and of no closed form.
            shapes = None if within_transform() or self._is_changed(path) else _shapes(args)
            self._running.append((path, shapes))
            self._counted.append(0)

    def add(self, path: str, macs: int) -> None:
        """Note a product that belongs to the module at `path`."""
        if self._running and self._running[-1][0] == path:
            self._counted[-1] += macs

    def exit(self, path: str, output: Any) -> None:
        """Compare, where a layer ends whose closed form is known."""
        if path not in self._layers:
            return
        entered = None
        while entered != path:  # a forward that caught an error left its inner layers behind
            (entered, shapes), counted = self._running.pop(), self._counted.pop()
        made = _shapes(output)
        macs = self._form(path, shapes, made[0]) if shapes and made else None
        if macs is not None and macs != counted:
            form, found = self.unlike.get(path, (0, 0))
            self.unlike[path] = form + macs, found + counted

    def _is_changed(self, path: str) -> bool:
        """Return whether a layer runs on weights that were put in its own's place."""
        layer, weights = self._layers[path]
        held = layer._parameters.values()
        return len(held) != len(weights) or any(
            a is not b for a, b in zip(held, weights, strict=True)
        )

    def _form(self, path: str, inputs: Any, output: Any) -> int | None:
        key = path, inputs, output
        if key not in self._forms:
            form = closed_form(self._layers[path][0], inputs, output)
            self._forms[key] = None if form is None else form.macs_value
        return self._forms[key]


def _is_plain(module: nn.Module) -> bool:
    """Return whether a layer runs its class's own forward on the inputs that it is given."""
    changed = module._forward_pre_hooks or "forward" in vars(module)
    # How complex, packed and masked numbers multiply is their own affair.
    weights = module._parameters.values()
    return not changed and all(
        weight is None
        or (type(weight) is nn.Parameter and not weight.is_complex() and not _is_odd(weight))
        for weight in weights
    )


def _shapes(value: Any) -> tuple[tuple[int, ...], ...] | None:
    """Return the shapes of the tensors in a value; None where they do not tell all of it."""
    tensors: list[Tensor] = tensors_in(value)
    if any(_is_odd(tensor) for tensor in tensors):
        return None
    return tuple(tuple(tensor.shape) for tensor in tensors)


def _is_odd(tensor: Tensor) -> bool:
    if tensor.layout is not torch.strided or tensor.is_nested:
        return True
    return bool(torch._C._functorch.is_batchedtensor(tensor))
