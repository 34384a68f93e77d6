"""The second engine: every operator as torch's dispatcher runs it, counted and attributed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archscope.counting.estimates import ESTIMATES
from archscope.counting.formulas import FORMULAS
from archscope.counting.higher_order import kernel_of
from archscope.counting.layouts import NEEDS_DATA, Formula, special
from archscope.counting.operators import NONLINEAR, OperatorClass, classify, name_of
from archscope.counting.ownership import Holders, held_tensors, holders_by_tensor, owner
from archscope.running.module_stack import ModuleStack, tensors_in


@dataclass(slots=True)
class Tally:
    """What one operator did inside one module."""

    calls: int = 0
    elements: int = 0
    """Elements of all outputs that are not views."""
    macs: int = 0
    estimated_flops: int = 0
    """FLOPs of transforms and factorisations, which are no multiply-accumulates."""
    kind: OperatorClass = "unknown"


@dataclass(frozen=True, slots=True)
class PathLength:
    """The longest chain of layers from any input to a tensor."""

    weighted: int = 0
    """Operators that apply weights of their own."""
    last_weight: int = 0
    """The weight that was applied last, so that a recurrence counts once."""
    nonlinear: int = 0
    """Activation functions and softmaxes."""


@dataclass(slots=True)
class DispatcherCount:
    """What one forward pass did, as far as it got."""

    work: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    """By (path of the module that owns the weights or runs the operator, operator)."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """How often each module's forward finished, by path."""
    input_shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    """Shapes of the positional tensors of each module's first call, by path."""
    output_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shape of the first tensor that each module returned first, by path."""
    depth: PathLength = field(default_factory=PathLength)
    """The longest path through the whole network."""
    sparse: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates by the entries that sparse operands store, by path."""
    complex_macs: int = 0
    """Real multiply-accumulates that were made of complex ones."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why an operator that has a formula could not be counted."""
    failed_in: str | None = None
    """The module whose forward was running when an error was raised."""

    def macs(self) -> Counter[str]:
        """Return the multiply-accumulates of each module's own work, by path."""
        found: Counter[str] = Counter()
        for (path, _), tally in self.work.items():
            if tally.macs:
                found[path] += tally.macs
        return found


@dataclass(frozen=True, slots=True)
class _Operator:
    """What is known of an overload before it runs."""

    name: str
    kind: OperatorClass
    formula: Formula | None
    nonlinear: bool
    composite: bool
    view: bool


