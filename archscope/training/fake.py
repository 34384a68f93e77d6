"""Tensors without data that answer as a CPU's would, without torch's compiler beside them."""

from __future__ import annotations

import builtins
import importlib
import inspect
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch

from archscope.running.formulas import COMPILER
from archscope.running.rows import require_rows
from archscope.training.kernel_answers import answers_of_kernels
from archscope.training.straight_answers import straight_answers

_READ: Mapping[str, dict[str, Any]] = {
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

    Of small tensors that a forward makes of nothing, as positions and masks of ones, and of what
    follows from these alone, the values are known.

    torch's own mode reads settings of its compiler, and is wrapped in what turns that off: both
    import the whole of it, which takes as long as torch itself, and nothing is compiled here. The
    functions that read are run as copies that read elsewhere; torch and the modules of the process
    stay as they are. Where the compiler is there already, it is read.
    """
    made = _fakes()(allow_non_fake_inputs=True)
    if COMPILER not in sys.modules:
        converter = made.fake_tensor_converter
        _read_elsewhere(converter, "from_real_tensor")
        _read_elsewhere(converter.meta_converter, "meta_tensor")
    with made, _seen_by_transformers():
        yield made


KNOWN = 2**18
"""Elements of the largest tensor whose values are known."""
_UNHEARD = logging.Logger(__name__, logging.CRITICAL)
"""What torch tells of an operator that refuses its shapes: a traceback, beside the error itself."""
_FACTORIES = ("arange", "eye", "full", "ones", "scalar_tensor", "zeros")


def _fakes() -> Any:
    """Return torch's mode without its wrapper, of which two methods are copies.

    What it makes is what kernels of a CPU would: see `kernel_answers`.
    """
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    dispatch = inspect.unwrap(FakeTensorMode.__torch_dispatch__)
    there = _torch_here()
    limit = {"CONSTANT_NUMEL_LIMIT": KNOWN, "log": _UNHEARD}
    factories = {
        getattr(packet, overload)
        for packet in (getattr(torch.ops.aten, name) for name in _FACTORIES)
        for overload in packet.overloads()
        if not overload.endswith("out")
    }

    embedding, answers = torch.ops.aten.embedding.default, answers_of_kernels()
    straight = straight_answers()

    class Fakes(FakeTensorMode):
        __init__ = _copy(FakeTensorMode.__init__, there)
        _dispatch_impl = _copy(FakeTensorMode._dispatch_impl, there, limit)
        may_turn_const = _copy(FakeTensorMode.may_turn_const, there, limit)

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func in factories and _is_small(func, args, kwargs or {}):
                with no_dispatch():
                    made = func(*args, **(kwargs or {}))
                return self.known(made)
            if func is embedding:
                _require_known_rows(args[0], args[1])
            run, shape = partial(dispatch, self, types=types), straight.get(func)
            made = None if shape is None else shape(args, run)
            if made is None:
                made = dispatch(self, func, types, args, kwargs)
            answer = answers.get(func)
            return made if answer is None else answer(made, args, kwargs or {}, run)

        def known(self, tensor: Tensor) -> Tensor:
            """Return a tensor without data whose values are known, those of `tensor` as it is."""
            with no_dispatch():
                values = tensor.detach().clone()
            converter = self.fake_tensor_converter
            made: Tensor = converter.from_real_tensor(self, values, make_constant=True)
            return made

        def shaped(self, like: Tensor, dtype: torch.dtype) -> Tensor:
            """Return a tensor of the CPU with sizes and strides alone, past what asks operators."""
            with no_dispatch():
                held = torch.empty_strided(like.size(), like.stride(), dtype=dtype, device="meta")
            return FakeTensor(self, held, torch.device("cpu"))

    return Fakes


def _require_known_rows(table: Tensor, rows: Any) -> None:
    known = getattr(rows, "constant", None)
    if known is not None:
        with no_dispatch():
            require_rows(table, known)


def _is_small(func: Any, args: Any, kwargs: Any) -> bool:
    """Return whether a tensor that is made of nothing is small, on the CPU."""
    if torch.device(kwargs.get("device") or "cpu").type != "cpu":
        return False
    with no_dispatch():
        made = func(*args, **{**kwargs, "device": "meta", "pin_memory": None})
    return bool(made.numel() <= KNOWN)


def is_small(tensor: Tensor) -> bool:
    """Return whether the values of a tensor are to be known: few integers."""
    return tensor.numel() <= KNOWN and not (tensor.is_floating_point() or tensor.is_complex())


def _seen_by_transformers() -> AbstractContextManager[None]:
    """Let transformers read what is known: it takes whatever has no data to be traced, and makes
    masks then that a step with data does without."""
    module: Any = sys.modules.get("transformers.utils.import_utils")
    found = getattr(module, "is_fake_tensor", None)
    if found is None:
        return nullcontext()
    return patched(module, "is_fake_tensor", lambda x: found(x) and x.constant is None)


@contextmanager
def patched(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


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


def _read_elsewhere(one: Any, name: str) -> None:
    """Let one object alone run a copy of its method that reads the compiler's settings here."""
    setattr(one, name, MethodType(_copy(getattr(type(one), name), _torch_here()), one))


def _torch_here() -> ModuleType | None:
    return None if COMPILER in sys.modules else _Torch()


def _copy(
    function: Any, torch_here: ModuleType | None = None, known: Mapping[str, Any] | None = None
) -> FunctionType:
    """Return a copy of a function; `torch_here`: what it finds where it names torch, `known` what
    it finds under other names of its module."""
    there = {**function.__globals__, **(known or {})}
    if torch_here is not None:
        there["torch"] = torch_here
        there["__builtins__"] = {**vars(builtins), "__import__": _Import(torch_here)}
    made = FunctionType(
        function.__code__, there, function.__name__, function.__defaults__, function.__closure__
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
