"""The first engine: fvcore's counter over torch's trace, completed so that it drops nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from archscope.counting.dispatcher_count import DispatcherCount
from archscope.counting.folding import Folding
from archscope.counting.fvcore_handles import ESTIMATE_HANDLES, MAC_HANDLES, Handle
from archscope.counting.fvcore_parts import (
    FlopCountAnalysis,
    Statistics,
    conv_flop_jit,
    linear_flop_jit,
)
from archscope.counting.layouts import REAL_PER_COMPLEX
from archscope.counting.operators import FACTORIES, classify
from archscope.counting.ownership import Holders, deciding, holders_by_tensor, multiplied, owner
from archscope.counting.tracing import Trace, trace
from archscope.running.twin import Twin

_VIEWS = frozenset(
    f"aten::{name}"
    for name in (
        "t", "transpose", "view", "reshape", "chunk", "split", "split_with_sizes", "unbind",
        "select", "slice", "squeeze", "unsqueeze", "permute", "expand", "expand_as", "contiguous",
        "detach", "alias", "unflatten", "flatten", "narrow", "to", "clone", "tensor_split",
        "movedim", "swapaxes", "mT", "numpy_T", "type_as", "view_as", "reshape_as",
    )
) | {"prim::ListUnpack", "prim::TupleUnpack"}  # fmt: skip
"""Nodes through which a weight stays the same weight."""


@dataclass(slots=True)
class FvcoreCount:
    """What fvcore counted, by the path of the module that owns the weights or runs the operator."""

    macs: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates."""
    fvcore_estimates: Counter[str] = field(default_factory=Counter)
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
    holders: set[str] = field(default_factory=set)
    """The modules whose weights it takes: what it multiplies by them is their work."""


_ESTIMATED = re.compile("norm|pool|upsample|grid_sampler")
"""Names of operators that fvcore estimates."""


class UntraceableError(Exception):
    """A forward part of which torch's tracer cannot see; says why, in words for people."""


def count_with_fvcore(
    fresh: Callable[[], Twin], count: DispatcherCount, *, folds: bool
) -> FvcoreCount:
    """Trace a fresh copy and count it; raises what the tracer or the forward raises.

    `count` is what torch's dispatcher saw of the same. With `folds`, which needs no data, modules
    that do the same are traced once, and the tracer drops work that no output depends on. Only
    where what is left disagrees with `count` all is traced and kept alive, which takes time.
    """
    expected, estimated = count.macs(comparable=True), +count.fvcore_estimates
    twin = fresh()
    scripted = any(isinstance(module, torch.jit.ScriptModule) for module in twin.model.modules())
    for fold in () if scripted else (True, False) if folds else (False,):
        folding = Folding(twin.model, count) if fold else None
        if folding is None or folding.folds:
            found = _count(twin, folding)
            if +found.macs == expected and +found.fvcore_estimates == estimated:
                return found
            twin = fresh()
    return _count(twin, None, keep_all=True)


def _count(twin: Twin, folding: Folding | None, *, keep_all: bool = False) -> FvcoreCount:
    found = FvcoreCount()
    traced = trace(twin, keep_all=keep_all, also=folding.given if folding is not None else ())
    if any(
        classify(name) == "multiply-accumulate" or _ESTIMATED.search(name)
        for name in traced.unheard
    ):
        raise UntraceableError("part of it is scripted")
    recorder = _Recorder(traced, holders_by_tensor(twin.model), found)
    analysis = _Analysis(traced.graph, recorder)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.total()
    strangers = [k for k in analysis.unsupported_ops() if classify(k) == "unknown"]
    if strangers:  # once more, to learn how much they write
        found.macs.clear()
        found.fvcore_estimates.clear()
        handles = {kind: recorder.stranger(kind) for kind in strangers}
        analysis.set_op_handle(**handles).total()
    if folding is not None:
        folding.unfold(found.macs)
        folding.unfold(found.fvcore_estimates)
    return found


class _Analysis(FlopCountAnalysis):  # type: ignore[misc]
    """fvcore's counter over a trace that was made before."""

    def __init__(self, graph: Any, recorder: _Recorder) -> None:
        super().__init__(nn.Identity(), ())
        self._graph = graph
        self._recorder = recorder
        self.clear_op_handles()
        self._stats: Statistics | None

    def _analyze(self) -> Statistics:
        if self._stats is None:
            counts: Counter[str] = Counter()
            unsupported: Counter[str] = Counter()
            for node in self._graph.nodes():
                kind = node.kind()
                if kind == "prim::PythonOp":
                    kind = f"{kind}.{node.pyname()}"
                handle = self._op_handles.get(kind) or self._recorder.handle(kind)
                if handle is not None:
                    counts[kind] += handle(list(node.inputs()), list(node.outputs()))
                elif not self._should_ignore_node(node):
                    unsupported[kind] += 1
            self._stats = Statistics({"": counts}, {"": unsupported}, set())
        return self._stats


