"""Runs a forward as it is written: no compiled code, no fused encoder, no advice."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from archscope.running.formulas import formulas_alone


@contextmanager
def as_written() -> Iterator[None]:
    """Within it, what was compiled runs as it was written, and every module runs its own parts.

    torch's fused encoder takes the weights of several modules in one operator; without it each
    product belongs to one module.
    """
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    optimised = torch._C._get_graph_executor_optimize()
    # What was scripted is compiled when it runs for the second time, which fails without data.
    torch._C._set_graph_executor_optimize(False)
    try:
        with uncompiled(), formulas_alone(), _autocast_of_shapes(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice for those who run it in earnest
            yield
    finally:
        torch._C._set_graph_executor_optimize(optimised)
        torch.backends.mha.set_fastpath_enabled(fast_path)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Within it, what was compiled runs as it was written, and nothing is compiled."""
    # Without torch's compiler nothing was compiled, and importing it takes seconds.
    imported = "torch._dynamo.eval_frame" in sys.modules
    found = torch.compile
    torch.compile = _as_it_is  # a forward may compile, as torch's own flex_attention does
    try:
        with torch.compiler.set_stance("force_eager") if imported else nullcontext():
            yield
    finally:
        torch.compile = found


def _as_it_is(model: Any = None, **_: Any) -> Any:
    """Stand for `torch.compile`, also where that is a decorator with settings."""
    return _as_it_is if model is None else model


@contextmanager
def _autocast_of_shapes() -> Iterator[None]:
    """Within it, autocast on the device of tensors without data, which torch has not, is a CPU's.

    A forward that says `torch.autocast(x.device.type, enabled=False)` runs so; those tensors keep
    their number types whatever it says.
    """
    made = torch.autocast.__init__

    def of_cpu(self: torch.autocast, device_type: str, *args: Any, **kwargs: Any) -> None:
        made(self, "cpu" if device_type == "meta" else device_type, *args, **kwargs)

    torch.autocast.__init__ = of_cpu  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.autocast.__init__ = made  # type: ignore[method-assign]
