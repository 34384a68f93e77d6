"""Tensors without data that answer as a CPU's would, without torch's compiler beside them."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

_COMPILER = "torch._dynamo"
_TRIED = (2, 13)
"""The torch from which on its compiler can be left out."""


@contextmanager
def fake_mode() -> Iterator[Any]:
    """Yield a mode in which torch makes tensors that have no data.

    It reads settings of torch's compiler, and is wrapped in what turns that off: both import the
    whole of it, which takes as long as torch itself, and nothing is compiled here.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    dispatch = inspect.unwrap(FakeTensorMode.__torch_dispatch__)

    class Fakes(FakeTensorMode):
        """The same without its wrapper."""

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False

        def __torch_dispatch__(self, *args: Any, **kwargs: Any) -> Any:
            return dispatch(self, *args, **kwargs)

    with _settings_alone():
        yield Fakes(allow_non_fake_inputs=True)


@contextmanager
def _settings_alone() -> Iterator[None]:
    """Within it, torch's compiler is a package of modules, and is imported when more is asked.

    Where torch is older than what this was tried on, or another thread may ask for it meanwhile, it
    is imported before.
    """
    is_older = tuple(map(int, torch.__version__.split(".")[:2])) < _TRIED
    if is_older or threading.active_count() > 1:
        importlib.import_module(_COMPILER)
    if _COMPILER in sys.modules:
        yield
        return
    bare = _Bare(_COMPILER)
    sys.modules[_COMPILER] = bare
    # What a real tensor is called where sizes are symbols, which none is here.
    names: Any = ModuleType(f"{_COMPILER}.source")
    names.ConstantSource = names.RandomValueSource = str
    sys.modules[names.__name__] = names
    torch._dynamo = bare
    try:
        yield
    finally:
        bare.leave()


class _Bare(ModuleType):
    """Stands for the compiler until something else than one of its modules is wanted."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        torch_folder = find_spec("torch")
        places = torch_folder.submodule_search_locations if torch_folder else None
        self.__path__ = [f"{place}/_dynamo" for place in places or ()]

        self._left_alone: list[Any] = []

    def disable(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a function that is not to be compiled: as it is, since nothing is."""
        self._left_alone.append(function)
        return function

    def graph_break(self, *args: Any, **kwargs: Any) -> None:
        """Say where what is compiled ends: nowhere."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.leave()
        with _disable_current_modes():  # what is imported is no part of the forward
            return getattr(importlib.import_module(_COMPILER), name)

    def leave(self) -> None:
        if sys.modules.get(_COMPILER) is not self:
            return
        for name in [n for n in sys.modules if n == _COMPILER or n.startswith(f"{_COMPILER}.")]:
            del sys.modules[name]
        if vars(torch).get("_dynamo") is self:
            del torch._dynamo
        for function in self._left_alone:  # torch asks once for each, and remembers
            vars(function).pop("__dynamo_disable", None)
