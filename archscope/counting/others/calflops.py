"""calflops' `calculate_flops` as it ships."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from math import prod
from typing import Any

from torch import nn

from archscope.counting.others import PRODUCTS, Figures, Tool
from archscope.counting.others._terms import Rule, noted_terms
from archscope.subject import Inputs


def count(model: nn.Module, inputs: Inputs) -> Figures:
    """Count by functions that it replaces meanwhile."""
    from calflops import calculate_flops

    listening = _Listening(model)
    with redirect_stdout(listening), noted_terms(model, RULES) as terms:
        _, macs, params = calculate_flops(
            model,
            args=list(inputs.args),
            kwargs=dict(inputs.kwargs),
            print_results=True,
            print_detailed=False,
            output_as_string=False,
        )
    return Figures(
        params=int(params),
        macs=int(macs),
        modules={path: {"": number} for path, number in listening.work.items() if number},
        terms=terms,
    )


def _transposed(module: Any, args: tuple[Any, ...], output: Any) -> Mapping[str, int]:
    """`_conv_trans_flops_compute`: the weights hold the outputs of one group already."""
    filters, cells = module.weight.shape[1], args[0].numel() * prod(module.kernel_size)
    again = "the channels of its output are divided by the groups twice"
    return {
        PRODUCTS: cells * filters,
        f"{type(module).__name__}: {again}": cells * (filters // module.groups - filters),
    }


RULES: Mapping[str, Rule] = dict.fromkeys(
    ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), _transposed
)
"""By the name of a module's class."""


class _Listening:
    """Takes its report: when that is printed, each module still holds its figure."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.work: dict[str, int] = {}

    def write(self, text: str) -> Any:
        for path, module in self._model.named_modules():
            figure = getattr(module, "__macs__", None)
            if figure is not None:
                self.work[path] = int(figure)
        return sys.stderr.write(text)

    def flush(self) -> None:
        """A stream has this."""


TOOL = Tool(
    name="calflops",
    package="calflops",
    convention="MACs; parameters that are trained",
    count=count,
    order=6,
)
