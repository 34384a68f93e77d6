"""torch's own `FlopCounterMode` as it ships."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from archscope.counting.operators import classify, name_of
from archscope.counting.others import Figures, Tool, own
from archscope.running.formulas import as_they_are
from archscope.running.higher_order import sees_functions
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count what torch's dispatcher runs, by torch's own formulas alone."""
    seen = _Seen()
    with FlopCounterMode(display=False) as counter, as_they_are(_own(counter)), seen:
        model(*inputs.args, **inputs.kwargs)
    root = type(model).__name__
    inclusive = {}
    for name, work in counter.get_flop_counts().items():
        if name == root or name.startswith(f"{root}."):
            path = name.removeprefix(root).removeprefix(".")
            inclusive[path] = {str(word): flops // 2 for word, flops in work.items()}
    return Figures(
        params=None,
        macs=counter.get_total_flops() // 2,
        modules=own(inclusive),
        skipped=tuple(sorted(seen.unknown)),
    )


def _own(counter: FlopCounterMode) -> tuple[Any, ...]:
    """Return the function in which a counter that has begun counts, as torch wrote it."""
    mode: Any = getattr(counter, "mode", counter)
    dispatch = type(mode).__torch_dispatch__
    return (dispatch.__wrapped__,) if hasattr(dispatch, "__wrapped__") else ()


@sees_functions
class _Seen(TorchDispatchMode):
    """Notes the operators that multiply and that torch's counter has no formula for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.unknown: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Otherwise torch imports its compiler at the first operator.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = getattr(func, "_overloadpacket", None)
        if packet not in flop_registry and classify(name_of(func)) == "multiply-accumulate":
            self.unknown.add(name_of(func))
        return func(*args, **(kwargs or {}))


TOOL = Tool(
    name="FlopCounterMode",
    package="torch",
    convention="FLOPs, two for each MAC: halved; no parameters",
    count=count,
    order=2,
)
