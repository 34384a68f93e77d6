"""fvcore's `FlopCountAnalysis` as it ships."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

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
    analysis.set_op_handle("aten::einsum", _einsum)
    inclusive = analysis.by_module_and_operator()
    return Figures(
        params=int(parameter_count(model)[""]),
        macs=int(analysis.total()),
        modules=own({path: {w: int(n) for w, n in ops.items()} for path, ops in inclusive.items()}),
        skipped=tuple(sorted(analysis.unsupported_ops())),
    )


def _einsum(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """Return fvcore's own figure in two parts: products that sum, and what is more than these.

    NumPy's `einsum_path` counts an operation for each element where nothing is summed, too.
    """
    from fvcore.nn.jit_handles import einsum_flop_jit

    from archscope.counting.fvcore_handles import einsum

    theirs, products = int(einsum_flop_jit(inputs, outputs)), einsum(inputs, outputs)
    more = theirs - products
    return Counter({"einsum": products, _NO_SUM: more} if more > 0 else {"einsum": theirs})


_NO_SUM = "einsum over nothing, element by element,"


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
