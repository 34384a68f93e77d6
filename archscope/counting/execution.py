"""Runs a forward pass for its shapes alone: no arithmetic, no memory, no data."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from archscope.running.rows import require_rows
from archscope.running.shapes import RULES
from archscope.running.twin import Original, is_fake

_TRACER: Any = torch._C._parse_dispatch_key("Tracer")
_CONVOLUTION = torch.ops.aten.convolution.default
_TRACED_CONVOLUTION = torch.ops.aten._convolution.default
_EMBEDDING = torch.ops.aten.embedding.default
_FULL = torch.ops.aten.full.default
_FACTORIES = frozenset(
    (
        torch.ops.aten.zeros.default,
        torch.ops.aten.ones.default,
        _FULL,
        torch.ops.aten.empty.memory_format,
    )
)
_KEPT = frozenset(
    getattr(packet, overload)
    for packet in (torch.ops.aten.arange, torch.ops.aten.scalar_tensor, torch.ops.aten._to_copy)
    for overload in packet.overloads()
)
_LARGEST_CONSTANT = 2**22
"""Elements of the largest constant that is made with its data where meta is asked for."""
_LARGEST_MADE = 2**26
"""Elements of the largest that is made of constants with data: of many tokens tables have none."""


Kept = Literal["whole numbers", "all", "none"]
KEPT: tuple[Kept, ...] = ("whole numbers", "all", "none")
"""Ways to run on shapes alone, the one first that suits most forwards."""


class AddressesRefused(TorchFunctionMode):
    """Refuses the address of memory without data: none, and who reads there ends the process."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.data_ptr and args[0].is_meta:
            raise RuntimeError("the address of a tensor is asked for; that needs its data")
        return func(*args, **(kwargs or {}))


def addresses_refused(original: Original) -> AbstractContextManager[object]:
    """Return what does so where the user's own network has data; where it has none, torch's answer
    is what its forward goes by.
    """
    return nullcontext() if is_without_data(original) else AddressesRefused()


def is_without_data(original: Original) -> bool:
    """Return whether something of a network or its inputs has a shape alone."""
    return any(tensor.is_meta or is_fake(tensor) for tensor in original.tensors())


