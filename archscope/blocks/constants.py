"""Builds a network whose weights have no values and whose constants have: masks, indices, tables.

Which position sees which is often written down in a buffer, so that a network on shapes alone looks
wider than it is. Here a parameter loses its values when a module takes it; what is made otherwise
is real, up to a size. What is made of weights, or of memory that nothing has written to, has none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from archscope.blocks.constant_memory import Memory
from archscope.blocks.constant_sizes import size_of
from archscope.running.twin import bodiless

MOST_ELEMENTS = 1 << 24
"""Elements up to which a constant has values."""
MOST_DRAWN = 1 << 18
"""Elements up to which random numbers are drawn; for weights it would take time for nothing."""

_EMPTY = frozenset(("empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided"))
_DRAWN = frozenset(("rand", "randn", "rand_like", "randn_like", "normal", "bernoulli"))
_DRAWN_IN_PLACE = frozenset(
    ("normal_", "uniform_", "random_", "exponential_", "log_normal_", "cauchy_", "geometric_")
)
_WRITTEN_OVER = frozenset(("fill_", "zero_", "copy_", *_DRAWN_IN_PLACE))
"""Operators that write without reading what was there."""
_MOVED = frozenset(("set_", "resize_", "resize_as_", "swap_"))
_COPIES = frozenset(("clone",))
_META = torch.device("meta")
_MADE = frozenset((torch.tensor, torch.as_tensor, torch.asarray))
_READ = frozenset((Tensor.numpy, Tensor.tolist, Tensor.__array__, Tensor.__dlpack__))


@contextmanager
def weights_without_values() -> Iterator[Callable[[nn.Module], nn.Module]]:
    """Within it, weights have a shape and no values, and other tensors have values.

    What it gives is to be called with the module that was made: it takes the values from what is
    not known after all.
    """
    memory = Memory()
    thread = threading.get_ident()

    def taken(module: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if parameter is None or threading.get_ident() != thread:
            return parameter
        return memory.weight(parameter)

    register: Any = register_module_parameter_registration_hook
    handle = register(taken)
    try:
        with _Functions(memory), _Constants(memory):
            yield lambda module: _without_unknown(module, memory)
    finally:
        handle.remove()


class _Functions(TorchFunctionMode):
    """Sees what the dispatcher does not: copies of memory, and numbers that go to Python."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func in _MADE and named.get("device") is not None:
            if torch.device(named["device"]) == _META:
                named["device"] = torch.device("cpu")
        elif func is Tensor.new_tensor and args[0].is_meta:
            named = {"dtype": args[0].dtype, "device": torch.device("cpu"), **named}
            return torch.tensor(*args[1:], **named)
        first = args[0] if args else named.get("tensor")
        if not isinstance(first, Tensor):
            return func(*args, **named)
        if first.is_meta and getattr(func, "__module__", None) == "torch.nn.init":
            return first
        known = self._memory.is_known(first)
        if not known and not first.is_meta and func in _READ:
            raise RuntimeError("what a tensor holds is asked for, and weights have no values here")
        if func is Tensor.__deepcopy__:
            return self._copied(first, lambda: func(*args, **named), is_known=known)
        return func(*args, **named)

    def _copied(self, tensor: Tensor, copy: Callable[[], Any], *, is_known: bool) -> Any:
        """Copy a tensor with its memory, which the dispatcher sees as bytes."""
        made = self._memory.apart(copy)
        if isinstance(made, Tensor) and not made.is_meta:
            self._memory.holds([made], counts=is_known)
            if not is_known:
                self._memory.forget(made)
        return made


