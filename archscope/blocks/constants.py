"""Builds a network whose weights have no values and whose constants have: masks, indices, tables.

Which position sees which is often written down in a buffer, so that a network on shapes alone looks
wider than it is. Here a parameter loses its values when a module takes it; what is made otherwise
is real, up to a size. What is made of weights, or of memory that nothing has written to, has none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.weak import WeakIdKeyDictionary

from archscope.running.twin import bodiless

MOST_ELEMENTS = 1 << 24
"""Elements up to which a constant has values."""
MOST_BYTES = 1 << 28
"""Bytes of all constants together; later ones have no values."""
MOST_DRAWN = 1 << 18
"""Elements up to which random numbers are drawn; for weights it would take time for nothing."""
_COUNTED = 1 << 12
"""Bytes from which on a constant counts towards those of all."""

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
_PRODUCTS = frozenset(("mm", "bmm", "addmm", "baddbmm", "outer", "ger", "kron"))
_MADE = frozenset((torch.tensor, torch.as_tensor, torch.asarray))
_READ = frozenset((Tensor.numpy, Tensor.tolist, Tensor.__array__, Tensor.__dlpack__))


@contextmanager
def weights_without_values() -> Iterator[Callable[[nn.Module], nn.Module]]:
    """Within it, weights have a shape and no values, and other tensors have values.

    What it gives is to be called with the module that was made: it takes the values from what is
    not known after all.
    """
    memory = _Memory()
    thread = threading.get_ident()

    def taken(module: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if parameter is None or threading.get_ident() != thread:
            return parameter
        return memory.weight(parameter)

    handle = register_module_parameter_registration_hook(taken)
    try:
        with _Functions(memory), _Constants(memory):
            yield lambda module: _without_unknown(module, memory)
    finally:
        handle.remove()


class _Memory:
    """Which memory holds values that are not known."""

    def __init__(self) -> None:
        # A weak reference keeps the name of the memory from being given to another.
        self._unknown: dict[int, tuple[StorageWeakRef, Tensor | None]] = {}
        """Memory by its name, and which of its elements have been written to since."""
        self._weights: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}
        self.is_own = False
        """Whether what runs is no code of the user's."""

    def without_values(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the same kind without values."""
        before, self.is_own = self.is_own, True
        try:
            return bodiless(tensor)
        finally:
            self.is_own = before

    def weight(self, parameter: nn.Parameter) -> nn.Parameter:
        """Return a parameter without values; one that is not trained keeps those it has."""
        if is_lazy(parameter) or parameter.is_meta:
            return parameter
        if not parameter.requires_grad and self.is_known(parameter):
            return parameter
        made: Any = self._weights.get(parameter)
        if made is None:
            made = self.without_values(parameter)
            vars(made).update(vars(parameter))
            self._weights[parameter] = made
        return made  # type: ignore[no-any-return]

    def is_known(self, tensor: Tensor) -> bool:
        """Return whether a tensor has values, and these are its own."""
        if tensor.is_meta:
            return False
        return not self._unknown or _name_of(tensor) not in self._unknown

    def forget(self, tensor: Tensor) -> None:
        """Note that what a tensor's memory holds is not known."""
        if not tensor.is_meta and tensor.layout is torch.strided:
            reference = StorageWeakRef(tensor.untyped_storage())
            self._unknown[_name_of(tensor)] = (reference, None)

    def write(self, tensor: Tensor) -> None:
        """Note that a tensor, which may be a part of its memory, was given values."""
        name = _name_of(tensor)
        if name not in self._unknown:
            return
        size = tensor.untyped_storage().nbytes() // max(tensor.element_size(), 1)
        if tensor.numel() == size and tensor.is_contiguous():
            del self._unknown[name]
            return
        reference, written = self._unknown[name]
        written = torch.zeros(size, dtype=torch.bool) if written is None else written
        written.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset()).fill_(True)
        self._unknown[name] = (reference, written)
        if bool(written.all()):
            del self._unknown[name]

    def holds(self, tensors: Iterable[Tensor]) -> None:
        """Note constants that were made."""
        for tensor in tensors:
            if not tensor.is_meta and tensor.layout is torch.strided:
                storage = tensor.untyped_storage()
                if storage.nbytes() > _COUNTED:
                    reference = (StorageWeakRef(storage), storage.nbytes())
                    self._held[_name_of(tensor)] = reference

    def is_full(self, more: int) -> bool:
        """Return whether constants would be too many with so many bytes more."""
        if more <= _COUNTED:
            return False
        self._held = {name: one for name, one in self._held.items() if not one[0].expired()}
        return sum(size for _, size in self._held.values()) + more > MOST_BYTES


