"""Tensors without data that answer as a CPU's would, without torch's compiler beside them."""

from __future__ import annotations

import builtins
import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch

from archscope.running.formulas import COMPILER

_READ = {
    "config": {
        "fake_tensor_cache_enabled": True,
        "fake_tensor_cache_crosscheck_enabled": False,
        "_custom_ops_profile": None,
    },
    # What a real tensor is called where sizes are symbols, which none is here.
    "source": {"ConstantSource": str, "RandomValueSource": str},
}
"""All that is read of the compiler for tensors without data, as it is where nobody set it."""


@contextmanager
def fake_mode() -> Iterator[Any]:
    """Enter and yield a mode in which torch makes tensors that have no data.

    torch's own reads settings of its compiler, and is wrapped in what turns that off: both import
    the whole of it, which takes as long as torch itself, and nothing is compiled here. The four
    functions that read are run as copies that read elsewhere; torch and the modules of the process
    stay as they are. Where the compiler is there already, they are no copies.
    """
    if COMPILER in sys.modules:
        with _kind(())(allow_non_fake_inputs=True) as made:
            yield made
        return
    made = _kind(_READING)(allow_non_fake_inputs=True)
    converter = made.fake_tensor_converter
    _read_elsewhere(converter, "from_real_tensor")
    _read_elsewhere(converter.meta_converter, "meta_tensor")
    with made:
        yield made


_READING = ("__init__", "_dispatch_impl")
"""Methods of the mode that read the compiler's settings."""


def _kind(copied: Sequence[str]) -> Any:
    """Return torch's mode without its wrapper, some methods of it copied."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    dispatch = inspect.unwrap(FakeTensorMode.__torch_dispatch__)

    class Fakes(FakeTensorMode):
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False

        def __torch_dispatch__(self, *args: Any, **kwargs: Any) -> Any:
            return dispatch(self, *args, **kwargs)

    for name in copied:
        setattr(Fakes, name, _copied(FakeTensorMode, name))
    return Fakes


def unwrapped(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Return an optimiser without what turns the compiler off around it.

    >>> unwrapped(torch.optim.SGD)([torch.zeros(1)], lr=0.1).__class__.__name__
    'SGD'
    """
    own = {
        "step": torch.no_grad()(_copy(inspect.unwrap(kind.step))),  # of its own: torch marks it
        "add_param_group": inspect.unwrap(kind.add_param_group),
    }
    return type(kind.__name__, (kind,), own)


def _copied(kind: type, name: str) -> FunctionType:
    """Return a copy of a method that reads the compiler's settings here."""
    return _copy(inspect.unwrap(getattr(kind, name)), _Torch())


def _read_elsewhere(one: Any, name: str) -> None:
    """Let one object alone run such a copy of its method."""
    setattr(one, name, MethodType(_copied(type(one), name), one))


def _copy(function: Any, torch_here: ModuleType | None = None) -> FunctionType:
    """Return a copy of a function; `torch_here`: what it finds where it names torch."""
    known = function.__globals__
    if torch_here is not None:
        own = {**vars(builtins), "__import__": _Import(torch_here)}
        known = {**known, "torch": torch_here, "__builtins__": own}
    made = FunctionType(
        function.__code__, known, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


class _Torch(ModuleType):
    """torch, but for its compiler, of which the settings alone are here."""

    def __init__(self) -> None:
        super().__init__("torch")
        vars(self).update(vars(torch))
        self._dynamo = _Compiler(COMPILER, {})
        for name, values in _READ.items():
            setattr(self._dynamo, name, _Compiler(f"{COMPILER}.{name}", values))

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


class _Compiler(ModuleType):
    """A module of the compiler as far as it is read; what more is asked for is imported."""

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        super().__init__(name)
        vars(self).update(values)

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


class _Import:
    """The import statement of a function that is to find another torch."""

    def __init__(self, torch_here: ModuleType) -> None:
        self._torch: Any = torch_here

    def __call__(
        self, name: str, known: Any = None, local: Any = None, wanted: Any = (), level: int = 0
    ) -> Any:
        module = name.removeprefix(f"{COMPILER}.")
        if module in _READ:
            return getattr(self._torch._dynamo, module) if wanted else self._torch
        found = builtins.__import__(name, known, local, wanted, level)
        return self._torch if found is torch and not wanted else found
