"""fvcore's `FlopCountAnalysis` as it ships."""

from __future__ import annotations

import logging

from torch import nn

from archscope.counting.others import Figures, Tool, own, positional
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count with fvcore's own handlers alone."""
    from archscope.counting.fvcore_parts import FlopCountAnalysis, parameter_count

    logging.getLogger("fvcore").setLevel(logging.ERROR)
    analysis = FlopCountAnalysis(model, positional(model, inputs, "fvcore"))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    inclusive = analysis.by_module_and_operator()
    return Figures(
        params=int(parameter_count(model)[""]),
        macs=int(analysis.total()),
        modules=own({path: {w: int(n) for w, n in ops.items()} for path, ops in inclusive.items()}),
        skipped=tuple(sorted(analysis.unsupported_ops())),
    )


TOOL = Tool(
    name="fvcore",
    package="fvcore",
    convention="FLOPs, one for each MAC: taken as MACs",
    count=count,
    work=frozenset(
        ("addmm", "bmm", "mm", "matmul", "linear", "conv", "einsum", "conv_transpose", "lstm")
    ),
    order=1,
)
