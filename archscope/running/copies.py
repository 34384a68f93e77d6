"""Copies what a network is made of, tensors as they are told, and shares what cannot be copied.

`copy.deepcopy` ends at the first lock or open file, returns functions that still reach the original
in their closures, and spends most of its time on hooks that are not there. Here each kind of object
has its way; what has none of its own goes through `copy.deepcopy`, and what that refuses is shared.
"""

from __future__ import annotations

import copy
import weakref
from collections import OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable, Iterable
from functools import partial
from types import CellType, FunctionType, MemberDescriptorType, MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from archscope.running.attributes import buffers_of, parameters_of

StandIn = Callable[[Tensor], Tensor]
"""Makes what stands in a copy for a tensor."""

_ATOMS = frozenset(
    (
        *(type(None), bool, int, float, complex, str, bytes, type, type(...), slice, range),
        *(torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format),
    )
)
_OF_HOOKS = frozenset(name for name in vars(nn.Module()) if "hooks" in name)
"""Attributes in which torch keeps the hooks of a module, which no two share."""
_OWN_WAY = ("__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__copy__", "__new__")
"""Methods by which a class says how it is copied."""


class Copies:
    """Copies objects that may hold each other; what was copied once is the same copy ever after."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self._alive: list[Any] = []  # an `id` is an object's only while that lives
        self._stand_in: StandIn = Tensor.clone

    def of(self, value: Any, stand_in: StandIn) -> Any:
        """Return a copy of `value`, with stand-ins for the tensors that were not met before."""
        self._stand_in = stand_in
        if isinstance(value, nn.Module):
            self._modules(value)
        return self._copy(value)

    def _modules(self, model: nn.Module) -> None:
        """Copy all modules, one after the other: they may be nested deeper than Python can call."""
        plain = [module for module in model.modules() if _is_plain(type(module), nn.Module)]
        for module in plain:
            self._keep(module, object.__new__(type(module)))
        for tensor in (*parameters_of(model), *buffers_of(model)):
            self._copy(tensor)  # before a class that copies itself in its own way asks for them
        for module in reversed(plain):  # what a wrapper is made around is to be there
            self._fill(module, self._made[id(module)])

    def _keep(self, value: Any, made: Any) -> Any:
        self._made[id(value)] = made
        self._alive.append(value)
        return made

    def _copy(self, value: Any) -> Any:
        kind = type(value)
        if kind in _ATOMS or isinstance(value, type):
            return value
        if id(value) in self._made:
            return self._made[id(value)]
        way = _WAYS.get(kind) or _WAYS_BY_NAME.get(f"{kind.__module__}.{kind.__qualname__}")
        if way is not None:
            return way(self, value)
        if isinstance(value, Tensor):
            return self._tensor(value)
        is_module = isinstance(value, nn.Module)
        for attempt in self._ways(kind, nn.Module if is_module else object):
            try:
                return attempt(value)
            except RecursionError:
                raise
            except Exception:  # a lock, a file, a handle; a module that refuses to be copied
                continue
        return self._keep(value, value)  # nothing of the network: it is used as it is

    def _ways(self, kind: type, usual: type) -> list[Callable[[Any], Any]]:
        """Return how to copy an instance of a class, the best way first."""
        if _is_plain(kind, usual):
            return [self._plain]
        own = self._by_itself
        is_module = usual is nn.Module and not issubclass(kind, torch.jit.ScriptModule)
        if issubclass(kind, dict | list):
            return [own, self._container]
        return [own, self._plain] if is_module else [own]

    def _by_itself(self, value: Any) -> Any:
        """Copy by the way that the class has; raises `TypeError` where a module gives another."""
        if isinstance(value, torch.ScriptObject):
            with _disable_current_modes():  # it packs real tensors, and would read others' memory
                return self._keep(value, copy.deepcopy(value))
        for item in _items(value):  # copied by then, tensors as told
            self._copy(item)
        made = copy.deepcopy(value, self._made)
        if isinstance(value, nn.Module) and not _is_copy(made, value):
            self._made.pop(id(value), None)
            raise TypeError(f"{type(value).__name__} is not copied by its __deepcopy__")
        return made

    def _container(self, value: Any) -> Any:
        """Copy a dictionary or list whose class looks for its way among its keys, and fails."""
        base: Any = next(each for each in type(value).__mro__ if each in (OrderedDict, dict, list))
        made = self._keep(value, base.__new__(type(value)))
        self._fill(value, made)
        if base is list:
            list.extend(made, map(self._copy, value))
        else:
            for key, item in base.items(value):
                base.__setitem__(made, self._copy(key), self._copy(item))
        return made

    def _tensor(self, value: Tensor) -> Any:
        made = self._keep(value, self._stand_in(value))
        for name, item in list(vars(value).items()):
            if name not in vars(made):
                setattr(made, name, self._copy(item))
        return made

    def _generator(self, value: torch.Generator) -> Any:
        made = self._keep(value, torch.Generator(value.device))
        return made.set_state(value.get_state())

    def _plain(self, value: Any) -> Any:
        made = self._keep(value, object.__new__(type(value)))
        self._fill(value, made)
        return made

    def _fill(self, value: Any, made: Any) -> None:
        if hasattr(value, "__dict__"):
            attributes = vars(made)
            for name, item in list(vars(value).items()):
                if type(item) in _ATOMS:
                    attributes[name] = item
                elif name in _OF_HOOKS and not item:  # most of what a module holds
                    attributes[name] = type(item)()
                else:
                    attributes[name] = self._copy(item)
        for slot in _slots(type(value)):
            try:
                item = slot.__get__(value)
            except AttributeError:  # nothing is in it
                continue
            slot.__set__(made, self._copy(item))

    def _dict(self, value: dict[Any, Any]) -> Any:
        made = self._keep(value, type(value)())
        if isinstance(made, defaultdict):
            made.default_factory = self._copy(value.default_factory)  # type: ignore[attr-defined]
        if _are_atoms(value.values()) and _are_atoms(value):
            made.update(value)
            return made
        for key, item in list(value.items()):
            made[key if type(key) is str else self._copy(key)] = self._copy(item)
        return made

    def _list(self, value: list[Any]) -> Any:
        made = self._keep(value, [])
        made.extend(value if _are_atoms(value) else [self._copy(item) for item in value])
        return made

    def _deque(self, value: deque[Any]) -> Any:
        made: deque[Any] = self._keep(value, deque(maxlen=value.maxlen))
        made.extend([self._copy(item) for item in value])
        return made

    def _set(self, value: set[Any]) -> Any:
        held = value if _are_atoms(value) else [self._copy(item) for item in value]
        return self._keep(value, set(held))

    def _compiled(self, value: Any) -> Any:
        made = self._keep(value, type(value)(self._copy(value._orig_mod), value.dynamo_ctx))
        for name, item in vars(value).items():
            if name not in ("dynamo_ctx", "forward", "_modules"):
                vars(made)[name] = self._copy(item)
        return made

    def _tuple(self, value: tuple[Any, ...]) -> Any:
        if _are_atoms(value):
            return value
        made = tuple([self._copy(item) for item in value])
        same = all(a is b for a, b in zip(made, value, strict=True))
        # It may hold itself, by way of a list: then it is there by now.
        return self._made.get(id(value)) or self._keep(value, value if same else made)

    def _method(self, value: MethodType) -> Any:
        return self._keep(value, MethodType(self._copy(value.__func__), self._copy(value.__self__)))

    def _partial(self, value: partial[Any]) -> Any:
        args, keywords = self._copy(value.args), self._copy(value.keywords)
        return self._keep(value, partial(self._copy(value.func), *args, **keywords))

    def _reference(self, value: weakref.ref[Any]) -> Any:
        target = value()
        if isinstance(target, Tensor | nn.Module):
            return self._keep(value, weakref.ref(self._copy(target)))
        return value

    def _function(self, value: FunctionType) -> Any:
        """Copy a function that holds something in its closure or defaults, such as a module."""
        made = self._keep(value, value)
        if value.__closure__ is None and not value.__defaults__ and not value.__kwdefaults__:
            return made
        cells = tuple(CellType() for _ in value.__closure__ or ())
        made = FunctionType(
            value.__code__, value.__globals__, value.__name__, value.__defaults__, cells or None
        )
        self._keep(value, made)
        for cell, held in zip(cells, value.__closure__ or (), strict=True):
            try:
                cell.cell_contents = self._copy(held.cell_contents)
            except ValueError:  # not filled yet
                continue
        made.__defaults__ = self._copy(value.__defaults__)
        made.__kwdefaults__ = self._copy(value.__kwdefaults__)
        made.__qualname__, made.__module__ = value.__qualname__, value.__module__
        made.__dict__.update(self._copy(value.__dict__))
        return made


_WAYS: dict[type, Callable[[Copies, Any], Any]] = {
    **dict.fromkeys((dict, OrderedDict, defaultdict), Copies._dict),
    list: Copies._list,
    tuple: Copies._tuple,
    set: Copies._set,
    deque: Copies._deque,
    MethodType: Copies._method,
    FunctionType: Copies._function,
    partial: Copies._partial,
    weakref.ReferenceType: Copies._reference,
    torch.Generator: Copies._generator,
}


_WAYS_BY_NAME: dict[str, Callable[[Copies, Any], Any]] = {
    "torch._dynamo.eval_frame.OptimizedModule": Copies._compiled,
}
"""Of classes that are not imported for this."""


def _are_atoms(values: Iterable[Any]) -> bool:
    """Return whether no value needs a copy: a vocabulary of 250,000 words is copied as one."""
    return _ATOMS.issuperset(map(type, values))


def _is_plain(kind: type, base: type) -> bool:
    """Return whether instances are no more than their attributes: the class has no way of its own.

    `base` is the class whose ways are the usual ones.
    """
    if issubclass(kind, torch.jit.ScriptModule) or kind.__flags__ & 1 << 9 == 0:
        return False
    return all(getattr(kind, name, None) is getattr(base, name, None) for name in _OWN_WAY)


def _is_copy(made: Any, value: nn.Module) -> bool:
    """Return whether what a module's own way gave is another one with the same parts."""
    if made is value or not isinstance(made, nn.Module):
        return False
    return [path for path, _ in made.named_modules()] == [path for path, _ in value.named_modules()]


def _items(value: Any) -> list[Any]:
    """Return what a container of a class of its own holds: a named tuple, a dictionary's child."""
    if isinstance(value, dict | UserDict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple | set | frozenset | deque) else []


def _slots(kind: type) -> list[Any]:
    """Return the places that a class and those above it have beside a dictionary."""
    kinds = [base for base in kind.__mro__ if vars(base).get("__slots__")]
    return [
        slot for base in kinds for slot in vars(base).values() if type(slot) is MemberDescriptorType
    ]