class _Recorder:
    """Wraps handles so that they also say whose work they counted."""

    def __init__(self, traced: Trace, holders: Mapping[int, Holders], found: FvcoreCount) -> None:
        self._found = found
        self._paths = traced.paths
        self._first_weight = traced.given
        self._holders = [holders.get(id(tensor), ()) for tensor in traced.weights]
        self._inputs: dict[str, int] = {}

    def handle(self, kind: str) -> Callable[..., int] | None:
        """Return what counts nodes of a kind, and notes whose work they are; None: nothing does."""
        if kind in _MACS:
            return self._noting(_MACS[kind], self._found.macs)
        if kind in ESTIMATE_HANDLES:
            return self._noting(ESTIMATE_HANDLES[kind], self._found.fvcore_estimates)
        return None

    def stranger(self, kind: str) -> Callable[..., int]:
        unknown = self._found.unknown.setdefault(kind, Unknown())

        def handle(inputs: list[Any], outputs: list[Any]) -> int:
            unknown.calls += 1
            unknown.paths.add(self._running(outputs))
            unknown.holders.update(*self._holders_of(inputs))
            for value in outputs:
                if value.isCompleteTensor():
                    unknown.elements += int(torch.Size(value.type().sizes()).numel())
            return 0

        return handle

    def _noting(self, handle: Handle, into: Counter[str]) -> Callable[..., int]:
        def wrapped(inputs: list[Any], outputs: list[Any]) -> int:
            running = self._running(outputs)
            if any(map(_is_untold, (*inputs, *outputs))):
                self._found.untold.add(running)
                return 0
            number = int(handle(inputs, outputs))
            if into is self._found.macs and _is_complex(outputs[0]):
                number *= REAL_PER_COMPLEX
            # Only multiply-accumulates go to who holds the weights, estimates to who runs.
            if into is self._found.macs:
                kind = outputs[0].node().kind()
                operands = deciding(kind, multiplied(kind, inputs))
                running = owner(list(self._holders_of(operands)), running)
            into[running] += number
            return number

        return wrapped

    def _running(self, outputs: list[Any]) -> str:
        """Return the path of the module that ran a node."""
        number = outputs[0].node().scopeName().rpartition("/")[2]
        return self._paths[int(number)] if number else ""

    def _holders_of(self, inputs: Sequence[Any]) -> Iterator[Holders]:
        """Yield who holds each of the inputs that is a weight."""
        for value in inputs:
            if value.node().kind() == "prim::ListConstruct":
                yield from self._holders_of(list(value.node().inputs()))
            elif value.isCompleteTensor():
                holders = self._weight(value)
                if holders:
                    yield holders

    def _weight(self, value: Any) -> Holders:
        node = value.node()
        while _passes_on(node):
            value = next(node.inputs())
            node = value.node()
        if node.kind() != "prim::Param":
            return ()
        if not self._inputs:
            self._inputs = {out.debugName(): i for i, out in enumerate(node.outputs())}
        position = self._inputs[value.debugName()] - self._first_weight
        return self._holders[position] if position >= 0 else ()


def _passes_on(node: Any) -> bool:
    """Return whether a node hands its first input on, moved, cut or cast, with nothing mixed in."""
    kind = node.kind()
    if kind in _VIEWS:
        return True
    if classify(kind) != "free" or kind in FACTORIES or not kind.startswith("aten::"):
        return False
    tensors = [value.isCompleteTensor() for value in node.inputs()]
    return sum(tensors) == 1 and bool(tensors[0])


def _is_untold(value: Any) -> bool:
    """Return whether a value is a tensor of a layout whose shape no trace tells: a sparse one."""
    if value.isCompleteTensor():
        return False
    kind, node = value.type().kind(), value.node()
    if kind == "ListType" and node.kind() == "prim::ListConstruct":
        return any(map(_is_untold, node.inputs()))
    return kind == "TensorType" and not node.mustBeNone()


def _is_complex(value: Any) -> bool:
    return (value.type().scalarType() or "").startswith("Complex")


def _convolution(inputs: list[Any], outputs: list[Any]) -> int:
    return int(sum(conv_flop_jit(inputs, outputs).values()))


_MACS: dict[str, Handle] = {
    "aten::linear": linear_flop_jit,
    "aten::_convolution": _convolution,
    **MAC_HANDLES,
}
_MACS |= {f"{kind}_": handle for kind, handle in _MACS.items()}  # written in place
"""What counts multiply-accumulates, by kind of node."""
