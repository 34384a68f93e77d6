"""ptflops' `get_model_complexity_info` as it ships, with its default backend."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from archscope.counting.others import PRODUCTS, Figures, Tool, Unfit
from archscope.counting.others._ptflops_rules import RULES
from archscope.counting.others._terms import noted_terms
from archscope.running.module_stack import ModuleStack
from archscope.subject import Inputs

_MULTIPLY = ("matmul", "mm", "bmm", "addmm", "baddbmm")
"""Functions that it counts as products."""
_SUMS = ("addmm", "baddbmm")
"""Those of them that add something, which it counts too."""


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count by rules for kinds of modules, and by functions that it replaces meanwhile."""
    from ptflops import get_model_complexity_info, pytorch_engine

    named = _by_name(model, inputs)
    listening = _Listening(model)
    stack, terms = ModuleStack(model), noted_terms(model, RULES)
    with stack, _functions(pytorch_engine, stack) as functions, terms as found:
        macs, params = get_model_complexity_info(
            model,
            (1,),
            input_constructor=lambda _: named,
            print_per_layer_stat=True,
            as_strings=False,
            ost=listening,
        )
    if macs is None or params is None:
        raise Unfit("ptflops gave up in its forward pass")
    items, whole = listening.items, sum(listening.work.values())
    divided = (
        f"one item of the batch is counted, not all: its sum over modules is divided by {items}, "
        "the first size of the input"
    )
    return Figures(
        params=int(params),
        macs=int(macs),
        modules=_together(listening.work, functions, model),
        terms=found,
        taken_off={divided: whole - whole // items} if whole // items != whole else {},
        closed=tuple(listening.closed),
    )


def _by_name(model: nn.Module, inputs: Inputs) -> Any:
    """Return the inputs as ptflops takes them: one tensor, or a dictionary of arguments."""
    if len(inputs.args) == 1 and not inputs.kwargs and isinstance(inputs.args[0], torch.Tensor):
        return inputs.args[0]
    call = inspect.signature(model.forward).bind(*inputs.args, **inputs.kwargs)
    by_name = {**dict(zip(call.signature.parameters, call.args, strict=False)), **call.kwargs}
    return {name: by_name[name] for name in call.arguments if name in by_name}


class _Listening:
    """A stream for its report: when that is written, each module still holds its figure."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.work: dict[str, int] = {}
        """Figures of the modules that it has a rule for, by path."""
        self.closed: dict[str, None] = {}
        """Those of them with parts, which it does not look into."""
        self.items = 1
        """What it divides the sum of those figures by."""

    def write(self, _: str) -> None:
        self.items = int(getattr(self._model, "__batch_counter__", 1) or 1)
        for path, module in self._model.named_modules():
            figure = getattr(module, "__flops__", None)
            if figure is not None and not self._is_inside(path):
                self.work[path] = int(figure)
                if next(module.children(), None) is not None:
                    self.closed[path] = None

    def _is_inside(self, path: str) -> bool:
        return any(path.startswith(f"{outer}." if outer else "") for outer in self.closed)

    def flush(self) -> None:
        """A stream has this."""


@contextmanager
def _functions(engine: Any, stack: ModuleStack) -> Iterator[Counter[tuple[str, str]]]:
    """Yield what it counts by functions: by the path of the module that ran, and by name."""
    found: Counter[tuple[str, str]] = Counter()
    original = engine.torch_function_wrapper

    class Noting(original):  # type: ignore[misc, valid-type]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            before = len(self.collector)
            output = super().__call__(*args, **kwargs)
            name, figure = self.op.__name__, sum(map(int, self.collector[before:]))
            if name in _SUMS:
                products = args[1].numel() * args[2].shape[-1]
                found[stack.current, f"the sum in {name}"] += figure - products
                figure = products
            found[stack.current, name] += figure
            return output

    engine.torch_function_wrapper = Noting
    try:
        yield found
    finally:
        engine.torch_function_wrapper = original


def _together(
    work: dict[str, int], functions: Counter[tuple[str, str]], model: nn.Module
) -> dict[str, dict[str, int]]:
    """Return all figures by module, and those of functions that are counted a second time."""
    found = {path: {PRODUCTS: macs} for path, macs in work.items() if macs}
    kinds = {path: type(module).__name__ for path, module in model.named_modules()}
    for (path, name), macs in functions.items():
        again = f"{name} in {kinds[path]}, a second time," if path in work else name
        if macs:
            own = found.setdefault(path, {})
            own[again] = own.get(again, 0) + macs
    return found


TOOL = Tool(
    name="ptflops",
    package="ptflops",
    convention="MACs of one item, with biases and elementwise work",
    count=count,
    work=frozenset((PRODUCTS, *_MULTIPLY)),
    on_shapes=False,  # it would hear torch's own functions that work out shapes
    order=5,
)
