"""The first engine: fvcore's counter over torch's trace, completed so that it drops nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import conv_flop_jit, linear_flop_jit
from torch import Tensor, nn
from torch.jit._trace import _unique_state_dict
from torch.nn.modules.module import register_module_forward_hook
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from archscope.counting.fvcore_handles import ESTIMATE_HANDLES, MAC_HANDLES, Handle
from archscope.counting.layouts import REAL_PER_COMPLEX
from archscope.counting.operators import classify
from archscope.counting.ownership import Holders, holders_by_tensor, owner
from archscope.running.module_stack import tensors_in
from archscope.subject import Inputs

_VIEWS = frozenset(
    f"aten::{name}"
    for name in (
        "t", "transpose", "view", "reshape", "chunk", "split", "split_with_sizes", "unbind",
        "select", "slice", "squeeze", "unsqueeze", "permute", "expand", "expand_as", "contiguous",
        "detach", "alias", "unflatten", "flatten", "narrow", "to", "clone", "tensor_split",
        "movedim", "swapaxes", "mT", "numpy_T",
    )
) | {"prim::ListUnpack", "prim::TupleUnpack"}  # fmt: skip
"""Nodes through which a weight stays the same weight."""


@dataclass(slots=True)
class FvcoreCount:
    """What fvcore counted, by the path of the module that owns the weights or runs the operator."""

    macs: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates."""
    estimates: Counter[str] = field(default_factory=Counter)
    """fvcore's FLOPs for normalisation, pooling and resampling."""
    unknown: dict[str, Unknown] = field(default_factory=dict)
    """Operators that fvcore does not know and that are in no class, by name."""
    untold: set[str] = field(default_factory=set)
    """Modules in which the trace does not tell a shape, since a tensor there is sparse."""


@dataclass(slots=True)
class Unknown:
    """An operator that was not counted."""

    calls: int = 0
    elements: int = 0
    """Elements of all its outputs, as far as the trace tells."""
    paths: set[str] = field(default_factory=set)
    """The modules that run it."""


def count_with_fvcore(model: nn.Module, inputs: Inputs, expected: Mapping[str, int]) -> FvcoreCount:
    """Trace one forward pass and count it; raises what the tracer or the forward raises.

    The tracer drops work that no output depends on. That is rare, and keeping all results alive
    takes time: so it is done only where the multiply-accumulates are not `expected`, by module.

    To be used in `left_as_found`: fvcore leaves its hooks behind after an error.
    """
    found = _count(_Traced(model, inputs, keep_all=False))
    if +found.macs == expected and not found.unknown:
        return found
    return _count(_Traced(model, inputs, keep_all=True))


def _count(traced: _Traced) -> FvcoreCount:
    found = FvcoreCount()
    recorder = _Recorder(traced, found)
    analysis = _Analysis(traced, traced.tensors)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.ancestor_mode("caller")  # sums over ancestors are made elsewhere; this is the cheaper
    analysis.clear_op_handles().set_op_handle(**recorder.handles())
    with _QuietLogging():
        analysis.tracer_warnings("none").total()
        strangers = [k for k in analysis.unsupported_ops() if classify(k) == "unknown"]
        if strangers:  # once more, to learn how much they write
            found.macs.clear()
            found.estimates.clear()
            handles = {kind: recorder.stranger(kind) for kind in strangers}
            analysis.set_op_handle(**handles).total()
    return found


_SLASH = "\ue000"
"""Stands for a slash in a module's name: torch's scopes are separated by slashes."""


class _Analysis(FlopCountAnalysis):  # type: ignore[misc]
    def _get_aliases(self, model: nn.Module) -> dict[str | nn.Module, str]:
        aliases: dict[str | nn.Module, str] = super()._get_aliases(model)
        return {module: path.replace("/", _SLASH) for module, path in aliases.items()}


class _Traced(nn.Module):
    """Takes tensors and returns tensors, as the tracer needs it.

    Keyword arguments and nested structures are packed flat. What every module returned is an
    output, so that the tracer drops none of it; with `keep_all`, what every function returned.
    """

    def __init__(self, model: nn.Module, inputs: Inputs, *, keep_all: bool) -> None:
        super().__init__()
        self.model = model
        self._keep_all = keep_all
        self._flat, self._structure = tree_flatten((inputs.args, dict(inputs.kwargs)))
        self._places = [i for i, leaf in enumerate(self._flat) if isinstance(leaf, Tensor)]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(self._flat[place] for place in self._places)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        flat = list(self._flat)
        for place, tensor in zip(self._places, tensors, strict=True):
            flat[place] = tensor
        args, kwargs = tree_unflatten(flat, self._structure)
        kept = _KeepResults()
        hook = register_module_forward_hook(lambda module, args, output: kept.keep(output))
        try:
            with kept if self._keep_all else nullcontext():
                kept.keep(self.model(*args, **kwargs))
        finally:
            hook.remove()
        return tuple(kept.tensors.values())


