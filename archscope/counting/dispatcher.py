"""The second engine: every operator as torch's dispatcher runs it, counted and attributed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archscope.counting import recurrences
from archscope.counting.closed_form_engine import Expected
from archscope.counting.composite_functions import COMPLEX, WHOLE, WholeFunctions, within_backward
from archscope.counting.custom import answer, composite_of
from archscope.counting.estimates import ESTIMATES
from archscope.counting.fvcore_estimates import ESTIMATES as FVCORE
from archscope.counting.fvcore_estimates import OF_FUNCTIONS
from archscope.counting.layouts import Formula, is_nested, special, why_unknown
from archscope.counting.operator_info import Operator, operator_of
from archscope.counting.operators import OperatorClass
from archscope.counting.ownership import (
    Holders,
    held_tensors,
    holders_by_tensor,
    multiplied,
    owner,
)
from archscope.counting.path_lengths import PathLength, PathLengths
from archscope.counting.quantised import HALF_STORED
from archscope.counting.top_k import CHOICES
from archscope.counting.uninitialised import Unseen, Unwritten, kept_names
from archscope.counting.uninitialised import memory_of as _storage
from archscope.running.higher_order import kernel_of, sees_functions
from archscope.running.module_stack import ModuleStack

_RECURRENCE = Operator(name="aten::lstm", kind="multiply-accumulate", formula=None)


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
    source: str = ""
    """Whose formula counted it, which no second engine holds; empty for archscope's own."""


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
    unseen: Mapping[str, Unseen] = field(default_factory=dict)
    """Results that nothing seen has written, by the path of the module that used them first."""
    elsewhere: Set[str] = frozenset()
    """Paths of modules that ran in threads of the forward's own, where nothing is counted."""
    unlike: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Multiply-accumulates by closed form and as counted, where they differ, by path."""
    choices: set[tuple[str, str, int, int]] = field(default_factory=set)
    """Path of the module that ran, operator, of how many the largest were chosen, how many were."""
    sparse: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates by the entries that sparse operands store, by path."""
    fvcore_estimates: Counter[str] = field(default_factory=Counter)
    """What fvcore estimates for norms, pools and resampling, by path of the module that runs."""
    convolved_complex: set[str] = field(default_factory=set)
    """Paths of modules with complex convolutions, of which a trace shows three real ones."""
    weightless: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates of products that apply no weight, as attention's, by path."""
    transformed: bool = False
    """Whether a part ran within a transform of torch.func, a derivative forwards or a backward, of
    which a trace does not show all."""
    complex_macs: int = 0
    """Real multiply-accumulates that were made of complex ones."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why an operator that has a formula could not be counted."""
    failed_in: str | None = None
    """The module whose forward was running when an error was raised."""

    def macs(self, *, comparable: bool = False) -> Counter[str]:
        """Return the multiply-accumulates of each module's own work, by path.

        With `comparable` without those that no other engine could count.
        """
        found: Counter[str] = Counter()
        for (path, _), tally in self.work.items():
            if tally.macs and not (comparable and tally.source):
                found[path] += tally.macs
        return found