def _name_of(tensor: Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # a sparse tensor has several
        return id(tensor)


class _Functions(TorchFunctionMode):
    """Sees what the dispatcher does not: copies of memory, and numbers that go to Python."""

    def __init__(self, memory: _Memory) -> None:
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
        made = func(*args, **named)
        if not known and func is Tensor.__deepcopy__ and isinstance(made, Tensor):
            self._memory.forget(made)
        return made


class _Constants(TorchDispatchMode):
    """Runs what is known for real, and the rest on shapes alone."""

    def __init__(self, memory: _Memory) -> None:
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
        else:
            self._memory.holds(results)
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
        return made

    def _on_shapes(self, func: Any, args: Any, kwargs: Any, written: list[Tensor]) -> Any:
        for one in written:
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
        sizes = _sizes(name, args, kwargs, tensors)
        if name in _DRAWN:
            return sizes > MOST_DRAWN
        if sizes > MOST_ELEMENTS:
            return True
        dtype = kwargs.get("dtype") or (tensors[0].dtype if tensors else torch.get_default_dtype())
        return name not in _EMPTY and self._memory.is_full(sizes * dtype.itemsize)


def _sizes(name: str, args: Any, kwargs: Any, tensors: list[Tensor]) -> int:
    """Return how many elements the result of an operator has; 0 where that cannot be told."""
    if not tensors:
        return _asked_for(name, args, kwargs)
    shape = tensors[0].shape
    if name == "repeat":
        return prod(args[1]) * shape.numel()
    if name.startswith("new_"):
        return prod(args[1])
    if name in _PRODUCTS and len(tensors) > 1:
        one, two = tensors[-2:]
        columns = two.shape[-1] if two.dim() > 1 or name not in ("mm", "bmm") else 1
        return (
            one.numel() // max(one.shape[-1], 1) * columns
            if "mm" in name
            else one.numel() * two.numel()
        )
    if len(tensors) == 1:
        return shape.numel()
    try:
        return torch.broadcast_shapes(*(one.shape for one in tensors)).numel()
    except RuntimeError:  # it is no operator by elements
        return sum(one.numel() for one in tensors)


def _asked_for(name: str, args: Any, kwargs: Any) -> int:
    """Return how many elements an operator makes of numbers alone."""
    numbers = [one for one in args if isinstance(one, int | float) and not isinstance(one, bool)]
    match name:
        case "arange":
            start, end, step = {
                1: (0, *numbers, 1), 2: (*numbers, 1), 3: tuple(numbers)
            }.get(len(numbers), (0, 0, 1))  # fmt: skip
            return max(int((end - start) / step), 0) if step else 0
        case "linspace" | "logspace":
            return int(args[2] if len(args) > 2 else kwargs.get("steps", 0))
        case "eye":
            return int(numbers[0] * numbers[-1]) if numbers else 0
    sizes = args[0] if args and isinstance(args[0], list | tuple) else kwargs.get("size", ())
    sizes = numbers[-1:] if not sizes and name in ("randperm",) else sizes
    return prod(size for size in sizes if isinstance(size, int)) if sizes else 0


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


def _without_unknown(module: nn.Module, memory: _Memory) -> nn.Module:
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


def _replaced(value: Any, memory: _Memory) -> Any:
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