class _KeepResults(TorchFunctionMode):
    """Remembers every tensor that a torch function returned."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: dict[int, Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.tensors[id(result)] = result
        elif isinstance(result, list | tuple):
            self.keep(result)
        return result

    def keep(self, value: Any) -> None:
        for tensor in tensors_in(value):
            self.tensors[id(tensor)] = tensor


class _Recorder:
    """Wraps handles so that they also say whose work they counted."""

    def __init__(self, traced: _Traced, found: FvcoreCount) -> None:
        self._found = found
        state = _unique_state_dict(traced, keep_vars=True)
        holders = holders_by_tensor(traced)
        self._first_weight = len(traced.tensors)
        self._holders = [holders.get(id(tensor), ()) for tensor in state.values()]
        self._inputs: dict[str, int] = {}

    def handles(self) -> dict[str, Callable[..., int]]:
        macs: dict[str, Handle] = {"aten::linear": linear_flop_jit} | MAC_HANDLES
        macs["aten::_convolution"] = _convolution
        wrapped = {kind: self._noting(handle, self._found.macs) for kind, handle in macs.items()}
        return wrapped | {
            kind: self._noting(handle, self._found.estimates)
            for kind, handle in ESTIMATE_HANDLES.items()
        }

    def stranger(self, kind: str) -> Callable[..., int]:
        unknown = self._found.unknown.setdefault(kind, Unknown())

        def handle(inputs: list[Any], outputs: list[Any]) -> int:
            unknown.calls += 1
            unknown.paths.add(_strip(_scope(outputs)))
            for value in outputs:
                if value.isCompleteTensor():
                    unknown.elements += int(torch.Size(value.type().sizes()).numel())
            return 0

        return handle

    def _noting(self, handle: Handle, into: Counter[str]) -> Callable[..., int]:
        def wrapped(inputs: list[Any], outputs: list[Any]) -> int:
            running = _scope(outputs)
            if any(map(_is_untold, (*inputs, *outputs))):
                self._found.untold.add(_strip(running))
                return 0
            number = int(handle(inputs, outputs))
            if into is self._found.macs and _is_complex(outputs[0]):
                number *= REAL_PER_COMPLEX
            # Only multiply-accumulates go to who holds the weights, estimates to who runs.
            holders = self._holders_of(inputs) if into is self._found.macs else ()
            into[_strip(owner(holders, running) if holders else running)] += number
            return number

        return wrapped

    def _holders_of(self, inputs: list[Any]) -> Holders:
        """Return who holds the first matrix among the inputs that is a weight, if one is."""
        for value in inputs:
            if value.node().kind() == "prim::ListConstruct":
                holders = self._holders_of(list(value.node().inputs()))
            elif value.isCompleteTensor() and len(value.type().sizes()) > 1:
                holders = self._weight(value)
            else:
                continue
            if holders:
                return holders
        return ()

    def _weight(self, value: Any) -> Holders:
        node = value.node()
        while node.kind() in _VIEWS:
            value = next(node.inputs())
            node = value.node()
        if node.kind() != "prim::Param":
            return ()
        if not self._inputs:
            self._inputs = {out.debugName(): i for i, out in enumerate(node.outputs())}
        position = self._inputs[value.debugName()] - self._first_weight
        return self._holders[position] if position >= 0 else ()


def _is_untold(value: Any) -> bool:
    """Return whether a value is a tensor of a layout whose shape no trace tells: a sparse one."""
    kind = value.type()
    if value.node().kind() == "prim::ListConstruct":
        return any(map(_is_untold, value.node().inputs()))
    return (
        kind.kind() == "TensorType"
        and not value.isCompleteTensor()
        and not value.node().mustBeNone()
    )


def _is_complex(value: Any) -> bool:
    return (value.type().scalarType() or "").startswith("Complex")


def _convolution(inputs: list[Any], outputs: list[Any]) -> int:
    return int(sum(conv_flop_jit(inputs, outputs).values()))


def _scope(outputs: list[Any]) -> str:
    return str(outputs[0].node().scopeName().rpartition("/")[2]).replace(_SLASH, "/")


def _strip(path: str) -> str:
    """Drop the name of the wrapper around the model: `model.a.b` -> `a.b`."""
    return path.removeprefix("model").removeprefix(".")


class _QuietLogging:
    """Keeps fvcore's log lines off the user's terminal."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("fvcore")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