class _Constants(TorchDispatchMode):
    """Runs what is known for real, and the rest on shapes alone."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._memory = memory

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._memory.is_own:
            return func(*args, **kwargs)
        name = func._schema.name.partition("::")[2]
        tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        if name in _MOVED or (func.is_view and not tensors[0].is_meta):
            return func(*args, **kwargs)
        written = _written(func, args, kwargs)
        over = name in _WRITTEN_OVER
        read = [one for one in tensors if not (over and any(one is two for two in written))]
        if name.startswith("new_") or name.endswith("_like"):  # no more of it than its shape
            read = []
        if not written and _device_of(func, kwargs, tensors) == _META:
            kwargs = {**kwargs, "device": torch.device("cpu")}  # where the weights were asked
        if not all(map(self._memory.is_known, read)):
            if name in _COPIES and tensors[0].numel() <= MOST_ELEMENTS:
                return self._unwritten(tensors[0], kwargs)
            return self._on_shapes(func, args, kwargs, written)
        if written:
            return self._write(func, name, args, kwargs, written)
        if self._is_large(func, name, args, kwargs, tensors):
            return self._on_shapes(func, args, kwargs, [])
        out = func(*args, **kwargs)
        results = [one for one in tree_leaves(out) if isinstance(one, Tensor)]
        if name in _EMPTY:
            for result in results:
                self._memory.forget(result)
        self._memory.holds(results, counts=name not in _EMPTY)
        return out

    def _write(self, func: Any, name: str, args: Any, kwargs: Any, written: list[Tensor]) -> Any:
        """Write what is known; into memory that has no values that is of no use."""
        if any(one.is_meta for one in written):
            return self._on_shapes(func, args, kwargs, written)
        if name in _DRAWN_IN_PLACE and written[0].numel() > MOST_DRAWN:
            self._memory.forget(written[0])
            return written[0]
        out = func(*args, **kwargs)
        for one in written:
            self._memory.write(one)
        return out

    def _unwritten(self, tensor: Tensor, kwargs: Any) -> Tensor:
        """Return memory for a copy of what is not known: it may be given values later."""
        dtype = kwargs.get("dtype") or tensor.dtype
        made = torch.empty(tensor.shape, dtype=dtype, device="cpu")
        self._memory.forget(made)
        self._memory.holds([made], counts=False)
        return made

    def _on_shapes(self, func: Any, args: Any, kwargs: Any, written: list[Tensor]) -> Any:
        for one in written:
            self._memory.require_made_here(one)
            self._memory.forget(one)
        returned = func._schema.returns
        if written and len(returned) == 1 and returned[0].alias_info is not None:
            return written[0]
        args, kwargs = tree_map_only(Tensor, _without_values, (args, dict(kwargs)))
        if kwargs.get("device") is not None or _asks_for_device(func):
            kwargs["device"] = torch.device("meta")
        return func(*args, **kwargs)

    def _is_large(
        self, func: Any, name: str, args: Any, kwargs: Any, tensors: list[Tensor]
    ) -> bool:
        """Return whether a result would be too large to have values."""
        sizes = size_of(name, args, kwargs, tensors)
        if name in _DRAWN:
            return sizes > MOST_DRAWN
        if sizes > MOST_ELEMENTS:
            return True
        dtype = kwargs.get("dtype") or (tensors[0].dtype if tensors else torch.get_default_dtype())
        return name not in _EMPTY and self._memory.is_full(sizes * dtype.itemsize)


def _written(func: Any, args: Any, kwargs: Any) -> list[Tensor]:
    """Return the arguments that an operator writes to."""
    if not func._schema.is_mutable:
        return []
    found: list[Tensor] = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[place] if place < len(args) else kwargs.get(argument.name)
            found += [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]
    return found


def _device_of(func: Any, kwargs: Any, tensors: list[Tensor]) -> torch.device | None:
    """Return where an operator is to make its result, if it lets that be chosen."""
    if not any(argument.name == "device" for argument in func._schema.arguments):
        return None
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"])
    return tensors[0].device if tensors else None


def _asks_for_device(func: Any) -> bool:
    """Return whether an operator makes its result on a device of its own choice."""
    arguments = func._schema.arguments
    made = not any("Tensor" in str(argument.type) for argument in arguments)
    return made and any(argument.name == "device" for argument in arguments)


def _without_values(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_meta else bodiless(tensor)


def _without_unknown(module: nn.Module, memory: Memory) -> nn.Module:
    """Take the values from what a module holds where they are not its own."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None and not is_lazy(parameter) and not memory.is_known(parameter):
                part._parameters[name] = memory.weight(parameter)
        for held in (part._buffers, vars(part)):
            for name, value in held.items():
                found = _replaced(value, memory)
                if found is not value:
                    held[name] = found
    return module


def _replaced(value: Any, memory: Memory) -> Any:
    """Return a tensor, or what holds some, without values that are not known."""
    if is_lazy(value):
        return value
    if isinstance(value, nn.Parameter):
        return value if memory.is_known(value) else memory.weight(value)
    if isinstance(value, Tensor):
        return value if value.is_meta or memory.is_known(value) else memory.without_values(value)
    if type(value) in (list, tuple, dict):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        items = {key: _replaced(value[key], memory) for key in keys}
        if all(items[key] is value[key] for key in keys):
            return value
        return items if isinstance(value, dict) else type(value)(items.values())
    return value
