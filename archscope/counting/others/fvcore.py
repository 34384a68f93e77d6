"""fvcore's `FlopCountAnalysis` as it ships."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
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
    left_out: list[int] = []
    analysis.set_op_handle("aten::matmul", partial(_matmul, left_out))
    inclusive = analysis.by_module_and_operator()
    return Figures(
        params=int(parameter_count(model)[""]),
        macs=int(analysis.total()) - sum(left_out),
        modules=own({path: {w: int(n) for w, n in ops.items()} for path, ops in inclusive.items()}),
        taken_off={_ONE: sum(left_out)} if any(left_out) else {},
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


def _matmul(left_out: list[int], inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """Return the products, and append those that fvcore's own figure leaves out.

    It multiplies the sizes of the first operand: where that is repeated for each matrix of the
    second, one of them is counted.
    """
    from fvcore.nn.jit_handles import matmul_flop_jit

    from archscope.counting.fvcore_handles import matmul

    theirs, products = int(matmul_flop_jit(inputs, outputs)), matmul(inputs, outputs)
    left_out.append(max(products - theirs, 0))
    return Counter({"matmul": max(products, theirs)})


_ONE = "of a batch of matrices that one other is multiplied by, one is counted"
_NO_SUM = "einsum over nothing, element by element,"


TOOL = Tool(
    name="fvcore",
    package="fvcore",
    convention="FLOPs, one for each MAC: taken as MACs",
    count=count,
    work=frozenset(
        ("addmm", "bmm", "mm", "matmul", "linear", "conv", "einsum", "conv_transpose", "lstm")
    ),
    traces=True,
    order=1,
)
