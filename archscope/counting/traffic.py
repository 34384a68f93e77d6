"""How many bytes each module must move at least, by the operators that run in it.

A module reads what it did not make itself, and writes what somebody else reads: its weights, its
inputs and its outputs, once for each call, however often its operators go over them. What it makes
and uses up itself may stay on the chip, as in a fused kernel. Of a lookup table the rows that are
read count. An operator that only looks at the same memory in another way moves nothing, and a copy
in another layout or number type is taken for such a one: a kernel could read it as it was.

Williams, Waterman and Patterson (2009), "Roofline": compulsory traffic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode

from archscope.counting.uninitialised import kept_names, memory_of
from archscope.running.module_stack import tensors_in

_LOOKUPS = frozenset(("embedding", "index", "index_select", "gather", "take"))
"""Operators that read of their first operand only what they return."""
_COPIES = frozenset(("clone", "_to_copy", "contiguous", "lift_fresh", "detach"))
"""Operators whose result holds what their operand does, and nothing else."""


@dataclass(slots=True)
class Traffic:
    """Bytes that one forward pass moves at least."""

    own: Counter[str] = field(default_factory=Counter)
    """By path of the module, outside its submodules, all its calls together."""
    weights: dict[int, tuple[str, int]] = field(default_factory=dict)
    """The first reader's path and the bytes of each parameter and buffer that was read."""
    given: dict[int, int] = field(default_factory=dict)
    """Bytes of each tensor that was read and is neither a weight nor made in the pass."""
    returned: int = 0
    """Bytes of what the model returned."""

    def once(self, copies: Callable[[str], int]) -> int:
        """Return the bytes of weights, inputs and outputs once: all that a fused pass must move.

        `copies` says for how many modules the one at a path stands.
        """
        weights = sum(size * copies(path) for path, size in self.weights.values())
        return weights + sum(self.given.values()) + self.returned


@dataclass(slots=True)
class _Call:
    """One running call of a module: memory by its name, held so that the name stays its own."""

    path: str
    module: object
    read: dict[int, tuple[int, Tensor]] = field(default_factory=dict)
    made: dict[int, tuple[int, Tensor]] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)

    def moved(self) -> int:
        return sum(size for size, _ in self.read.values()) + sum(self.written.values())


class TrafficCounter(TorchDispatchMode):
    """Watches one forward pass; `size_of` says how many bytes an element of a tensor takes."""

    def __init__(self, paths: Mapping[int, str], size_of: Callable[[Tensor], int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.traffic = Traffic()
        self._size_of = size_of
        self._paths = paths
        self._weights: frozenset[int] = frozenset()
        self._names: list[object] = []
        self._made: set[int] = set()
        self._copied: dict[int, tuple[int, Tensor]] = {}
        """What memory is a copy of, by its name; the first is held, so that its name stays its."""
        self._running: list[_Call] = [_Call("", None)]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(kind.__torch_dispatch__ is not Tensor.__torch_dispatch__ for kind in types):
            # A class that runs operators of its own on what it holds: these are seen.
            return NotImplemented
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self._ran(func, tensors_in((args, kwargs)), tensors_in(result))
        return result

    def _ran(self, func: Any, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        name = func._schema.name.rpartition("::")[2]
        held = {memory_of(tensor) for tensor in inputs}
        if not func._schema.is_mutable and all(memory_of(each) in held for each in outputs):
            return  # a view by another name
        for tensor in outputs:
            if memory_of(tensor) not in held:
                self._copied.pop(memory_of(tensor), None)
        if name in _COPIES and len(inputs) == len(outputs) == 1:
            self._copied[memory_of(outputs[0])] = (self._name(inputs[0]), inputs[0])
            return
        call = self._running[-1]
        looked_up = name in _LOOKUPS
        most = sum(map(self._bytes, outputs)) if looked_up else None
        for tensor in inputs:
            size = self._bytes(tensor)
            self._reads(call, tensor, size if most is None else min(size, most))
        for tensor in outputs:
            name = self._name(tensor)
            if name in call.read:  # written in place
                call.written[name] = self._bytes(tensor)
            elif name not in call.made:
                call.made[name] = (self._bytes(tensor), tensor)
            if name not in self._weights:
                self._made.add(name)

    def _name(self, tensor: Tensor) -> int:
        """Return the name of the memory that a tensor looks at, or is a copy of."""
        own = memory_of(tensor)
        return self._copied[own][0] if own in self._copied else own

    def _reads(self, call: _Call, tensor: Tensor, size: int) -> None:
        name = self._name(tensor)
        if name in call.made:
            return
        call.read[name] = (max(size, call.read[name][0] if name in call.read else 0), tensor)
        for outer in self._running[:-1]:
            if name in outer.made:
                outer.written.setdefault(name, outer.made[name][0])
        if name in self._weights:
            first, before = self.traffic.weights.get(name, (call.path, 0))
            self.traffic.weights[name] = (first, max(size, before))
        elif name not in self._made:
            self.traffic.given[name] = max(size, self.traffic.given.get(name, 0))

    def _bytes(self, tensor: Tensor) -> int:
        if tensor.is_nested or tensor.layout != torch.strided:
            return int(tensor._nnz()) * self._size_of(tensor) if tensor.is_sparse else 0
        apart = (n for n, step in zip(tensor.shape, tensor.stride(), strict=True) if step)
        return prod(apart) * self._size_of(tensor) if tensor.numel() else 0

    def enter(self, module: nn.Module, args: Any) -> None:
        """Note that a module's forward begins."""
        path = self._paths.get(id(module))
        if path == "":
            held = (*module.parameters(), *module.buffers())
            self._weights = frozenset(memory_of(tensor) for tensor in held)
            self._names = kept_names(held)
        if path is not None:
            self._running.append(_Call(path, module))

    def leave(self, module: nn.Module, args: Any, output: Any) -> None:
        """Note that a module's forward has returned; what it left behind by an error is dropped."""
        if id(module) not in self._paths:
            return
        while len(self._running) > 1:
            call = self._running.pop()
            returned = tensors_in(output) if call.module is module else []
            for tensor in returned:
                name = self._name(tensor)
                if name in call.made:
                    call.written.setdefault(name, call.made[name][0])
            self.traffic.own[call.path] += call.moved()
            if call.module is module:
                if call.path == "":
                    self.traffic.returned = sum(map(self._bytes, returned))
                return


@contextmanager
def counting_traffic(
    paths: Mapping[int, str], size_of: Callable[[Tensor], int] = Tensor.element_size
) -> Iterator[Traffic]:
    """Count what a model moves while it runs inside, by the `paths` of its modules' `id`s.

    The hooks are gone afterwards, also after an error.
    """
    counter = TrafficCounter(paths, size_of)
    handles = (
        register_module_forward_pre_hook(counter.enter),
        register_module_forward_hook(counter.leave),
    )
    try:
        with counter:
            yield counter.traffic
    finally:
        for handle in handles:
            handle.remove()