@sees_functions
class DispatcherCounter(TorchDispatchMode):
    """Counts multiply-accumulates, operators, elements and path lengths of one forward pass.

    `repeats` maps the path of a block that stands for several to their number; path lengths
    through it are stretched accordingly, all other counts are left for the caller to multiply.
    Without `all_steps` recurrent layers on shapes alone run a few steps, and count as many as
    they are given.
    """

    def __init__(
        self, model: nn.Module, repeats: Mapping[str, int], *, all_steps: bool = True
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._holders = _holders_by_storage(model)
        self._names = kept_names(tensor for _, tensor in held_tensors(model))
        self._inherited: dict[int, Holders] = {}
        self._linear = {p for p, module in model.named_modules() if isinstance(module, nn.Linear)}
        self._lengths = PathLengths(model, repeats)
        self._operators: dict[Any, Operator] = {}
        self._unwritten = Unwritten()
        self._expected = Expected(model)
        self._within_whole = False
        self._recurrent = set() if all_steps else _recurrent(model)
        self._times = 1
        """How often what runs now counts."""
        self._functions = WholeFunctions(self._whole, self._recurrence, self._unwritten)
        self._entries = 0
        self.stack = ModuleStack(model, on_enter=self._enter, on_exit=self._exit)
        self.count = DispatcherCount(
            calls=self.stack.calls,
            input_shapes=self.stack.input_shapes,
            output_shapes=self.stack.output_shapes,
            unseen=self._unwritten.found,
            unlike=self._expected.unlike,
            elsewhere=self.stack.elsewhere,
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
        operator = self._operators.get(func)
        if operator is None:
            operator = self._operators[func] = operator_of(func)
        if operator.composite and not any(map(is_nested, _tensors(args))):
            result = self._by_parts(func, operator, args, kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        self._record(operator, args, kwargs, result)
        self.count.transformed |= within_backward()
        if operator.uninitialised:
            self._unwritten.made(_tensors(result))
        elif operator.name == "aten::lift_fresh" and self._functions.values_left:
            self._unwritten.lifted(_tensors(result))
        elif self._unwritten:
            inputs = _tensors((args, list(kwargs.values())))
            self._unwritten.met(func, args, kwargs, inputs, self.stack.current)
        return result

    def _by_parts(self, func: Any, operator: Operator, args: Any, kwargs: Any) -> Any:
        """Run a composite operator by its parts, which are counted each."""
        estimate = None if self._within_whole else FVCORE.get(operator.name)
        before, self._within_whole = self._within_whole, self._within_whole or bool(estimate)
        try:
            with self:
                result = func.decompose(*args, **kwargs)
        finally:
            self._within_whole = before
        if operator.kind != "unknown" and self._unwritten:
            self._unwritten.known(_tensors(result))  # its kernel may write by an address
        if estimate is not None and result is not NotImplemented:
            self._estimate(estimate(*args, result=result, **kwargs))
        return result

    def __enter__(self) -> DispatcherCounter:
        if not self._entries:
            self._functions.__enter__()  # type: ignore[no-untyped-call]
        self._entries += 1
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)  # type: ignore[no-untyped-call]
        self._entries -= 1
        if not self._entries:
            self.count.transformed |= self._functions.transformed
            self._functions.__exit__(*raised)  # type: ignore[no-untyped-call]

    def _whole(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run and count a function of which the dispatcher sees parts that are other work."""
        before, self._within_whole = self._within_whole, True
        try:
            result = func(*args, **kwargs)
        finally:
            self._within_whole = before
        if func in OF_FUNCTIONS:
            self._estimate(OF_FUNCTIONS[func](*args, result=result, **kwargs))
            return result
        composite = composite_of(func)
        if composite is not None:
            self._unwritten.known(_tensors(result))
            self._record(operator_of(composite), args, kwargs, result)
            return result
        if func in COMPLEX:
            self.count.convolved_complex.add(self.stack.current)
        name, formula = WHOLE[func] if func in WHOLE else COMPLEX[func]
        operator = Operator(name=name, kind="multiply-accumulate", formula=formula)
        self._record(operator, args, kwargs, result)
        return result

    def _recurrence(self, func: Any, args: Any) -> Any:
        """Run and count a recurrence of many steps, by fewer where it is a layer's."""
        result = recurrences.whole(args) if self.stack.current in self._recurrent else None
        if result is None:
            return func(*args)
        made: Any = ()
        for shorter, times in recurrences.parts(args):
            self._times = times
            try:
                made = func(*shorter)
            finally:
                self._times = 1
        for short, long in zip(made, result, strict=True):
            self._follow(_RECURRENCE, [short], [long], None)
        return result

    def _record(self, operator: Operator, args: Any, kwargs: Any, result: Any) -> None:
        inputs, outputs = _tensors(args), _tensors(result)
        path, weight = self.stack.current, None
        macs: int | None = 0
        if operator.formula is not None and not self._within_whole:
            macs = self._macs(operator, operator.formula, args, kwargs, result)
            macs = macs and macs * self._times
            operands = multiplied(operator.name, inputs)
            path, weight = self._owner(operands, path)
            weight = self._computed(operator.name, operands) if weight is None else weight
            self._expected.add(path, macs or 0)
            if macs and self._is_weightless(operator.name, operands):
                self.count.weightless[path] += macs
            if not operator.source:
                self._remark(operator.name, inputs, path, macs or 0)
        tally = self.count.work[path, operator.name]
        tally.kind = "unknown" if operator.name in self.count.reasons else operator.kind
        tally.source = operator.source
        tally.calls += self._times
        tally.macs += macs or 0
        if operator.name in FVCORE and not self._within_whole:
            self._estimate(FVCORE[operator.name](*args, result=outputs[0], **kwargs))
        if operator.name in CHOICES:
            chosen = CHOICES[operator.name](*args, **kwargs)
            self.count.choices.add((path, operator.name, *chosen))
        if operator.name in ESTIMATES:
            tally.estimated_flops += round(ESTIMATES[operator.name](*args, result=result, **kwargs))
        if not operator.view:
            tally.elements += self._times * sum(output.numel() for output in outputs)
        self._follow(operator, inputs, outputs, weight)

    def _estimate(self, flops: int) -> None:
        self.count.fvcore_estimates[self.stack.current] += flops

    def _macs(
        self, operator: Operator, formula: Formula, args: Any, kwargs: Any, result: Any
    ) -> int | None:
        """Return what a formula says, and note why where it says nothing."""
        if operator.source:
            macs, why = answer(formula, args, kwargs, result)
        else:
            macs, why = formula(*args, result=result, **kwargs), why_unknown(_tensors(args))
        if macs is None:
            self.count.reasons[operator.name] = why
        return macs

    def _remark(self, operator: str, inputs: list[Tensor], path: str, macs: int) -> None:
        """Note what is to be said of the operands' layouts and number types."""
        kinds = special(inputs)
        if "sparse" in kinds or operator in HALF_STORED:
            self.count.sparse[path] += macs
        if "complex" in kinds:
            self.count.complex_macs += macs

    def _owner(self, operands: Sequence[Tensor], running: str) -> tuple[str, int | None]:
        """Return whose work a product is, and the weight that it applies: the last matrix held."""
        held, weight = [], None
        for tensor in operands:
            key = _storage(tensor)
            holders = self._holders_of(key)
            if holders:
                held.append(holders)
                weight = key if tensor.ndim > 1 else weight
        return owner(held, running), weight

    def _computed(self, operator: str, operands: Sequence[Tensor]) -> int | None:
        """Return what stands for a weight that is no parameter, as by weight norm; None: no weight.

        What a linear layer multiplies by is its weight however that was made, and so is a filter.
        """
        running = self.stack.current
        if running in self._linear:
            return hash(running)
        if "conv" not in operator:
            return None
        # Memory alone does not tell filters apart: the first one's may be the second's by now.
        return hash((running, *map(_storage, operands[1:2])))  # a packed one is no tensor

    def _is_weightless(self, operator: str, operands: Sequence[Tensor]) -> bool:
        """Return whether what is multiplied is made by the network alone; a filter is a weight."""
        if "scaled_dot_product" in operator:
            return True  # queries may be learned, and are no layer's weight
        if "conv" in operator:
            return False
        return not any(self._holders_of(_storage(tensor)) for tensor in operands)

    def _holders_of(self, storage: int) -> Holders | None:
        return self._holders.get(storage) or self._inherited.get(storage)

    def _follow(
        self, operator: Operator, inputs: list[Tensor], outputs: list[Tensor], weight: int | None
    ) -> None:
        """Hand the longest path and the ownership of weights on to the outputs."""
        sources = [_storage(tensor) for tensor in inputs]
        longest = self._lengths.through(sources, weight, nonlinear=operator.nonlinear)
        for output in outputs:
            key = _storage(output)
            self._lengths.set(key, longest)
            if key not in sources:  # storage that is new may have been another tensor's before
                self._inherited.pop(key, None)
                if operator.kind == "free" and len(sources) == 1 and not operator.factory:
                    holders = self._holders_of(sources[0])
                    if holders:
                        self._inherited[key] = holders

    def _enter(self, path: str, args: Any) -> None:
        self._expected.enter(path, args)
        self._lengths.enter(path, args)

    def _exit(self, path: str, output: Any) -> None:
        self._expected.exit(path, output)
        self._unwritten.returned(output, path)
        self._lengths.exit(path, output)
        if path == "":
            self.count.depth = self._lengths.longest_of(output)


def _recurrent(model: nn.Module) -> set[str]:
    return {path for path, module in model.named_modules() if isinstance(module, nn.RNNBase)}


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in _flat(value) if isinstance(leaf, Tensor)]


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _flat(item)]
    return [value] if not isinstance(value, dict) else tree_leaves(value)


def _holders_by_storage(model: nn.Module) -> dict[int, Holders]:
    """Return the holders of each storage; a storage that different weights share has none."""
    holders = holders_by_tensor(model)
    found: dict[int, Holders] = {}
    for _, tensor in held_tensors(model):
        key = _storage(tensor)
        if found.setdefault(key, holders[id(tensor)]) != holders[id(tensor)]:
            found[key] = ()
    return {key: paths for key, paths in found.items() if paths}
