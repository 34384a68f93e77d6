"""Knows which module's forward is running, by hooks that touch no module."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._pytree import SUPPORTED_NODES

Hook = Callable[[str, Any], None]
"""Called with a module's path and its inputs, or its outputs."""


def paths_of(model: nn.Module) -> dict[int, str]:
    """Return the path of each module by its `id`, the first where it has several."""
    return {id(module): path for path, module in model.named_modules()}


def outwards(path: str) -> Iterator[str]:
    """Yield the paths of the modules that one is part of, the nearest first, the model's last."""
    while path:
        path = path.rpartition(".")[0]
        yield path


def _nothing(path: str, value: Any) -> None:
    """Stand for a hook that nobody asked for."""


class ModuleStack:
    """Follows the modules of one model while it runs; to be used in a `with` statement.

    A module that is held under several names goes by its first. A module that is not part of the
    model (made inside a forward) counts as part of the one that called it.
    """

    def __init__(
        self, model: nn.Module, *, on_enter: Hook = _nothing, on_exit: Hook = _nothing
    ) -> None:
        self.paths = paths_of(model)
        """Path of each module by its `id`."""
        self._on_enter = on_enter
        self._on_exit = on_exit
        self._running: list[str] = []
        self.calls: Counter[str] = Counter()
        """How often the forward of each module finished, by path."""
        self.input_shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
        """Shapes of the tensors that each module's first call was given; none if one is nested."""
        self.output_shapes: dict[str, tuple[int, ...]] = {}
        """Shape of the first tensor that each module's first call returned."""
        self.elsewhere: set[str] = set()
        """Paths of modules that ran in threads that the forward began, where nobody watches."""
        self._thread = threading.get_ident()

    @property
    def current(self) -> str:
        """Path of the module whose forward is running; the innermost."""
        return self._running[-1] if self._running else ""

    def forget(self) -> None:
        """Leave all modules whose forward was ended from outside."""
        self._running.clear()

    def __enter__(self) -> ModuleStack:
        self._handles = (
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._exit),
        )
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter(self, module: nn.Module, args: Any) -> None:
        path = self.paths.get(id(module))
        if path is not None and threading.get_ident() != self._thread:
            self.elsewhere.add(path)
        elif path is not None:
            self._running.append(path)
            if path not in self.input_shapes:
                shapes = [shape_of(tensor) for tensor in tensors_in(args)]
                known = tuple(shape for shape in shapes if shape is not None)
                self.input_shapes[path] = known if len(known) == len(shapes) else ()
            self._on_enter(path, args)

    def _exit(self, module: nn.Module, args: Any, output: Any) -> None:
        path = self.paths.get(id(module))
        if path is None or threading.get_ident() != self._thread:
            return
        self.calls[path] += 1
        if path not in self.output_shapes:
            first = next(iter(tensors_in(output)), None)
            shape = None if first is None else shape_of(first)
            if shape is not None:
                self.output_shapes[path] = shape
        self._on_exit(path, output)
        # A forward that caught an error left its inner modules behind: drop them too.
        while self._running and self._running.pop() != path:
            pass


def shape_of(tensor: Tensor) -> tuple[int, ...] | None:
    """Return the shape of a tensor; None of a nested one, whose parts differ in theirs."""
    return None if tensor.is_nested else tuple(tensor.shape)


def tensors_in(value: Any, depth: int = 4) -> list[Tensor]:
    """Return the tensors in nested lists, dicts and plain objects (dataclasses, cache objects)."""
    if isinstance(value, Tensor):
        return [value]
    found: list[Tensor] = []
    _collect(value, depth, found, [], {})
    return found


def is_wrapper(kind: type) -> bool:
    """Return whether tensors of a class run operators in a way of their own, on what they hold."""
    return kind.__torch_dispatch__ is not Tensor.__torch_dispatch__  # type: ignore[attr-defined]


def unwrapped(tensor: Tensor) -> list[Tensor]:
    """Return the plain tensors that one is, or that one of a class of its own holds."""
    held = tensors_in(list(vars(tensor).values())) if is_wrapper(type(tensor)) else []
    return [inner for each in held for inner in unwrapped(each)] or [tensor]


def _collect(
    value: Any, depth: int, into: list[Tensor], around: list[Any], met: dict[int, tuple[Any, int]]
) -> None:
    """Add the tensors in a value to a list; `around` is what it lies in, which it may hold too.

    `met` has the objects that were looked into, and how deep: many may hold the same ones.
    """
    if isinstance(value, Tensor):
        into.append(value)
        return
    parts = None if isinstance(value, _PLAIN) else _parts(value)
    if parts is None and depth and hasattr(value, "__dict__"):
        if isinstance(value, _NO_DATA) or met.get(id(value), (None, 0))[1] >= depth:
            return
        met[id(value)] = value, depth
        parts, depth = vars(value).values(), depth - 1
    if parts and len(parts) > _FEW and _PLAIN_TYPES.issuperset(map(type, parts)):
        return  # a vocabulary
    if parts and all(value is not each for each in around):
        around.append(value)
        for part in parts:
            _collect(part, depth, into, around, met)
        around.pop()


_PLAIN = (type(None), bool, int, float, str, torch.dtype, torch.device)
_PLAIN_TYPES = frozenset(_PLAIN)
_FEW = 16
"""Parts up to which each is looked at, before it is asked whether all are numbers and words."""
_NO_DATA = (type, ModuleType, FunctionType, nn.Module)
"""Objects whose attributes are code, or whose tensors are known otherwise."""


def _parts(value: Any) -> Collection[Any] | None:
    """Return what lies in a container; None for other objects."""
    kind = type(value)
    if kind in (list, tuple):
        return value  # type: ignore[no-any-return]
    node = SUPPORTED_NODES.get(kind)
    if node is not None:
        return node.flatten_fn(value)[0]
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return value
    return None
