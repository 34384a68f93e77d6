"""The second engine: every operator as torch's dispatcher runs it, counted and attributed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from archscope.counting import recurrences
from archscope.counting.applied_weights import AppliedWeights
from archscope.counting.closed_form_engine import Expected
from archscope.counting.composite_functions import COMPLEX, WHOLE, WholeFunctions, within_backward
from archscope.counting.custom import answer, composite_of
from archscope.counting.dispatcher_count import DispatcherCount
from archscope.counting.estimates import ESTIMATES
from archscope.counting.fvcore_estimates import ESTIMATES as FVCORE
from archscope.counting.fvcore_estimates import OF_FUNCTIONS
from archscope.counting.layouts import Formula, is_nested, special, why_unknown
from archscope.counting.operator_info import Operator, operator_of
from archscope.counting.out_of_sight import tensors_of
from archscope.counting.ownership import multiplied
from archscope.counting.path_lengths import PathLengths
from archscope.counting.quantised import HALF_STORED
from archscope.counting.top_k import CHOICES
from archscope.counting.uninitialised import memory_of as _storage
from archscope.running.higher_order import kernel_of, sees_functions
from archscope.running.module_stack import ModuleStack

_RECURRENCE = Operator(name="aten::lstm", kind="multiply-accumulate", formula=None)


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
        self._weights = AppliedWeights(model)
        self._lengths = PathLengths(model, repeats)
        self._operators: dict[Any, Operator] = {}
        self._expected = Expected(model)
        self._within_whole = False
        self._recurrent = set() if all_steps else _recurrent(model)
        self._times = 1
        """How often what runs now counts."""
        self._functions = WholeFunctions(self._whole, self._recurrence)
        self._entries = 0
        self.stack = ModuleStack(model, on_enter=self._enter, on_exit=self._exit)
        self.count = DispatcherCount(
            calls=self.stack.calls,
            input_shapes=self.stack.input_shapes,
            output_shapes=self.stack.output_shapes,
            unseen=self._functions.unwritten.found,
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
        if operator.composite and not any(map(is_nested, tensors_of(args))):
            result = self._by_parts(func, operator, args, kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        self._record(operator, args, kwargs, result)
        self.count.transformed |= within_backward()
        self._functions.ran(operator, func, args, kwargs, result, self.stack.current)
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
        if operator.kind != "unknown" and self._functions.unwritten:
            # its kernel may write by an address
            self._functions.unwritten.known(tensors_of(result))
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
            self._functions.unwritten.known(tensors_of(result))
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
        inputs, outputs = tensors_of(args), tensors_of(result)
        path, weight = self.stack.current, None
        macs: int | None = 0
        if operator.formula is not None and not self._within_whole:
            macs = self._macs(operator, operator.formula, args, kwargs, result)
            macs = macs and macs * self._times
            operands = multiplied(operator.name, inputs)
            path, weight = self._weights.applied(operator.name, operands, path)
            self._expected.add(path, macs or 0)
            if macs and self._weights.is_weightless(operator.name, operands):
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
            macs, why = formula(*args, result=result, **kwargs), why_unknown(tensors_of(args))
        if macs is None:
            self.count.reasons[operator.name] = why
        return macs

    def _remark(self, operator: str, inputs: list[Tensor], path: str, macs: int) -> None:
        """Note what is to be said of the operands' layouts and number types."""
        kinds = special(inputs)
        if "sparse" in kinds or operator in HALF_STORED:
            self.count.sparse[path] += macs
        if "complex" in kinds:
            self.count.complex_macs[path] += macs

    def _follow(
        self, operator: Operator, inputs: list[Tensor], outputs: list[Tensor], weight: int | None
    ) -> None:
        """Hand the longest path and the ownership of weights on to the outputs."""
        sources = [_storage(tensor) for tensor in inputs]
        longest = self._lengths.through(sources, weight, nonlinear=operator.nonlinear)
        is_copy = operator.kind == "free" and len(sources) == 1 and not operator.factory
        for output in outputs:
            key = _storage(output)
            self._lengths.set(key, longest)
            if key not in sources:
                self._weights.hand_on(sources[0] if is_copy else None, key)

    def _enter(self, path: str, args: Any) -> None:
        self._expected.enter(path, args)
        self._lengths.enter(path, args)

    def _exit(self, path: str, output: Any) -> None:
        self._expected.exit(path, output)
        self._functions.unwritten.returned(output, path)
        self._lengths.exit(path, output)
        if path == "":
            self.count.depth = self._lengths.longest_of(output)


def _recurrent(model: nn.Module) -> set[str]:
    return {path for path, module in model.named_modules() if isinstance(module, nn.RNNBase)}