class DispatcherCounter(TorchDispatchMode):
    """Counts multiply-accumulates, operators, elements and path lengths of one forward pass.

    `repeats` maps the path of a block that stands for several to their number; path lengths
    through it are stretched accordingly, all other counts are left for the caller to multiply.
    """

    supports_higher_order_operators = True

    def __init__(self, model: nn.Module, repeats: Mapping[str, int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._repeats = repeats
        self._holders = _holders_by_storage(model)
        self._inherited: dict[int, Holders] = {}
        self._lengths: dict[int, PathLength] = {}
        self._entered: dict[str, PathLength] = {}
        self._recurrent = {
            path: module.num_layers
            for path, module in model.named_modules()
            if isinstance(module, nn.RNNBase)
        }
        self._operators: dict[Any, _Operator] = {}
        self.stack = ModuleStack(model, on_enter=self._enter, on_exit=self._exit)
        self.count = DispatcherCount(
            calls=self.stack.calls,
            input_shapes=self.stack.input_shapes,
            output_shapes=self.stack.output_shapes,
        )
        """What was done until now."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(kind.__torch_dispatch__ is not Tensor.__torch_dispatch__ for kind in types):
            # A class that runs operators of its own on what it holds: these are seen.
            return NotImplemented
        kernel = kernel_of(func)
        if kernel is not None:
            with self:
                return kernel(*args, **kwargs)
        operator = self._operators.get(func) or self._learn(func)
        if operator.composite:
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        self._record(operator, args, kwargs, result)
        return result

    def _learn(self, func: Any) -> _Operator:
        name = name_of(func)
        kind, formula = classify(name), FORMULAS.get(name)
        is_overload = isinstance(func, torch._ops.OpOverload)
        composite = is_overload and func.has_kernel_for_dispatch_key(
            torch._C.DispatchKey.CompositeImplicitAutograd
        )
        operator = _Operator(
            name=name,
            # An operator that multiplies, but that no formula knows, must not pass for zero.
            kind="unknown" if _is_missing(name, kind) else kind,
            formula=formula,
            nonlinear=name.removeprefix("aten::") in NONLINEAR,
            composite=composite,
            view=(is_overload and func.is_view) or name == "aten::_unsafe_view",
        )
        self._operators[func] = operator
        return operator

    def _record(self, operator: _Operator, args: Any, kwargs: Any, result: Any) -> None:
        inputs = [leaf for leaf in _flat(args) if isinstance(leaf, Tensor)]
        outputs = [leaf for leaf in _flat(result) if isinstance(leaf, Tensor)]
        weight = path = None
        macs: int | None = 0
        if operator.formula is not None:
            macs = operator.formula(*args, result=result, **kwargs)
            weight, path = self._weight(inputs)
            self._remark(operator, inputs, path, macs)
        tally = self.count.work[path if path is not None else self.stack.current, operator.name]
        tally.kind = "unknown" if operator.name in self.count.reasons else operator.kind
        tally.calls += 1
        tally.macs += macs or 0
        if operator.name in ESTIMATES:
            tally.estimated_flops += round(ESTIMATES[operator.name](*args, result=result, **kwargs))
        if not operator.view:
            tally.elements += sum(output.numel() for output in outputs)
        self._follow(operator, inputs, outputs, weight)

    def _remark(
        self, operator: _Operator, inputs: list[Tensor], path: str | None, macs: int | None
    ) -> None:
        """Note what is to be said of the operands' layouts and number types."""
        kinds = special(inputs)
        if macs is None:
            self.count.reasons[operator.name] = NEEDS_DATA
        if "sparse" in kinds:
            self.count.sparse[path if path is not None else self.stack.current] += macs or 0
        if "complex" in kinds:
            self.count.complex_macs += macs or 0

    def _weight(self, inputs: list[Tensor]) -> tuple[int | None, str | None]:
        for tensor in inputs:
            key = _storage(tensor)
            holders = self._holders_of(key)
            if holders and tensor.ndim > 1:
                return key, owner(holders, self.stack.current)
        return None, None

    def _holders_of(self, storage: int) -> Holders | None:
        return self._holders.get(storage) or self._inherited.get(storage)

    def _follow(
        self, operator: _Operator, inputs: list[Tensor], outputs: list[Tensor], weight: int | None
    ) -> None:
        """Hand the longest path and the ownership of weights on to the outputs."""
        sources = [_storage(tensor) for tensor in inputs]
        longest = _longest([self._lengths[key] for key in sources if key in self._lengths])
        if weight is not None and weight != longest.last_weight:
            longest = PathLength(longest.weighted + 1, weight, longest.nonlinear)
        if operator.nonlinear:
            longest = PathLength(longest.weighted, longest.last_weight, longest.nonlinear + 1)
        for output in outputs:
            key = _storage(output)
            self._lengths[key] = longest
            if key not in sources:  # storage that is new may have been another tensor's before
                self._inherited.pop(key, None)
                if operator.kind == "free" and len(sources) == 1:
                    holders = self._holders_of(sources[0])
                    if holders:
                        self._inherited[key] = holders

    def _enter(self, path: str, args: Any) -> None:
        if path in self._repeats or path in self._recurrent:
            self._entered[path] = self._longest_of(args)

    def _exit(self, path: str, output: Any) -> None:
        if path in self._repeats:
            self._stretch(output, self._entered[path], self._repeats[path])
        elif path in self._recurrent:
            # A recurrent layer counts once, however many steps it takes.
            before, layers = self._entered[path], self._recurrent[path]
            length = PathLength(before.weighted + layers, 0, before.nonlinear + layers)
            for tensor in tensors_in(output):
                self._lengths[_storage(tensor)] = length
        if path == "":
            self.count.depth = self._longest_of(output)

    def _stretch(self, output: Any, before: PathLength, times: int) -> None:
        for tensor in tensors_in(output):
            after = self._lengths.get(_storage(tensor), before)
            self._lengths[_storage(tensor)] = PathLength(
                before.weighted + times * (after.weighted - before.weighted),
                after.last_weight,
                before.nonlinear + times * (after.nonlinear - before.nonlinear),
            )

    def _longest_of(self, value: Any) -> PathLength:
        keys = (_storage(tensor) for tensor in tensors_in(value))
        return _longest([self._lengths[key] for key in keys if key in self._lengths])


def _is_missing(name: str, kind: OperatorClass) -> bool:
    known = {"multiply-accumulate": FORMULAS, "estimated": ESTIMATES}.get(kind)
    return known is not None and name not in known


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _flat(item)]
    return [value] if not isinstance(value, dict) else tree_leaves(value)


def _longest(lengths: list[PathLength]) -> PathLength:
    if not lengths:
        return PathLength()
    if len(lengths) == 1:
        return lengths[0]
    top = max(lengths, key=lambda length: length.weighted)
    return PathLength(top.weighted, top.last_weight, max(length.nonlinear for length in lengths))


def _storage(tensor: Tensor) -> int:
    # Views share it, meta tensors have one too; it names the memory, not its address.
    try:
        return int(tensor.untyped_storage()._cdata)
    except NotImplementedError:  # a sparse tensor has several
        return id(tensor)


def _holders_by_storage(model: nn.Module) -> dict[int, Holders]:
    """Return the holders of each storage; a storage that different weights share has none."""
    holders = holders_by_tensor(model)
    found: dict[int, Holders] = {}
    for _, tensor in held_tensors(model):
        key = _storage(tensor)
        if found.setdefault(key, holders[id(tensor)]) != holders[id(tensor)]:
            found[key] = ()
    return {key: paths for key, paths in found.items() if paths}