class ShapesOnly(TorchDispatchMode):
    """Answers every operator that touches a meta tensor with an empty meta tensor.

    Operators on other tensors alone (constants that the forward makes for itself) run for real, so
    that control flow over them works; once mixed with a meta tensor the result is meta. `kept` says
    which of the constants that are made where the weights are have data: whole numbers, which tend
    to be indices and masks; all of them; or none, for a forward that writes to them.

    An operator that was seen before with the same shapes is answered from memory. While torch's
    tracer listens, sizes would come back as tensors, so it is paused around every answer.
    What would write to the memory of `original` is refused.
    """

    def __init__(self, *, kept: Kept = "whole numbers", original: Original | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._kept = kept
        self._original = original
        self._seen: dict[Any, Any] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not torch._C._is_tracing():
            return self._run(func, args, kwargs)
        with torch._C._SetExcludeDispatchKeyGuard(_TRACER, False):
            if func is _CONVOLUTION:
                # The tracer records a convolution under this second name, inside the first's
                # kernel; that kernel is not run here, so call on the tracer's behalf.
                with self:
                    return _TRACED_CONVOLUTION(*args, False, False, False, False)
            state = torch._C._get_tracing_state()
            torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
            try:
                return self._run(func, args, kwargs)
            finally:
                torch._C._set_tracing_state(state)  # type: ignore[attr-defined]

    def _run(self, func: Any, args: Any, kwargs: Any) -> Any:
        if func is _TRACED_CONVOLUTION:
            func, args = _CONVOLUTION, args[:9]
        if not _any_meta(args) and not (kwargs and _any_meta(kwargs.values())):
            return self._constant(func, args, kwargs)
        if func._schema.is_mutable:
            _refuse_to_lose_a_write(func, args)
        if func is _EMBEDDING:
            require_rows(args[0], args[1])
        args = tuple(_as_meta(arg) for arg in args)
        if kwargs:
            kwargs = {name: _as_meta(value) for name, value in kwargs.items()}
            if kwargs.get("device") is not None:
                kwargs["device"] = torch.device("meta")
        if func._schema.is_mutable:
            return _answer(func, args, kwargs)
        if func.is_view:
            return func(*args, **kwargs)
        return self._fresh(func, args, kwargs)

    def _fresh(self, func: Any, args: Any, kwargs: Any) -> Any:
        try:
            key = (func, _key(args), _key(tuple(kwargs.items())) if kwargs else ())
            known = self._seen.get(key)
        except TypeError:  # an argument that cannot be a key
            return func(*args, **kwargs)
        if known is not None:
            return _again(known)
        outputs = _answer(func, args, kwargs)
        self._seen[key] = _remember(outputs)
        return outputs

    def _constant(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Make or compute something that no meta tensor has a part in.

        A forward asks for constants on the device of its weights, which here is meta; they keep
        their data all the same, so that masks, positions and lengths can steer it.
        """
        if self._original is not None and func._schema.is_mutable:
            self._original.refuse_write(func, args, kwargs)
        if kwargs.get("device") is not None:
            if self._kept == "none":
                kwargs = {**kwargs, "device": torch.device("meta")}
            elif func in _KEPT or self._keeps(func, args, kwargs.get("dtype")):
                kwargs = {**kwargs, "device": torch.device("cpu")}
        beyond = _beyond(func, args, kwargs)
        return func(*args, **kwargs) if beyond is None else beyond

    def _keeps(self, func: Any, args: Any, dtype: torch.dtype | None) -> bool:
        if func not in _FACTORIES or prod(args[0]) > _LARGEST_CONSTANT:
            return False
        if dtype is None:
            whole = func is _FULL and isinstance(args[1], int)
        else:
            whole = not (dtype.is_floating_point or dtype.is_complex)
        return whole or self._kept == "all"


def _beyond(func: Any, args: Any, kwargs: Any) -> Tensor | None:
    """Return what is made of constants without its data, where it is too large; else None."""
    if prod(map(_most, args)) <= _LARGEST_MADE or func.is_view or func._schema.is_mutable:
        return None
    if kwargs.get("device") is not None:
        kwargs = {**kwargs, "device": torch.device("meta")}
    try:
        made = _answer(func, tuple(_as_meta(arg) for arg in args), kwargs)
    except Exception:  # data tells how much it makes, as of a mask; what is wrong shows there too
        return None
    return made if isinstance(made, Tensor) and made.numel() > _LARGEST_MADE else None


def _most(argument: Any) -> float:
    """Return by how many elements an argument may multiply what is made: sizes, repeats, ends."""
    if isinstance(argument, Tensor):
        return max(argument.numel(), 1)
    if isinstance(argument, list | tuple):
        return prod(map(_most, argument))
    return max(abs(argument), 1) if isinstance(argument, int | float) else 1


def _answer(func: Any, args: Any, kwargs: Any) -> Any:
    rule = RULES.get(func)
    outputs = rule(*args, **kwargs) if rule else None
    return func(*args, **kwargs) if outputs is None else outputs


def _refuse_to_lose_a_write(func: Any, args: Any) -> None:
    """Raise where something without data is written into a tensor that has data."""
    for argument, value in zip(func._schema.arguments, args, strict=False):
        written = argument.alias_info is not None and argument.alias_info.is_write
        if written and isinstance(value, Tensor) and not value.is_meta:
            raise RuntimeError(f"{func} writes a result into a constant; that needs its data")


def _any_meta(values: Any) -> bool:
    for value in values:
        if isinstance(value, Tensor):
            if value.is_meta:
                return True
        elif isinstance(value, list | tuple) and _any_meta(value):
            return True
    return False


def _as_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value.is_meta else value.to("meta")
    if isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value):
        return [_as_meta(item) for item in value]
    return value


def _key(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple([_key(item) for item in value])
    # 1, 1.0 and True are equal, yet make different number types.
    return type(value), value


def _remember(outputs: Any) -> Any:
    if isinstance(outputs, Tensor):
        return Tensor, (outputs.size(), outputs.stride(), outputs.dtype)
    if isinstance(outputs, list | tuple):
        return type(outputs), [_remember(output) for output in outputs]
    return None, outputs


def _again(known: Any) -> Any:
    kind, content = known
    if kind is Tensor:
        size, stride, dtype = content
        return torch.empty_strided(size, stride, dtype=dtype, device="meta")
    if kind is None:
        return content
    return kind([_again(item) for item in content])
